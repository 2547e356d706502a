# SPDX-License-Identifier: Apache-2.0

"""Activations of a pipeline: how they are named, and how it is told from their instances how they are.

https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-interpret-status.html
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.job import JobState, JobStatus

__all__ = [
    "ActivationId",
    "Instance",
    "PipelineLook",
    "blocked",
    "checked_pipeline_id",
    "judge",
    "judge_pipeline",
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
#: How long the state of a pipeline that was just activated is not trusted without instances.
_SETTLES = timedelta(minutes=5)
#: Instances that a message names; the others are counted.
_NAMED = 10


def read_time(text: str | None) -> datetime | None:
    """Read a time of the service: UTC, whole seconds, no zone."""
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC) if text else None


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
    def parse(cls, text: str) -> ActivationId:
        """Read an activation's id.

        :raises JobInputError: if it is none.
        """
        match = _ID.fullmatch(text)
        if match is None:
            raise JobInputError(
                f"{text!r} is neither a pipeline's id (df-…) nor an activation (df-…@2026-01-31T00:00:00)."
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


def checked_pipeline_id(pipeline_id: Any) -> str:
    """Return a pipeline's id.

    :raises JobInputError: if it is none.
    """
    if not isinstance(pipeline_id, str) or ActivationId.parse(pipeline_id).time:
        raise JobInputError(f"pipeline_id={pipeline_id!r} is not a pipeline's id (df-…).")
    return pipeline_id


@dataclass(frozen=True, slots=True)
class PipelineLook:
    """A pipeline as DescribePipelines shows it.

    :param pipeline_id: its id.
    :param fields: its fields; of several with the same key the last.
    """

    pipeline_id: str
    fields: Mapping[str, str]

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> PipelineLook:
        """Read a row of the answer."""
        fields = {each["key"]: each.get("stringValue", "") for each in description.get("fields", ())}
        return cls(description["pipelineId"], fields)

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
        """Read an object of DescribeObjects."""
        fields: dict[str, tuple[str, ...]] = {}
        for each in found.get("fields", ()):
            value = each.get("stringValue") or each.get("refValue") or ""
            fields[each["key"]] = (*fields.get(each["key"], ()), value)
        return cls(found["id"], fields)

    def value(self, key: str) -> str | None:
        """Return a field's value."""
        return self.fields.get(key, (None,))[0]

    @property
    def status(self) -> str:
        """``@status``."""
        return self.value("@status") or "PENDING"

    @property
    def ended(self) -> bool:
        """Whether it has come to an end, good or bad."""
        return self.status in _ENDED

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
        if self.error:
            told += f": {self.error}"
        if source := self.value("@cascadeFailedOn"):
            told += f", because {source} failed"
        return told


def blocked(instances: Collection[Instance]) -> dict[str, str]:
    """Return the instances that wait for ever, each with what it waits for.

    Unless ``failureAndRerunMode`` is ``cascade``, what depends on a failed activity stays
    WAITING_ON_DEPENDENCIES, and the pipeline SCHEDULED.
    """
    dead = {each.id for each in instances if each.ended and each.status not in _GOOD}
    makers: dict[tuple[str, str], list[str]] = {}
    for each in instances:
        for output in each.fields.get("output", ()):
            makers.setdefault((output, each.scheduled), []).append(each.id)
    stuck: dict[str, str] = {}
    waiting = [each for each in instances if each.status == "WAITING_ON_DEPENDENCIES"]
    while True:
        more = {}
        for each in waiting:
            needs = [*each.fields.get("dependsOn", ()), *each.fields.get("@waitingOn", ())]
            for given in each.fields.get("input", ()):
                needs += [given, *makers.get((given, each.scheduled), ())]
            cause = next((need for need in needs if need in dead), None)
            if cause and each.id not in stuck:
                more[each.id] = cause
        if not more:
            return stuck
        stuck |= more
        dead |= set(more)


def judge_pipeline(look: PipelineLook) -> JobStatus:
    """Tell how a pipeline is by its state alone; one that is inactive counts as stopped."""
    state = JobState.RUNNING
    if look.state == "DEACTIVATING":
        state = JobState.STOPPING
    elif look.inactive:
        state = JobState.SUCCEEDED if look.state == "FINISHED" else JobState.CANCELLED
    details = {"pipeline_id": look.pipeline_id, "state": look.state}
    return JobStatus(look.pipeline_id, state, look.state, details=details)


