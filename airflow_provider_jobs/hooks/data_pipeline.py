# SPDX-License-Identifier: Apache-2.0

"""Data Pipeline's activations as jobs."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
)
from airflow_provider_jobs.hooks.activations import (
    ActivationId,
    Instance,
    PipelineLook,
    judge,
    judge_pipeline,
)
from airflow_provider_jobs.hooks.pipelines import PipelinesHook
from airflow_provider_jobs.job import Attempt, JobKey, JobState, JobStatus, StartedJob

__all__ = ["DataPipelineHook"]

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
#: How often a refused call is made in all, where botocore is not told otherwise, and how often a new
#: activation is looked for; seconds in between.
_TRIES, _PAUSE = 3, 1.0
#: Seconds that a stop is waited for, and between looks.
_STOP_WAIT, _STOP_LOOK = 2.0, 0.5


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


class DataPipelineHook(PipelinesHook):
    """Keeps pipelines and their definitions; activates, watches and deactivates them.

    https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/what-is-datapipeline.html

    A job is an activation, written ``df-…@2026-01-31T00:00:00``; see
    :class:`~airflow_provider_jobs.hooks.activations.ActivationId`. AWS accepts no new customers for the
    service. Takes the parameters of
    :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watches: dict[str, _Watch] = {}
        self._turn = 0

    def scope(self, request: Mapping[str, Any]) -> str:
        """Return the pipeline: activating it while it runs on demand would cancel what it runs."""
        pipeline_id: str = request["pipeline_id"]
        return pipeline_id

    def find_jobs(
        self, key: JobKey, request: Mapping[str, Any], attempts: Sequence[Attempt]
    ) -> list[StartedJob]:
        """Look at the activations in the ledger.

        One without an id was begun by a try that died. Its pipeline shows whether it took place: then the
        last activation is another than the one that was noted before.
        """
        names = {attempt.number: attempt.job_id for attempt in attempts if attempt.job_id}
        for attempt in attempts:
            if not attempt.job_id and attempt.before and (name := self._effect(attempt.before, request)):
                names[attempt.number] = name if name not in names.values() else ""
        found = _known(self.describe_jobs([name for name in names.values() if name]))
        return [
            StartedJob(attempt.key.generation, attempt.number, status)
            for attempt in sorted(attempts, key=lambda attempt: attempt.number)
            if (status := found.get(names.get(attempt.number) or ""))
        ]

    def prepare_start(self, attempt: Attempt, request: Mapping[str, Any]) -> Attempt:
        """Note the activation before, by which the new one will be known; wait for one that runs."""
        pipeline_id = request["pipeline_id"]
        objects = self.get_definition(pipeline_id)["objects"]
        on_demand = any(
            each["id"] == "Default" and str(each.get("scheduleType", "")).lower() == "ondemand"
            for each in objects
        )
        _check_schedule(objects, on_demand, request)
        look = self.describe_pipeline(pipeline_id)
        if look.state == "DEACTIVATING":
            raise JobQuotaError(f"Pipeline {pipeline_id} is being deactivated and cannot be activated yet.")
        if on_demand and not look.inactive:
            latest = self._judged({"latest": ActivationId(pipeline_id, "latest")}, {pipeline_id: look})
            last = _known(latest).get("latest")
            if last and not last.state.ended:
                raise JobQuotaError(
                    f"Pipeline {pipeline_id} runs on demand what was activated at {look.activated}; to "
                    "activate it now would cancel that."
                )
        return replace(attempt, before=str(ActivationId(pipeline_id, look.activated)))

    def start_job(self, attempt: Attempt, request: Mapping[str, Any]) -> JobStatus:
        """Activate the pipeline; a call whose answer got lost is looked for and never repeated."""
        retries = getattr(self.conn_client_meta.config, "retries", None) or {}
        tries = retries.get("total_max_attempts") or _TRIES
        for left in reversed(range(tries)):
            try:
                self.activate_pipeline(
                    request["pipeline_id"], request["parameter_values"], request["start_timestamp"]
                )
                break
            except JobInputError as error:
                if "DEACTIVATING" in str(error):
                    raise JobQuotaError(str(error)) from error
                raise
            except JobApiError as error:
                if not error.transient or not left:
                    raise
                if error.in_doubt:
                    # It may have taken place, so it is never made again; a retry of the task looks again.
                    if job := self._begun(attempt, request):
                        return job
                    raise
                time.sleep(_PAUSE)
        if job := self._begun(attempt, request):
            return job
        raise JobApiError(
            f"Pipeline {request['pipeline_id']} was activated, but AWS does not show it yet. A retry looks "
            "for the activation and does not make another.",
            transient=True,
            in_doubt=True,
        )

    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """Look at all pipelines, and at the instances of those that moved or were not looked at for long.

        For an activation that is not looked at this time the last status is returned.
        """
        jobs = {job_id: ActivationId.parse(job_id) for job_id in job_ids}
        looks = self.describe_pipelines([job.pipeline_id for job in jobs.values()])
        return self._judged(jobs, looks)

    def stop_job(self, job_id: str, *, cancel_active: bool = True) -> bool:
        """Deactivate the pipeline, unless the activation is not its latest; wait a little for the effect.

        :param cancel_active: cancel what runs; else it goes on to its end.
        """
        job = ActivationId.parse(job_id)
        try:
            look = self.describe_pipeline(job.pipeline_id)
            if look.inactive or look.superseded(job):
                return False
            if look.state != "DEACTIVATING":
                self.deactivate_pipeline(job.pipeline_id, cancel_active=cancel_active)
        except JobNotFoundError:
            return False
        deadline = time.monotonic() + (_STOP_WAIT if cancel_active else 0)
        try:
            while time.monotonic() < deadline and not self.describe_pipeline(job.pipeline_id).inactive:
                time.sleep(_STOP_LOOK)
        except JobError as error:
            self.log.info("Pipeline %s was told to stop; then a look failed: %s", job.pipeline_id, error)
        return True

    def active_jobs(self, scopes: Collection[str]) -> dict[str, str]:
        """Return the activations that are at work, each with its pipeline."""
        looks = self.describe_pipelines(self.list_pipelines())
        jobs = {
            pipeline_id: ActivationId(pipeline_id, "latest")
            for pipeline_id, look in looks.items()
            if isinstance(look, PipelineLook) and not look.inactive
        }
        return {
            status.job_id: pipeline_id
            for pipeline_id, status in _known(self._judged(jobs, looks)).items()
            if not status.state.ended
        }

    def _begun(self, attempt: Attempt, request: Mapping[str, Any]) -> JobStatus | None:
        """Look a few times whether the activation shows; a look that fails shows nothing."""
        for look in range(_TRIES):
            if look:
                time.sleep(_PAUSE)
            try:
                name = self._effect(attempt.before or "", request)
            except JobError as error:
                self.log.info(
                    "Pipeline %s was told to start; then a look failed: %s", request["pipeline_id"], error
                )
                continue
            if name:
                shown = PipelineLook(request["pipeline_id"], {"@pipelineState": "SCHEDULED"})
                return _running(ActivationId.parse(name), shown)
        return None

    def _effect(self, before: str, request: Mapping[str, Any]) -> str | None:
        """Return the activation that followed the one noted before; None if none did."""
        last = ActivationId.parse(before)
        found = self.describe_pipelines([last.pipeline_id])[last.pipeline_id]
        if isinstance(found, JobNotFoundError) or found.activated in (None, last.time):
            return None
        until = ActivationId.of(last.pipeline_id, None, request["wait_until"]).until
        return str(ActivationId(last.pipeline_id, found.activated, until))

    def _judged(
        self, jobs: Mapping[str, ActivationId], looks: Mapping[str, PipelineLook | JobNotFoundError]
    ) -> dict[str, JobStatus | Exception]:
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
            return watch.status or _running(job, look)

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


