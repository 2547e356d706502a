# SPDX-License-Identifier: Apache-2.0

"""The status of an activation of a pipeline, told from its instances.

https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-interpret-status.html

AWS has instances of activities, resources and data nodes. An activation is judged by its activities:

- It succeeded if all of them are FINISHED or SKIPPED. What becomes of a resource or a data node after that
  does not matter. One that failed before shows through the activity that needs it: that one fails, is
  cancelled or waits without end.
- The pipeline's state lags. An inactive one counts once it was seen to change since the activation: a poll
  has seen the pipeline active, it finished after the activation, or an activity was cancelled. Else it counts
  when the settling time since the activation is over. So does success while the pipeline is still active.
- Resources and data nodes that have not ended are waited for as long as the pipeline is active and something
  changes. They are not after the settling time without a change, or if an activity is blocked.
- An activity with a status that is not known has ended if it has an end time. Without, it is in flight while
  its pipeline is active and something changes. If nothing changes for the settling time while the pipeline is
  inactive, or for an hour while it is active, the activation has failed, and the reason names the status.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from airflow_provider_jobs._data_pipeline.activation import ActivationId, read_time
from airflow_provider_jobs._data_pipeline.instance import Instance
from airflow_provider_jobs._data_pipeline.pipeline import PipelineLook
from airflow_provider_jobs.job import JobState, JobStatus

__all__ = ["blocked", "judge", "judge_pipeline", "running"]

#: Seconds since an activation in which AWS may not show all of it.
SETTLES = 60.0
#: Seconds without a change after which a status that is not known is no longer waited for while the pipeline
#: is active. It is long, since a retry would cancel what still runs.
_UNKNOWN = 3600.0
#: Instances that a message names; the others are counted.
_NAMED = 10
_WAITING = frozenset({"WAITING_ON_DEPENDENCIES", "WAITING_FOR_RUNNER"})


def blocked(instances: Collection[Instance]) -> dict[str, str]:
    """Return the instances that wait without end, each with what it waits for.

    Unless ``failureAndRerunMode`` is ``cascade``, what depends on a failed activity, data node or resource
    keeps waiting, and the pipeline stays SCHEDULED.
    """
    dead = {each.id for each in instances if each.bad}
    at = {(each.value("@componentParent"), each.scheduled): each.id for each in instances}
    makers: dict[tuple[str, str], list[str]] = {}
    for each in instances:
        for output in each.fields.get("output", ()):
            makers.setdefault((output, each.scheduled), []).append(each.id)
    stuck: dict[str, str] = {}
    waiting = [each for each in instances if each.status in _WAITING]
    while True:
        more = {}
        for each in waiting:
            needs = [
                *each.fields.get("dependsOn", ()),
                *each.fields.get("@waitingOn", ()),
                *each.fields.get("runsOn", ()),
            ]
            for given in each.fields.get("input", ()):
                needs += [given, *makers.get((given, each.scheduled), ())]
            # AWS may name the component or its instance.
            needs += [at[need, each.scheduled] for need in needs if (need, each.scheduled) in at]
            cause = next((need for need in needs if need in dead), None)
            if cause and each.id not in stuck:
                more[each.id] = cause
        if not more:
            return stuck
        stuck |= more
        dead |= set(more)


def judge_pipeline(look: PipelineLook) -> JobStatus:
    """Return the status of a pipeline by its state alone; one that is inactive counts as stopped."""
    state = JobState.RUNNING
    if look.state == "DEACTIVATING":
        state = JobState.STOPPING
    elif look.inactive:
        state = JobState.SUCCEEDED if look.state == "FINISHED" else JobState.CANCELLED
    details = {"pipeline_id": look.pipeline_id, "state": look.state}
    return JobStatus(look.pipeline_id, state, look.state, details=details)


@dataclass(frozen=True, slots=True)
class _Work:
    """The instances of an activation, sorted by what they mean for its end.

    :param all: all of them.
    :param stuck: those that wait without end, each with what it waits for.
    :param bad: activities that ended without success or are stuck, and what else brought that about.
    :param failed: those of them that nobody cancelled.
    :param running: activities in flight.
    :param unknown: activities that have not ended, with a status that is not known.
    :param others: resources and data nodes that have not ended.
    """

    all: list[Instance]
    stuck: dict[str, str]
    bad: list[Instance]
    failed: list[Instance]
    running: list[Instance]
    unknown: list[Instance]
    others: list[Instance]

    @classmethod
    def of(cls, instances: list[Instance]) -> _Work:
        stuck = blocked(instances)
        works = [each for each in instances if each.works]
        # Where a definition has no activity, or AWS does not show any, all count.
        counted = works or instances
        # By their ids: to compare thousands of instances with each other would take seconds.
        ids = {each.id for each in counted}
        open_ = [each for each in counted if not each.ended and each.id not in stuck]
        bad = [each for each in counted if each.bad or each.id in stuck]
        needed = {need for each in bad for need in (stuck.get(each.id), *each.fields.get("runsOn", ()))}
        bad += [each for each in instances if each.bad and each.id not in ids and each.id in needed]
        return cls(
            all=instances,
            stuck=stuck,
            bad=bad,
            failed=[each for each in bad if each.id in stuck or not each.cancelled],
            running=[each for each in open_ if each.known],
            unknown=[each for each in open_ if not each.known],
            others=[
                each for each in instances if each.id not in ids and not each.ended and each.id not in stuck
            ],
        )


def judge(
    job: ActivationId,
    look: PipelineLook,
    known: Iterable[Instance],
    *,
    settled: bool = False,
    active: bool = False,
    still: float = 0.0,
) -> tuple[JobStatus, list[Instance]]:
    """Return the status of an activation.

    It is over when no activity is in flight (see this module's rules for what that means), and no more are to
    come: the pipeline is inactive, its schedule has gone past ``until`` or has an end, or it was activated
    again.

    :param job: the activation.
    :param look: its pipeline.
    :param known: the pipeline's instances, as far as they are known.
    :param settled: whether the settling time since the activation is over.
    :param active: whether an earlier poll has seen the pipeline active in this activation.
    :param still: seconds for which neither the pipeline nor an instance has changed.
    :return: its status, and the instances that failed.
    """
    since = look.activated if job.time == "latest" else job.time
    before = look.activated if look.superseded(job) else None
    instances = [each for each in known if since and each.within(job, since, before)]
    work = _Work.of(instances)
    over = since is not None and not work.running
    if over and not before:
        over = _no_more(job, look, work, settled=settled, active=active)
    if over and work.unknown:
        over = still >= (SETTLES if before or look.inactive else _UNKNOWN)
    elif over and work.others:
        over = bool(work.stuck) or still >= SETTLES or (look.inactive and not before)
    state, service_state = _end(look, work, before) if over else (JobState.RUNNING, look.state)
    if look.state == "DEACTIVATING" and not before and not over:
        state = JobState.STOPPING
    done = sum(each.ended for each in instances)
    note = f"{done} of {len(instances)} instances done" if instances else None
    if work.stuck:
        note = f"{note}, {len(work.stuck)} waiting for ever"
    if work.unknown:
        note = f"{note}, {_named(work.unknown)}"
    status = JobStatus(
        job_id=str(replace(job, time=since) if since else job),
        state=state,
        service_state=service_state,
        reason=_reason(look, work, before) if over and state is not JobState.SUCCEEDED else None,
        progress=done / len(instances) if instances else None,
        note=note,
        started_at=read_time(since),
        details={
            "pipeline_id": look.pipeline_id,
            "activation_time": _iso(since),
            "until": _iso(job.until),
            "state": service_state,
            "instances": dict(sorted(Counter(each.status for each in instances).items())),
            "instances_done": done,
            "instances_total": len(instances),
        },
    )
    return status, work.bad if over else []


def running(job: ActivationId, look: PipelineLook) -> JobStatus:
    """Return the status of an activation of which nothing is known but that it is there."""
    status, _ = judge(job, look, ())
    state = JobState.STOPPING if look.state == "DEACTIVATING" else JobState.RUNNING
    return replace(status, state=state, service_state=look.state, reason=None)


def _iso(time: str | None) -> str | None:
    return f"{time}+00:00" if time else None


def _no_more(job: ActivationId, look: PipelineLook, work: _Work, *, settled: bool, active: bool) -> bool:
    """Whether no further instance can come, given that no activity is in flight."""
    if look.state == "DEACTIVATING":
        return False
    if settled and look.inactive:
        return True
    if look.inactive:
        # A new activation is shown before what it runs, beside the state that the pipeline had.
        return bool(work.all) and (active or _moved(job, look, work))
    sure = settled or bool(work.failed)
    if job.until and look.next_run is not None:
        until = read_time(job.until)
        return until is not None and look.next_run >= until and (bool(work.all) or settled)
    if job.until and not work.all:
        return settled and look.next_run is None
    # SCHEDULED is shown of a pipeline that is ready, at work, or even finished.
    return bool(work.all) and look.next_run is None and sure


def _moved(job: ActivationId, look: PipelineLook, work: _Work) -> bool:
    """Whether an inactive state came after the activation, by AWS's own times or by what it cancelled."""
    if look.state == "FINISHED":
        since = read_time(look.activated if job.time == "latest" else job.time)
        return since is not None and look.finished is not None and look.finished > since
    return any(each.cancelled for each in work.bad)


def _end(look: PipelineLook, work: _Work, before: str | None) -> tuple[JobState, str]:
    if look.state in ("INACTIVE", "PENDING") and not before:
        return JobState.CANCELLED, look.state
    if work.failed or work.unknown:
        return JobState.FAILED, "FAILED"
    if work.bad or (before and not work.all):
        return JobState.CANCELLED, "CANCELED"
    return JobState.SUCCEEDED, "FINISHED"


def _named(instances: Iterable[Instance]) -> str:
    return "; ".join(each.told() for each in instances)


def _reason(look: PipelineLook, work: _Work, before: str | None) -> str:
    stuck: Mapping[str, str] = work.stuck
    told = [
        f"{each.id} waits for ever for {stuck[each.id]}, which ended without success"
        if each.id in stuck
        else each.told()
        for each in sorted(work.bad, key=lambda each: (each.id in stuck, each.status != "FAILED"))
    ]
    told += [f"{each.told()} and did not change" for each in work.unknown]
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
