# SPDX-License-Identifier: Apache-2.0

"""Waits as a triggerer runs them, for the jobs of any service, and hooks of a user's own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any, ClassVar

import job_targets
from job_cases import REGION, client
from one_task import next_event

from airflow_provider_jobs._once.evidence import Marking
from airflow_provider_jobs._watch.poller import JobPoller
from airflow_provider_jobs.hooks._spec import HookSpec
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.job import JobState, JobStatus
from airflow_provider_jobs.testing import AwsJobs
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.triggers.job import JobTrigger

#: Seconds between polls; short, so that the tests take no time. None of them depends on it.
INTERVAL = 0.02
#: Seconds after which a test that waits for something gives up.
PATIENCE = 20.0
#: No retries of botocore's own, so that each call is one.
ONE_CALL: dict[str, Any] = {"retries": {"total_max_attempts": 1}}


def spec_of(hook_class: type[JobHook], **parameters: Any) -> HookSpec:
    """A hook without retries of botocore's own."""
    given = {"aws_conn_id": None, "region_name": REGION, "config": ONE_CALL, **parameters}
    return HookSpec.of(hook_class, given)


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that others bring about."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.002)


class Wait:
    """A trigger that runs in a task, rebuilt from what Airflow stores of it."""

    def __init__(self, job_id: str, spec: HookSpec, **arguments: Any) -> None:
        given = {"poll_interval": INTERVAL, **arguments}
        self.trigger = restored(
            JobTrigger(hook_class=spec.hook_class, hook_parameters=spec.parameters, job_id=job_id, **given)
        )
        self.task = asyncio.create_task(next_event(self.trigger))

    @property
    def over(self) -> bool:
        """Whether its event is there."""
        return self.task.done()

    @property
    def event(self) -> dict[str, Any]:
        """Its event."""
        event: dict[str, Any] = self.task.result()
        return event

    @property
    def state(self) -> str:
        """The state that its job has ended in, in the package's words."""
        assert "error" not in self.event, self.event["error"]
        state: str = self.event["job"]["state"]
        return state

    async def leave(self) -> None:
        """Be cancelled, and be gone."""
        self.task.cancel()
        await asyncio.wait({self.task})


def restored(trigger: JobTrigger) -> JobTrigger:
    """What another triggerer makes of a trigger."""
    _, arguments = trigger.serialize()
    return JobTrigger(**json.loads(json.dumps(arguments)))


