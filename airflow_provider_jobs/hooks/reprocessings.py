# SPDX-License-Identifier: Apache-2.0

"""Reprocessings as data: a request, and the string that names one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_jobs.exceptions import JobInputError

__all__ = ["ReprocessingRequest", "reprocessing_job_id"]

#: What a path of AWS's API takes for an id and nothing else.
_REPROCESSING_ID = re.compile(r"[A-Za-z0-9_:-]{1,256}")
_PIPELINE_NAME = re.compile(r"(?!__)[a-zA-Z0-9_]{1,128}")


def reprocessing_job_id(pipeline_name: Any, reprocessing_id: Any) -> str:
    """Return the one string by which everything here speaks of a reprocessing: ``pipeline/id``.

    :raises JobInputError: if either is not what AWS allows.
    """
    if not isinstance(pipeline_name, str) or not _PIPELINE_NAME.fullmatch(pipeline_name):
        raise JobInputError(
            f"pipeline_name={pipeline_name!r} must be 1 to 128 letters, digits and _, and not begin with __."
        )
    if not isinstance(reprocessing_id, str) or not _REPROCESSING_ID.fullmatch(reprocessing_id):
        raise JobInputError(
            f"reprocessing_id={reprocessing_id!r} must be the id that the start has returned; the start "
            "operator's result has it under 'reprocessing_id'."
        )
    return f"{pipeline_name}/{reprocessing_id}"


@dataclass(frozen=True, slots=True)
class ReprocessingRequest:
    """A reprocessing that is asked for, checked.

    :param pipeline_name: the pipeline.
    :param start: the first arrival, inclusive, aware; None for the channel's beginning.
    :param end: the arrival to stop before, aware; None for its end.
    :param s3_paths: keys of the channel's objects, instead of a window.
    """

    pipeline_name: str
    start: datetime | None = None
    end: datetime | None = None
    s3_paths: tuple[str, ...] | None = None

    def facts(self) -> dict[str, Any]:
        """Return what AWS acts on."""
        paths = None if self.s3_paths is None else frozenset(self.s3_paths)
        return {"pipeline": self.pipeline_name, "start": self.start, "end": self.end, "paths": paths}

    def asked(self) -> dict[str, Any]:
        """Return what a result tells of the request: AWS does not tell it."""
        start, end = (bound and bound.isoformat() for bound in (self.start, self.end))
        paths = None if self.s3_paths is None else list(self.s3_paths)
        return {"start_time": start, "end_time": end, "s3_paths": paths}
