# SPDX-License-Identifier: Apache-2.0

"""How activations of Data Pipeline are watched: by their instances, of which as few as will do are read."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypedDict

from airflow_provider_jobs._data_pipeline.activation import ActivationId, read_time
from airflow_provider_jobs._data_pipeline.instance import IN_FLIGHT, Instance
from airflow_provider_jobs._data_pipeline.pipeline import PipelineLook
from airflow_provider_jobs._data_pipeline.status import SETTLES, judge, judge_pipeline, running
from airflow_provider_jobs.exceptions import JobUnavailableError
from airflow_provider_jobs.job import JobStatus

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook

__all__ = ["ActivationWatcher"]

#: Fields of a pipeline that change when it may have further instances.
_MOVES = ("@finishedTime", "@lastActivationTime", "@latestRunTime", "@nextRunTime", "@pipelineState")
#: Queries, or descriptions of instances, that a look may take. Every half a minute they are two calls a
#: second, which is what AWS allows.
_SPEND = 60
#: Failed instances whose attempts are asked for what went wrong.
_EXPLAINED = 25


@dataclass(slots=True)
class _Watch:
    """What is known of an activation from earlier looks.

    All times are seconds by this process's clock, since the first poll: a restart begins again.

    :param seen: the pipeline's fields when its instances were asked for last.
    :param turn: in which look that was.
    :param since: the activation, as AWS writes its time.
    :param first: when it was polled first.
    :param active: whether its pipeline was seen active in it.
    :param changed: when its pipeline or an instance last showed a change.
    """

    seen: Mapping[str, str] = field(default_factory=dict)
    turn: int = 0
    instances: dict[str, Instance] = field(default_factory=dict)
    status: JobStatus | None = None
    since: str | None = None
    first: float = 0.0
    active: bool = False
    changed: float = 0.0


class _Seen(TypedDict):
    """What polls say to :func:`~airflow_provider_jobs._data_pipeline.status.judge`; see there."""

    settled: bool
    active: bool
    still: float


class ActivationWatcher:
    """Tells how activations are by the instances that they run.

    :param hook: makes the calls; what was seen is in its ``memory``.
    """

    def __init__(self, hook: DataPipelineHook) -> None:
        self._hook = hook

    def judged(
        self, jobs: Mapping[str, ActivationId], looks: Mapping[str, PipelineLook | Exception]
    ) -> dict[str, JobStatus | Exception]:
        """Tell of each activation how it is, or the error that concerns it.

        Instances are asked for where the pipeline moved, and then of those not looked at for longest. For
        an activation that is not looked at this time the last status is returned.

        :param jobs: the activations, by any name.
        :param looks: their pipelines.
        """
        found: dict[str, JobStatus | Exception] = {}
        shown: dict[str, PipelineLook] = {}
        for name, job in jobs.items():
            look = looks.get(job.pipeline_id)
            if look is None:
                found[name] = JobUnavailableError(
                    f"AWS's answer left out pipeline {job.pipeline_id}. The next poll asks again.",
                )
            elif isinstance(look, Exception):
                found[name] = look
            elif job.time is None:
                found[name] = judge_pipeline(look)
            else:
                shown[name] = look
        self._turn += 1
        known: dict[str, _Watch] = self._hook.memory.get("watches", {})
        self._hook.memory["watches"] = watches = {name: known.get(name, _Watch()) for name in shown}
        due = sorted(shown, key=lambda name: (watches[name].seen == shown[name].fields, watches[name].turn))
        spent = 0

        def describe(name: str) -> JobStatus:
            nonlocal spent
            watch, job, look = watches[name], jobs[name], shown[name]
            if spent < _SPEND:
                spent += self._read(watch, job, look)
            return watch.status or running(job, look)

        return self._hook.describe_each(due, found, describe)

    @property
    def _turn(self) -> int:
        """How often activations were judged."""
        return int(self._hook.memory.get("turn", 0))

    @_turn.setter
    def _turn(self, turn: int) -> None:
        self._hook.memory["turn"] = turn

    def _read(self, watch: _Watch, job: ActivationId, look: PipelineLook) -> int:
        """Ask for an activation's instances, as few as will do, and tell how it is by them.

        :return: how many calls of a kind it took.
        """
        known = watch.instances
        before = dict(known)
        open_ = [each.id for each in known.values() if not each.ended]
        spent = 1
        if open_ and all(watch.seen.get(name) == look.fields.get(name) for name in _MOVES):
            self._update(watch, look.pipeline_id, open_)
            # While an activity is at work no other can bring the end; all else may hide that there is more.
            open_ = [each.id for each in known.values() if each.works and each.known and not each.ended]
        else:
            open_ = []
        since = look.activated if job.time == "latest" else job.time
        if not open_ and since and look.activated:
            selectors: dict[str, tuple[str, Sequence[str]]] = {
                "scheduledStartTime": ("GE", [since]),
                "actualStartTime": ("GE", [since]),
            }
            if not look.inactive:
                selectors["status"] = ("EQ", IN_FLIGHT)
            ids = [
                each
                for key, selector in selectors.items()
                for each in self._hook.query_objects(look.pipeline_id, "INSTANCE", **{key: selector})
                if key == "status" or each not in known or not known[each].ended
            ]
            self._update(watch, look.pipeline_id, ids)
            spent = len(selectors)
        seen = self._seen(watch, look, since, watch.seen != look.fields or before != known)
        status, bad = judge(job, look, known.values(), **seen)
        if bad:
            self._explain(watch, look.pipeline_id, bad[:_EXPLAINED])
            status, _ = judge(job, look, known.values(), **seen)
        watch.seen, watch.turn, watch.status = look.fields, self._turn, status
        return spent

    def _seen(self, watch: _Watch, look: PipelineLook, since: str | None, changed: bool) -> _Seen:
        """Note a poll, and return what this and earlier ones say beside what was seen."""
        now = time.monotonic()
        if watch.since != since or not watch.turn:
            watch.since, watch.first, watch.active = since, now, False
        if changed or not watch.turn:
            watch.changed = now
        watch.active |= look.activated == since and not look.inactive
        began = read_time(since)
        by_aws = look.at is not None and began is not None and look.at - began >= timedelta(seconds=SETTLES)
        return {
            "settled": by_aws or now - watch.first >= SETTLES,
            "active": watch.active,
            "still": now - watch.changed,
        }

    def _update(self, watch: _Watch, pipeline_id: str, ids: Collection[str]) -> None:
        for found in self._hook.describe_objects(pipeline_id, ids):
            if "id" in found:
                watch.instances[found["id"]] = Instance.of(found)
        for each in ids:
            watch.instances.setdefault(each, Instance.not_shown(each))

    def _explain(self, watch: _Watch, pipeline_id: str, bad: Sequence[Instance]) -> None:
        """Put into failed instances what their last attempts failed with."""
        heads = {str(each.value("@headAttempt")): each for each in bad if each.value("@headAttempt")}
        for found in self._hook.describe_objects(pipeline_id, heads):
            if found.get("id") not in heads:
                continue
            attempt = Instance.of(found)
            if message := attempt.value("errorMessage"):
                error = f"{message} ({attempt.value('errorId')})" if attempt.value("errorId") else message
                instance = heads[attempt.id]
                watch.instances[instance.id] = replace(instance, error=error)
