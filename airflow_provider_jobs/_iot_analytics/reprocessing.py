# SPDX-License-Identifier: Apache-2.0

"""Reprocessings as data: a request, and the string that names one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.parameters import handed, matching

__all__ = [
    "ReprocessingRequest",
    "checked_pipeline_name",
    "checked_reprocessing_id",
    "handed_reprocessing",
    "job_ids",
    "reprocessing_job_id",
]

#: What a path of AWS's API takes for an id and nothing else.
_REPROCESSING_ID = re.compile(r"[A-Za-z0-9_:-]{1,256}")
_PIPELINE_NAME = re.compile(r"(?!__)[a-zA-Z0-9_]{1,128}")


def checked_pipeline_name(given: Any, parameter: str = "pipeline_name") -> str:
    """Return the name of a pipeline.

    :param given: the name, or the result of the task that started a reprocessing.
    :param parameter: what gave it, for the message.
    :raises JobInputError: if AWS allows no such name.
    """
    meaning = "1 to 128 letters, digits and _, and not begin with __"
    return matching(handed(given, parameter), parameter, _PIPELINE_NAME, meaning)


def checked_reprocessing_id(given: Any, parameter: str = "reprocessing_id") -> str:
    """Return the id of a reprocessing.

    :param given: the id, or the result of the task that started the reprocessing.
    :param parameter: what gave it, for the message.
    :raises JobInputError: if it can be none.
    """
    meaning = "the id that the start has returned; the start operator's result has it under 'reprocessing_id'"
    return matching(handed(given, parameter), parameter, _REPROCESSING_ID, meaning)


def reprocessing_job_id(pipeline_name: Any, reprocessing_id: Any) -> str:
    """Return the one string by which everything here speaks of a reprocessing: ``pipeline/id``.

    :raises JobInputError: if either is not what AWS allows.
    """
    return f"{checked_pipeline_name(pipeline_name)}/{checked_reprocessing_id(reprocessing_id)}"


def handed_reprocessing(pipeline_name: Any, reprocessing_id: Any) -> str:
    """Return that string for two parameters, of which the second may be a result that has both ids.

    :raises JobInputError: if either is not what AWS allows.
    """
    if pipeline_name is None and not isinstance(reprocessing_id, Mapping):
        raise JobInputError(
            "pipeline_name is missing. Give it, or give the start's whole .output as reprocessing_id."
        )
    return reprocessing_job_id(reprocessing_id if pipeline_name is None else pipeline_name, reprocessing_id)


def job_ids(job_id: str) -> dict[str, str]:
    """Return the ids that the string has put together, by the names of the parameters."""
    pipeline_name, _, reprocessing_id = job_id.partition("/")
    return {"pipeline_name": pipeline_name, "reprocessing_id": reprocessing_id}


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
