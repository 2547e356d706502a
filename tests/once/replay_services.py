# SPDX-License-Identifier: Apache-2.0

"""What stands on the real side for what the model knows: requests, scopes, neighbours, what AWS forgets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import job_targets
from botocore.exceptions import ClientError
from job_cases import (
    REGION,
    CloudWatchLogs,
    DataPipeline,
    EventBridge,
    IotAnalytics,
    JobCase,
    LookoutEquipment,
    client,
)
from once.world.aws import THEIRS
from once.world.situation import Setting

from airflow_provider_jobs._data_pipeline import starter, stopper
from airflow_provider_jobs._once.attempt_log import Attempt
from airflow_provider_jobs._once.evidence import Marking
from airflow_provider_jobs._once.fingerprint import Fingerprint
from airflow_provider_jobs._once.identity import Life
from airflow_provider_jobs.operators import _context as task_context
from airflow_provider_jobs.testing.aws.events import backend as events
from airflow_provider_jobs.testing.aws.iotanalytics import backend as iotanalytics
from airflow_provider_jobs.testing.aws.logs import backend as logs
from airflow_provider_jobs.testing.aws.lookoutequipment import backend as lookoutequipment
from airflow_provider_jobs.testing.control import CONTROL

if TYPE_CHECKING:
    from once.replay import Replay
    from once.replay_aws import Cloud
    from once.world.airflow import World

ACCOUNT = "123456789012"
#: The time that a request's window ends at: a minute apart for each request, a second for each rendering.
_END = datetime(2026, 1, 2, tzinfo=UTC)


class NoCounterpart(Exception):  # no error: the history is left out
    """Something of a history cannot happen on the real side; says what."""


class Counterpart(ABC):
    """A service on which histories of one kind of evidence are replayed."""

    case: JobCase
    #: What tells it from another one of the same service.
    name = ""
    #: AWS's answer to a start that there is no room.
    no_room: Mapping[str, Any]
    #: Whether a reading shows all jobs of the scope, also those that nobody asks for.
    sees_all = True
    #: Whether a reading is made of several calls, of which the mocked AWS lets one lag.
    lags_in_parts = False
    #: Whether botocore repeats a start by itself.
    repeats_starts = True

    def setting(self, setting: Setting) -> Setting:
        """Return the setting as it is with this service; the mocked AWS shows the oldest job first."""
        return setting._replace(newest_first=False)

    def prepare(self) -> None:
        """Make in AWS what the jobs need."""
        self.case.prepare()

    @abstractmethod
    def arguments(self, request: str, scope: str, rendering: int) -> dict[str, Any]:
        """Return what the operator is given for a request of the model's."""

    def core_id(self, job: dict[str, Any]) -> str:
        """Return by what the package speaks of a job of the mocked AWS."""
        return str(job["id"])

    @abstractmethod
    def neighbour(self, replay: Replay) -> None:
        """Let another start a job."""

    @contextmanager
    def surroundings(self) -> Iterator[None]:
        """Have what the service needs besides, for as long as a replay lasts."""
        yield

    def before_start(self, cloud: Cloud, world: World) -> None:  # noqa: B027 # most have nothing to say
        """Say whether the start that comes now can go as in the model."""

    def arrive(self, cloud: Cloud, call: Callable[[], Any]) -> None:
        """Let a start call arrive at AWS of which nobody hears the answer."""
        with suppress(ClientError):
            call()

    def cancel(self, job: dict[str, Any]) -> None:
        """Let a person ask for a job to be cancelled."""
        raise NoCounterpart(f"{self.case.service} cannot cancel a job")

    @abstractmethod
    def forget(self, job_ids: set[str]) -> None:
        """Let AWS forget jobs that have ended."""


def _end(request: str, rendering: int) -> str:
    return (_END + timedelta(minutes=ord(request) - ord("A"), seconds=rendering)).isoformat()