def judge(
    job: ActivationId, look: PipelineLook, known: Iterable[Instance], now: datetime
) -> tuple[JobStatus, list[Instance]]:
    """Tell how an activation is.

    It is over when all of its instances have ended or wait for ever, and no more are to come: the pipeline
    is FINISHED or INACTIVE, its schedule has gone past ``until`` or has an end, or it was activated anew.

    :param job: the activation.
    :param look: its pipeline.
    :param known: the pipeline's instances, as far as they are known.
    :param now: aware.
    :return: its status, and the instances that failed.
    """
    since = look.activated if job.time == "latest" else job.time
    before = look.activated if look.superseded(job) else None
    instances = [each for each in known if since and each.within(job, since, before)]
    stuck = blocked(instances)
    bad = [each for each in instances if (each.ended and each.status not in _GOOD) or each.id in stuck]
    done = sum(each.ended for each in instances)
    counts = dict(sorted(Counter(each.status for each in instances).items()))
    over = done + len(stuck) == len(instances) and since is not None
    if over and not before:
        over = _no_more(job, look, bool(instances), now)
    state, service_state = (
        _end(look, instances, bad, stuck, before) if over else (JobState.RUNNING, look.state)
    )
    if look.state == "DEACTIVATING" and not before and not over:
        state = JobState.STOPPING
    note = f"{done} of {len(instances)} instances done" if instances else None
    if stuck:
        note = f"{note}, {len(stuck)} waiting for ever"
    status = JobStatus(
        job_id=str(replace(job, time=since) if since else job),
        state=state,
        service_state=service_state,
        reason=_reason(look, bad, stuck, before) if over and state is not JobState.SUCCEEDED else None,
        progress=done / len(instances) if instances else None,
        note=note,
        started_at=read_time(since),
        details={
            "pipeline_id": look.pipeline_id,
            "activation_time": _iso(since),
            "until": _iso(job.until),
            "state": service_state,
            "instances": counts,
            "instances_done": done,
            "instances_total": len(instances),
        },
    )
    return status, bad if over else []


def _iso(time: str | None) -> str | None:
    return f"{time}+00:00" if time else None


def _no_more(job: ActivationId, look: PipelineLook, any_known: bool, now: datetime) -> bool:
    """Whether no further instance can come, given that none is at work."""
    if look.state == "DEACTIVATING":
        return False
    if look.inactive:
        # A new activation is shown a little before what it runs, beside the state the pipeline had.
        began = read_time(look.activated)
        return any_known or began is None or now - began > _SETTLES
    if job.until:
        until = read_time(job.until)
        return until is not None and now >= until and (look.next_run is None or look.next_run >= until)
    # SCHEDULED is shown of a pipeline that is ready, at work, or even finished.
    return any_known and look.next_run is None


def _end(
    look: PipelineLook,
    instances: Collection[Instance],
    bad: Collection[Instance],
    stuck: Collection[str],
    before: str | None,
) -> tuple[JobState, str]:
    failed = [each for each in bad if each.id in stuck or each.status not in _CANCELLED]
    if look.state in ("INACTIVE", "PENDING") and not before:
        return JobState.CANCELLED, look.state
    if failed:
        return JobState.FAILED, "FAILED"
    if bad or (before and not instances):
        return JobState.CANCELLED, "CANCELED"
    return JobState.SUCCEEDED, "FINISHED"


def _reason(
    look: PipelineLook, bad: Collection[Instance], stuck: Mapping[str, str], before: str | None
) -> str:
    told = [
        f"{each.id} waits for ever for {stuck[each.id]}, which ended without success"
        if each.id in stuck
        else each.told()
        for each in sorted(bad, key=lambda each: (each.id in stuck, each.status != "FAILED"))
    ]
    if len(told) > _NAMED:
        told[_NAMED:] = [f"and {len(told) - _NAMED} more"]
    if look.state == "INACTIVE" and not before:
        told.insert(0, "the pipeline was deactivated")
    if before:
        told.append(f"the pipeline was activated again at {before}")
    if stuck:
        told.append(
            "the pipeline stays SCHEDULED with what waits: deactivate it, or set failureAndRerunMode to "
            "cascade in the Default object so that such a run ends"
        )
    return "; ".join(told)
