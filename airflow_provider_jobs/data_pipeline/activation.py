# SPDX-License-Identifier: Apache-2.0

"""Activations of a pipeline: how they are named, and what AWS shows of a pipeline and of its instances."""

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
    "Instance",
    "PipelineLook",
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

#: States of a pipeline in which it does nothing and will do nothing.
_INACTIVE = frozenset({"PENDING", "INACTIVE", "FINISHED"})
_GOOD = frozenset({"FINISHED", "SKIPPED"})
#: AWS's own tools do not agree on the spelling.
_CANCELLED = frozenset({"CANCELED", "CANCELLED"})
_ENDED = _GOOD | _CANCELLED | {"FAILED", "CASCADE_FAILED", "TIMEDOUT", "TIMEOUT"}
#: Statuses of an instance that goes on.
IN_FLIGHT = (
    "ACTIVATING",
    "CREATING",
    "DEACTIVATING",
    "PAUSED",
    "PENDING",
    "RUNNING",
    "SCHEDULED",
    "SHUTTING_DOWN",
    "VALIDATING",
    "WAITING_FOR_RUNNER",
    "WAITING_ON_DEPENDENCIES",
)
_RESOURCES = frozenset({"Ec2Resource", "EmrCluster"})


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


@dataclass(frozen=True, slots=True)
class PipelineLook:
    """A pipeline as DescribePipelines shows it.

    :param pipeline_id: its id.
    :param fields: its fields; of several with the same key the last.
    :param at: when AWS answered, by AWS's clock, aware; None if the answer does not say.
    """

    pipeline_id: str
    fields: Mapping[str, str]
    at: datetime | None = None

    @classmethod
    def of(cls, description: Mapping[str, Any], at: datetime | None = None) -> PipelineLook:
        """Read a row of the answer; fields without a key are left out.

        :param at: when AWS answered, aware.
        """
        fields = {
            each["key"]: each.get("stringValue", "")
            for each in description.get("fields", ())
            if "key" in each
        }
        return cls(description["pipelineId"], fields, at)

    @property
    def state(self) -> str:
        """``@pipelineState``."""
        return self.fields.get("@pipelineState", "PENDING")

    @property
    def inactive(self) -> bool:
        """Whether it does nothing, and will do nothing unless it is activated."""
        return self.state in _INACTIVE

    @property
    def activated(self) -> str | None:
        """When it was activated last, as AWS writes it."""
        return self.fields.get("@lastActivationTime")

    @property
    def finished(self) -> datetime | None:
        """When it finished last; None while it has not."""
        return read_time(self.fields.get("@finishedTime"))

    @property
    def next_run(self) -> datetime | None:
        """When its schedule has it run next."""
        return read_time(self.fields.get("@nextRunTime"))

    def superseded(self, job: ActivationId) -> bool:
        """Whether it has been activated again since."""
        return job.time not in (None, "latest") and (self.activated or "") > str(job.time)


@dataclass(frozen=True, slots=True)
class Instance:
    """One activity (or data node, or resource) in one interval.

    :param id: its id.
    :param fields: the values of its fields, of a reference the id.
    :param error: what its last attempt failed with.
    """

    id: str
    fields: Mapping[str, tuple[str, ...]]
    error: str | None = None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Instance:
        """Read an object of DescribeObjects; fields without a key are left out."""
        fields: dict[str, tuple[str, ...]] = {}
        for each in found.get("fields", ()):
            if "key" not in each:
                continue
            value = each.get("stringValue") or each.get("refValue") or ""
            fields[each["key"]] = (*fields.get(each["key"], ()), value)
        return cls(found["id"], fields)

    @classmethod
    def not_shown(cls, instance_id: str) -> Instance:
        """Stand in for one that QueryObjects has listed and DescribeObjects does not show."""
        return cls(instance_id, {"@status": ("NOT_SHOWN",)})

    def value(self, key: str) -> str | None:
        """Return a field's value."""
        return self.fields.get(key, (None,))[0]

    @property
    def status(self) -> str:
        """``@status``."""
        return self.value("@status") or "PENDING"

    @property
    def works(self) -> bool:
        """Whether it is an activity: neither a resource nor a data node. One of a type not known is taken
        for an activity.
        """
        kind = self.value("type") or ""
        return not (kind in _RESOURCES or kind.endswith("DataNode"))

    @property
    def known(self) -> bool:
        """Whether its status is one that AWS documents."""
        return self.status in _ENDED or self.status in IN_FLIGHT

    @property
    def ended(self) -> bool:
        """Whether it has come to an end, good or bad; by its end time if its status is not known."""
        return self.status in _ENDED or (not self.known and self.value("@actualEndTime") is not None)

    @property
    def bad(self) -> bool:
        """Whether it has come to a bad end."""
        return self.ended and self.status not in _GOOD

    @property
    def cancelled(self) -> bool:
        """Whether somebody ended it."""
        return self.status in _CANCELLED

    @property
    def scheduled(self) -> str:
        """The start of its interval, as AWS writes it."""
        return self.value("@scheduledStartTime") or ""

    def within(self, job: ActivationId, since: str, before: str | None) -> bool:
        """Whether it counts for an activation.

        :param since: the time of the activation.
        :param before: the time of the next activation, if there is one.
        """
        if job.until and self.scheduled >= job.until:
            return False
        began = max(self.scheduled, self.value("@actualStartTime") or "")
        if before:
            return since <= began < before
        return began >= since or not self.ended

    def told(self) -> str:
        """Return a line on what became of it."""
        told = f"{self.id} is {self.status}"
        if not self.known:
            told += ", a status that is not known"
        if self.error:
            told += f": {self.error}"
        if source := self.value("@cascadeFailedOn"):
            told += f", because {source} failed"
        return told
