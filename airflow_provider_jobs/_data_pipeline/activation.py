# SPDX-License-Identifier: Apache-2.0

"""Activations of a pipeline: what is asked for, and how one is named."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.parameters import handed, text

__all__ = [
    "ActivationId",
    "ActivationRequest",
    "checked_pipeline_id",
    "job_ids",
    "read_time",
]

_TIME = "%Y-%m-%dT%H:%M:%S"
_ID = re.compile(
    # Printable ASCII but @, as AWS makes ids: nothing that a log or a terminal would take for its own.
    r"(?P<pipeline>[!-?A-~]{1,1024}?)(?:@(?P<time>latest|[-\d]+T[:\d]+)(?:\.\.(?P<until>[-\d]+T[:\d]+))?)?",
    re.ASCII,
)


def read_time(written: str | None) -> datetime | None:
    """Read a time of the service: UTC, whole seconds, no zone."""
    return datetime.strptime(written, _TIME).replace(tzinfo=UTC) if written else None


@dataclass(frozen=True, slots=True)
class ActivationId:
    """What an activation is known by, since AWS gives it no id of its own.

    In writing ``df-1`` (the pipeline and nothing but its state), ``df-1@latest`` (its latest activation,
    whichever that is by then) or ``df-1@2026-01-31T00:00:00``; with ``..2026-02-01T00:00:00`` behind it,
    only what is scheduled before that time.

    :param pipeline_id: the pipeline.
    :param time: when it was activated, by AWS's clock, as AWS writes it; ``latest``; None for the
        pipeline itself.
    :param until: the time before which instances have to be scheduled to count, as AWS writes it.
    """

    pipeline_id: str
    time: str | None = None
    until: str | None = None

    @classmethod
    def parse(cls, written: str) -> ActivationId:
        """Read an activation's id.

        :raises JobInputError: if it is none.
        """
        match = _ID.fullmatch(written)
        if match is None:
            raise JobInputError(
                f"{written!r} is neither a pipeline's id (df-…) nor an activation (df-…@2026-01-31T00:00:00)."
            )
        return cls(match["pipeline"], match["time"], match["until"])

    @classmethod
    def of(cls, pipeline_id: str, time: datetime | None, until: datetime | None) -> ActivationId:
        """Name an activation by its time; the latest one without."""
        return cls(
            pipeline_id,
            time.strftime(_TIME) if time else "latest",
            until.strftime(_TIME) if until else None,
        )

    def __str__(self) -> str:
        time = f"@{self.time}" if self.time else ""
        return f"{self.pipeline_id}{time}{f'..{self.until}' if self.until else ''}"


def checked_pipeline_id(given: Any, parameter: str = "pipeline_id") -> str:
    """Return a pipeline's id.

    :param given: the id, or the result of the task that created, defined or activated the pipeline.
    :param parameter: what gave it, for the message.
    :raises JobInputError: if it is none.
    """
    pipeline_id = text(handed(given, parameter), parameter)
    if not (match := _ID.fullmatch(pipeline_id)) or match["time"]:
        raise JobInputError(f"{parameter}={pipeline_id!r} is not a pipeline's id (df-…).")
    return pipeline_id


def job_ids(activation_id: str) -> dict[str, str]:
    """Return an activation's ids by the names that they have in a result."""
    activation = ActivationId.parse(activation_id)
    ids = {"pipeline_id": activation.pipeline_id}
    time = read_time(None if activation.time == "latest" else activation.time)
    return {**ids, "activation_time": time.isoformat()} if time else ids


@dataclass(frozen=True, slots=True)
class ActivationRequest:
    """An activation that is asked for, checked.

    :param pipeline_id: the pipeline.
    :param parameter_values: values for this activation, in the API's form.
    :param start_timestamp: from when the schedule is followed, aware.
    :param wait_until: the time before which instances have to be scheduled to be waited for, aware.
    :param wait: whether the activation's end is waited for.
    """

    pipeline_id: str
    parameter_values: Sequence[Mapping[str, str]] | None = field(default=None, repr=False)
    start_timestamp: datetime | None = None
    wait_until: datetime | None = None
    wait: bool = True

    def facts(self) -> dict[str, Any]:
        """Return what AWS acts on."""
        values = sorted((each["id"], each["stringValue"]) for each in self.parameter_values or ())
        return {"pipeline": self.pipeline_id, "values": values, "start": self.start_timestamp}