def _known(found: Mapping[str, JobStatus | Exception]) -> dict[str, JobStatus]:
    """Return the activations that are there.

    :raises Exception: the error of one that may be there all the same.
    """
    for each in found.values():
        if isinstance(each, Exception) and not isinstance(each, JobNotFoundError):
            raise each
    return {name: each for name, each in found.items() if isinstance(each, JobStatus)}


def _running(job: ActivationId, look: PipelineLook) -> JobStatus:
    """Return the status of an activation of which nothing is known but that it is there."""
    status, _ = judge(job, look, (), datetime.now(UTC))
    state = JobState.STOPPING if look.state == "DEACTIVATING" else JobState.RUNNING
    return replace(status, state=state, service_state=look.state, reason=None)


def _check_schedule(
    objects: Sequence[Mapping[str, Any]], on_demand: bool, request: Mapping[str, Any]
) -> None:
    pipeline_id = request["pipeline_id"]
    if on_demand:
        for name in ("start_timestamp", "wait_until"):
            if request[name] is not None:
                raise JobInputError(
                    f"{name} is given, but pipeline {pipeline_id} runs on demand, not by a schedule. "
                    f"Leave {name} out."
                )
        return
    endless = [
        each["id"]
        for each in objects
        if each.get("type") == "Schedule" and not (each.get("endDateTime") or each.get("occurrences"))
    ]
    if endless and request["wait"] and request["wait_until"] is None:
        raise JobInputError(
            f"Pipeline {pipeline_id} never ends: schedule {', '.join(endless)} has neither endDateTime nor "
            "occurrences. Give wait_until to wait for what is scheduled before that time, or "
            "wait_for_completion=False."
        )