class Replays(Counterpart):
    """EventBridge: a name."""

    case = EventBridge()
    no_room = {"code": "LimitExceededException"}  # noqa: RUF012 # a constant

    def arguments(self, request: str, scope: str, rendering: int) -> dict[str, Any]:
        return {"event_end_time": _end(request, rendering)}

    def neighbour(self, replay: Replay) -> None:
        """A second Airflow starts a replay under the same identity."""
        operator: Any = replay.operator(request="A")
        context = replay.task.context(operator)
        identity = task_context.identity(context)
        request = operator.job_request(context)
        life = Life.of("2025-12-31T12:00:00+00:00", 2, 0)
        mark = Attempt(1, life, Fingerprint.of(request.facts())).mark(identity)
        api = client("events")
        archive = api.describe_archive(ArchiveName="orders")
        api.start_replay(
            ReplayName=mark.name(identity, 64),
            Description=mark.text,
            EventSourceArn=archive["ArchiveArn"],
            EventStartTime=request.start,
            EventEndTime=request.end,
            Destination={"Arn": archive["EventSourceArn"]},
        )

    def cancel(self, job: dict[str, Any]) -> None:
        client("events").cancel_replay(ReplayName=job["id"])

    def forget(self, job_ids: set[str]) -> None:
        replays = events.REPLAYS[ACCOUNT][REGION].replays
        for job_id in job_ids:
            del replays[job_id]


class ResumedReplays(Replays):
    """EventBridge, where a retry goes on after a replay that failed: the same starts and stops."""

    name = "events, resumed"

    def arguments(self, request: str, scope: str, rendering: int) -> dict[str, Any]:
        return {**super().arguments(request, scope, rendering), "resume": True}


class Exports(Counterpart):
    """CloudWatch Logs: a name that others may have too."""

    case = CloudWatchLogs()
    no_room = Replays.no_room
    repeats_starts = False

    def setting(self, setting: Setting) -> Setting:
        return setting._replace(newest_first=True)

    def prepare(self) -> None:
        super().prepare()
        # The model has room for all.
        CONTROL.set_quota("logs", 99)

    def arguments(self, request: str, scope: str, rendering: int) -> dict[str, Any]:
        return {"end_time": _end(request, rendering)}

    def neighbour(self, replay: Replay) -> None:
        """A second Airflow starts an export under the same identity."""
        operator: Any = replay.operator(request="A")
        context = replay.task.context(operator)
        identity = task_context.identity(context)
        request = operator.job_request(context)
        life = Life.of("2025-12-31T12:00:00+00:00", 2, 0)
        mark = Attempt(1, life, Fingerprint.of(request.facts())).mark(identity)
        operator.hook.create_export(request, mark.name(identity, 512))

    def cancel(self, job: dict[str, Any]) -> None:
        client("logs").cancel_export_task(taskId=job["id"])

    def forget(self, job_ids: set[str]) -> None:
        exports = logs.STORE[ACCOUNT][REGION].exports
        for job_id in job_ids:
            del exports[job_id]


class Ingestions(Counterpart):
    """Lookout for Equipment: a token."""

    case = LookoutEquipment()
    no_room = {"code": "ServiceQuotaExceededException"}  # noqa: RUF012 # a constant
    sees_all = False
    _datasets = {"here": "pumps-0", "there": "pumps-1"}  # noqa: RUF012 # a constant

    def prepare(self) -> None:
        super().prepare()
        job_targets.dataset(client, "pumps-1")

    def arguments(self, request: str, scope: str, rendering: int) -> dict[str, Any]:
        role = f"arn:aws:iam::{ACCOUNT}:role/lookout-{request}-{rendering}"
        return {"dataset_name": self._datasets[scope], "role_arn": role}

    def neighbour(self, replay: Replay) -> None:
        now = replay.world.now
        live = [job for job in replay.world.jobs if job.live(now) and job.scope == replay.world.scope]
        if len(live) > 1:  # with the neighbour's own
            raise NoCounterpart("a dataset takes one job at a time")
        arguments = self.case.operator(**self.arguments("A", replay.world.scope, 0))
        client("lookoutequipment").start_data_ingestion_job(
            DatasetName=self._datasets[replay.world.scope],
            IngestionInputConfiguration={
                "S3InputConfiguration": {
                    "Bucket": "plant",
                    "Prefix": "2026/",
                    "KeyPattern": "{prefix}/{component_name}/*",
                }
            },
            RoleArn=arguments.role_arn,  # type: ignore[attr-defined]
            ClientToken="theirs",
        )

    def forget(self, job_ids: set[str]) -> None:
        store = lookoutequipment.STORE[ACCOUNT][REGION]
        for job_id in job_ids:
            job = store.jobs.pop(job_id)
            job.dataset.jobs.remove(job)


