# SPDX-License-Identifier: Apache-2.0

"""How an activation of a pipeline is, told from its instances.

https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-interpret-status.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from airflow_provider_jobs.hooks.activations import ActivationId, Instance, PipelineLook, read_time
from airflow_provider_jobs.job import JobState, JobStatus

__all__ = ["blocked", "judge", "judge_pipeline"]

#: How long the state of a pipeline that was just activated is not trusted without instances.
_SETTLES = timedelta(minutes=5)
#: Instances that a message names; the others are counted.
_NAMED = 10


def blocked(instances: Collection[Instance]) -> dict[str, str]:
    """Return the instances that wait for ever, each with what it waits for.

    Unless ``failureAndRerunMode`` is ``cascade``, what depends on a failed activity stays
    WAITING_ON_DEPENDENCIES, and the pipeline SCHEDULED.
    """
    dead = {each.id for each in instances if each.bad}
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
    bad = [each for each in instances if each.bad or each.id in stuck]
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
    failed = [each for each in bad if each.id in stuck or not each.cancelled]
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