async def ended(*waits: Wait) -> list[str]:
    """Wait until all these waits are over; returns the states that their jobs have ended in."""
    await until(lambda: all(wait.over for wait in waits))
    return [wait.state for wait in waits]


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test in an event loop, and see that no poll and no task is left."""

    async def watched() -> None:
        own = asyncio.all_tasks()
        await test()
        assert not JobPoller._of_loop.get(asyncio.get_running_loop())
        await until(lambda: asyncio.all_tasks() == own)

    asyncio.run(watched())


def start_jobs(service: str, count: int) -> list[str]:
    """Start so many jobs, which end by hand only; returns what a hook knows them by."""
    return _STARTS[service](count)


def end_jobs(aws: AwsJobs, service: str) -> None:
    """Let all jobs that run end well."""
    for job in aws.jobs(service):
        aws.advance(job["id"])


def _replays(count: int) -> list[str]:
    names = [f"replay-{number:03}" for number in range(count)]
    job_targets.archive(client, "orders")
    job_targets.replays(client, names)
    return names


def _ingestions(count: int) -> list[str]:
    job_targets.sensor_data(client)
    ids = []
    for name in (f"pumps-{number}" for number in range(count)):
        job_targets.dataset(client, name)
        source = {"Bucket": "plant", "Prefix": "2026/", "KeyPattern": "{prefix}/{component_name}/*"}
        answer = client("lookoutequipment").start_data_ingestion_job(
            DatasetName=name,
            IngestionInputConfiguration={"S3InputConfiguration": source},
            RoleArn=job_targets.ROLE,
            ClientToken=name,
        )
        ids.append(answer["JobId"])
    return ids


def _reprocessings(count: int) -> list[str]:
    job_targets.channel(client)
    ids = []
    for name in (f"cleaning_{number}" for number in range(count)):
        job_targets.cleaning(client, name)
        answer = client("iotanalytics").start_pipeline_reprocessing(pipelineName=name)
        ids.append(f"{name}/{answer['reprocessingId']}")
    return ids


def _activations(count: int) -> list[str]:
    api = client("datapipeline")
    ids = []
    for name in (f"load-{number}" for number in range(count)):
        pipeline_id = job_targets.load(client, name)
        api.activate_pipeline(pipelineId=pipeline_id)
        (shown,) = api.describe_pipelines(pipelineIds=[pipeline_id])["pipelineDescriptionList"]
        fields = {each["key"]: each.get("stringValue") for each in shown["fields"]}
        ids.append(f"{pipeline_id}@{fields['@lastActivationTime']}")
    return ids


def _redrives(count: int) -> list[str]:
    api = client("sqs")
    ids = []
    for name in (f"orders-{number}" for number in range(count)):
        arn = job_targets.dead_letters(client, name)
        api.start_message_move_task(SourceArn=arn)
        (shown,) = api.list_message_move_tasks(SourceArn=arn)["Results"]
        ids.append(f"{arn}@{shown['StartedTimestamp']}")
    return ids


def _exports(count: int) -> list[str]:
    job_targets.log_group(client, "/shop/web")
    # More than AWS runs at a time.
    CONTROL.set_quota("logs", count)
    window = {"fromTime": 1767225600000, "to": 1767232799999}
    return [
        client("logs").create_export_task(logGroupName="/shop/web", destination="exports", **window)["taskId"]
        for _ in range(count)
    ]


def _table_exports(count: int) -> list[str]:
    table_arn = job_targets.table(client, "orders")
    api = client("dynamodb")
    return [
        api.export_table_to_point_in_time(TableArn=table_arn, S3Bucket="exports")["ExportDescription"][
            "ExportArn"
        ]
        for _ in range(count)
    ]


def _subscribers(count: int) -> list[str]:
    bus_arn, start = job_targets.event_bus(client, CONTROL)
    CONTROL.set_quota("eventbridgev2", count)
    window = {"StartingPoint": start, "EndPoint": start + timedelta(hours=1)}
    names = [f"orders-{number}" for number in range(count)]
    for name in names:
        client("eventbridgev2").create_subscriber(
            Name=name,
            EventBusArn=bus_arn,
            InvokeConfiguration={
                "TargetArn": "arn:aws:sqs:us-east-1:123456789012:orders",
                "RoleArn": job_targets.ROLE,
            },
            StartingPosition="POINT_IN_TIME",
            PointInTimeConfiguration={"PointType": "TIMESTAMP", **window},
            Description="Orders [quiet=0 startup=0 expected=3]",
        )
    return names


_STARTS: Mapping[str, Callable[[int], list[str]]] = {
    "events": _replays,
    "lookoutequipment": _ingestions,
    "iotanalytics": _reprocessings,
    "datapipeline": _activations,
    "sqs": _redrives,
    "logs": _exports,
    "eventbridgev2": _subscribers,
    "dynamodb": _table_exports,
}


class OwnHook(JobHook):
    """A job type of a user's own, which needs no AWS: its jobs are in ``jobs``."""

    service = "events"
    label = "A service of ours"
    marking = Marking.NAME
    quota = None
    #: The state of each job; one that is not there is not found.
    jobs: ClassVar[dict[str, JobState]] = {}
    #: How often it was asked.
    polls: ClassVar[int] = 0
    #: What describe_jobs does in place of describing; None to describe.
    instead: ClassVar[Callable[[Any], Any] | None] = None

    def describe_jobs(self, job_ids: Any) -> Any:
        OwnHook.polls += 1
        if OwnHook.instead is not None:
            return OwnHook.instead(job_ids)
        return self.describe_each(job_ids, {}, self.describe_one)

    @staticmethod
    def describe_one(job_id: str) -> JobStatus:
        """Describe a job."""
        state = OwnHook.jobs[job_id]
        return JobStatus(job_id, state, state.name)

    def see_jobs(self, *_: Any) -> Any:
        raise NotImplementedError

    def start_job(self, *_: Any) -> Any:
        raise NotImplementedError

    def stop_job(self, job_id: str) -> bool:
        raise NotImplementedError

    def active_jobs(self, *_: Any) -> Any:
        raise NotImplementedError


def own_jobs(count: int) -> list[str]:
    """Let there be so many jobs of the user's own, which run."""
    OwnHook.polls, OwnHook.instead = 0, None
    OwnHook.jobs = {f"job-{number:03}": JobState.RUNNING for number in range(count)}
    return [*OwnHook.jobs]


def end_own_jobs() -> None:
    """Let them all end well."""
    OwnHook.jobs = dict.fromkeys(OwnHook.jobs, JobState.SUCCEEDED)