class Reprocessings(Counterpart):
    """IoT Analytics: neither; it does not show that a job is being stopped."""

    case = IotAnalytics()
    no_room = Replays.no_room
    _pipelines = {"here": "cleaning", "there": "cleaning_too"}  # noqa: RUF012 # a constant

    def setting(self, setting: Setting) -> Setting:
        return super().setting(setting)._replace(shows_stopping=False)

    def prepare(self) -> None:
        super().prepare()
        job_targets.cleaning(client, "cleaning_too")

    def arguments(self, request: str, scope: str, rendering: int) -> dict[str, Any]:
        return {"pipeline_name": self._pipelines[scope], "end_time": _end(request, rendering)}

    def core_id(self, job: dict[str, Any]) -> str:
        return f"{job['pipeline']}/{job['id']}"

    def neighbour(self, replay: Replay) -> None:
        client("iotanalytics").start_pipeline_reprocessing(
            pipelineName=self._pipelines[replay.world.scope], endTime=_END
        )

    def cancel(self, job: dict[str, Any]) -> None:
        client("iotanalytics").cancel_pipeline_reprocessing(
            pipelineName=job["pipeline"], reprocessingId=job["id"]
        )

    def forget(self, job_ids: set[str]) -> None:
        for pipeline in iotanalytics.STORE[ACCOUNT][REGION].pipelines.values():
            for job_id in job_ids & pipeline.reprocessings.keys():
                del pipeline.reprocessings[job_id]


class Activations(Counterpart):
    """Data Pipeline: neither; a pipeline runs one activation at a time."""

    case = DataPipeline()
    no_room = {  # noqa: RUF012 # a constant
        "code": "InvalidRequestException",
        "message": "The pipeline is in DEACTIVATING state and cannot be activated",
    }
    sees_all = False
    lags_in_parts = True
    repeats_starts = False

    def setting(self, setting: Setting) -> Setting:
        return super().setting(setting)._replace(one_at_a_time=True)

    def prepare(self) -> None:
        self._pipelines = {scope: job_targets.load(client, scope, "myRequest") for scope in ("here", "there")}
        self.case.pipeline_id = self._pipelines["here"]

    @contextmanager
    def surroundings(self) -> Iterator[None]:
        """Make no pauses for AWS to catch up: its time is not this machine's."""
        with (
            patch.object(starter, "_PAUSE", 0.0),
            patch.object(starter, "_OTHER_SHOWN", 0.0),
            patch.object(stopper, "_WAIT", 0.0),
        ):
            yield

    def arguments(self, request: str, scope: str, rendering: int) -> dict[str, Any]:
        values = {"myRequest": f"{request}-{rendering}"}
        return {"pipeline_id": self._pipelines[scope], "parameter_values": values}

    def before_start(self, cloud: Cloud, world: World) -> None:
        if cloud.lags:
            raise NoCounterpart("a start waits until its job shows")
        if any(job.owner == THEIRS and job.live(world.now) for job in world.jobs):
            raise NoCounterpart("to activate a pipeline cancels what a neighbour began after the last look")

    def arrive(self, cloud: Cloud, call: Callable[[], Any]) -> None:
        self._be_alone(cloud.aws.jobs("datapipeline"))
        super().arrive(cloud, call)

    def neighbour(self, replay: Replay) -> None:
        self._be_alone(replay.cloud.aws.jobs("datapipeline"))
        client("datapipeline").activate_pipeline(
            pipelineId=self._pipelines[replay.world.scope],
            parameterValues=[{"id": "myRequest", "stringValue": "theirs"}],
        )

    def cancel(self, job: dict[str, Any]) -> None:
        client("datapipeline").deactivate_pipeline(pipelineId=job["pipeline"])

    def forget(self, job_ids: set[str]) -> None:
        raise NoCounterpart("a pipeline does not forget its latest activation")

    @staticmethod
    def _be_alone(jobs: list[dict[str, Any]]) -> None:
        if any(job["ended_at"] is None for job in jobs):
            raise NoCounterpart("to activate a pipeline again would cancel what it runs")


COUNTERPARTS: dict[Marking, tuple[Counterpart, ...]] = {
    Marking.NAME: (Replays(), ResumedReplays()),
    Marking.LABEL: (Exports(),),
    Marking.TOKEN: (Ingestions(),),
    Marking.NONE: (Reprocessings(), Activations()),
}
