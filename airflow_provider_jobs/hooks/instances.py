# SPDX-License-Identifier: Apache-2.0

"""How activations of Data Pipeline are watched: by their instances, of which as few as will do are read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from airflow_provider_jobs.exceptions import JobNotFoundError
from airflow_provider_jobs.hooks.activations import ActivationId, Instance, PipelineLook
from airflow_provider_jobs.hooks.pipelines import PipelinesHook
from airflow_provider_jobs.hooks.verdicts import judge, judge_pipeline
from airflow_provider_jobs.job import JobState, JobStatus

__all__ = ["InstancesHook", "running"]

#: Statuses of an instance that goes on.
_IN_FLIGHT = (
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

    :param seen: the pipeline's fields when its instances were asked for last.
    :param turn: in which look that was.
    """

    seen: Mapping[str, str] = field(default_factory=dict)
    turn: int = 0
    instances: dict[str, Instance] = field(default_factory=dict)
    status: JobStatus | None = None


class InstancesHook(PipelinesHook):
    """Reads instances: what an activation runs."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watches: dict[str, _Watch] = {}
        self._turn = 0

    def judged(
        self, jobs: Mapping[str, ActivationId], looks: Mapping[str, PipelineLook | JobNotFoundError]
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
            look = looks[job.pipeline_id]
            if isinstance(look, JobNotFoundError):
                found[name] = look
            elif job.time is None:
                found[name] = judge_pipeline(look)
            else:
                shown[name] = look
        self._turn += 1
        self._watches = {name: self._watches.get(name, _Watch()) for name in shown}
        watches = self._watches
        due = sorted(shown, key=lambda name: (watches[name].seen == shown[name].fields, watches[name].turn))
        spent = 0

        def describe(name: str) -> JobStatus:
            nonlocal spent
            watch, job, look = watches[name], jobs[name], shown[name]
            if spent < _SPEND:
                spent += self._read(watch, job, look)
            return watch.status or running(job, look)

        return self.describe_each(due, found, describe)

    def _read(self, watch: _Watch, job: ActivationId, look: PipelineLook) -> int:
        """Ask for an activation's instances, as few as will do, and tell how it is by them.

        :return: how many calls of a kind it took.
        """
        known = watch.instances
        open_ = [each.id for each in known.values() if not each.ended]
        spent = 1
        if open_ and all(watch.seen.get(name) == look.fields.get(name) for name in _MOVES):
            self._update(watch, look.pipeline_id, open_)
            open_ = [each.id for each in known.values() if not each.ended]
        else:
            open_ = []
        since = look.activated if job.time == "latest" else job.time
        if not open_ and since and look.activated:
            selectors: dict[str, tuple[str, Sequence[str]]] = {
                "scheduledStartTime": ("GE", [since]),
                "actualStartTime": ("GE", [since]),
            }
            if not look.inactive:
                selectors["status"] = ("EQ", _IN_FLIGHT)
            ids = [
                each
                for key, selector in selectors.items()
                for each in self.query_objects(look.pipeline_id, "INSTANCE", **{key: selector})
                if key == "status" or each not in known or not known[each].ended
            ]
            self._update(watch, look.pipeline_id, ids)
            spent = len(selectors)
        now = datetime.now(UTC)
        status, bad = judge(job, look, known.values(), now)
        if bad:
            self._explain(watch, look.pipeline_id, bad[:_EXPLAINED])
            status, _ = judge(job, look, known.values(), now)
        watch.seen, watch.turn, watch.status = look.fields, self._turn, status
        return spent

    def _update(self, watch: _Watch, pipeline_id: str, ids: Collection[str]) -> None:
        for found in self.describe_objects(pipeline_id, ids):
            watch.instances[found["id"]] = Instance.of(found)

    def _explain(self, watch: _Watch, pipeline_id: str, bad: Sequence[Instance]) -> None:
        """Put into failed instances what their last attempts failed with."""
        heads = {str(each.value("@headAttempt")): each for each in bad if each.value("@headAttempt")}
        for found in self.describe_objects(pipeline_id, heads):
            attempt = Instance.of(found)
            if message := attempt.value("errorMessage"):
                error = f"{message} ({attempt.value('errorId')})" if attempt.value("errorId") else message
                instance = heads[attempt.id]
                watch.instances[instance.id] = replace(instance, error=error)


def running(job: ActivationId, look: PipelineLook) -> JobStatus:
    """Return the status of an activation of which nothing is known but that it is there."""
    status, _ = judge(job, look, (), datetime.now(UTC))
    state = JobState.STOPPING if look.state == "DEACTIVATING" else JobState.RUNNING
    return replace(status, state=state, service_state=look.state, reason=None)
