# SPDX-License-Identifier: Apache-2.0

"""The Region or the connection is changed between two tries: the job of before is dealt with where it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import job_targets
import pytest
from airflow_features import needs
from job_cases import CASES, JobCase, client, session
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobApiError
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.testing.control import CONTROL

pytestmark = [needs("task_state_store")]

MakeTask = Callable[..., OneTask]
OTHER = "eu-west-1"


def clients(service: str) -> Any:
    """Clients of the other Region; buckets are the same in all."""
    return client(service) if service == "s3" else session().client(service, OTHER)  # type: ignore[call-overload]


@pytest.fixture
def elsewhere(case: JobCase) -> dict[str, Any]:
    """The arguments of a task in the other Region, where all that it needs is there too."""
    match case.service:
        case "events":
            job_targets.archive(clients, "orders")
        case "lookoutequipment":
            job_targets.dataset(clients, "pumps-0")
        case "iotanalytics":
            job_targets.channel(clients)
            job_targets.cleaning(clients, "cleaning")
        case "datapipeline":
            return {"region_name": OTHER, "pipeline_id": job_targets.load(clients, "load")}
        case "dynamodb":
            there = job_targets.table(clients, "orders", "exports-there")
            return {"region_name": OTHER, "table_arn": there}
        case "logs":
            job_targets.log_group(clients, "/shop/web", "exports-there")
            return {"region_name": OTHER, "destination": "exports-there"}
        case "eventbridgev2":
            bus, start = job_targets.event_bus(clients, CONTROL)
            place = f"arn:aws:sqs:{OTHER}:123456789012:"
            queues = {"target_arn": f"{place}orders", "dead_letter_arn": f"{place}orders-dead"}
            window = {"event_start_time": start, "event_end_time": start + timedelta(hours=1)}
            return {"region_name": OTHER, "event_bus_arn": bus, **queues, **window}
        case "sqs":
            return {"region_name": OTHER, "source_arn": job_targets.dead_letters(clients, "orders")}
    return {"region_name": OTHER}


def edited(make: MakeTask, task: OneTask, **kwargs: Any) -> OneTask:
    """The same task instance, after its DAG was changed."""
    return make({"store": task.store, "tries": task.tries, "dag_version": "0199-b"}, **kwargs)


def test_a_job_in_flight_in_another_region_is_stopped_or_waited_for(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, elsewhere: dict[str, Any], logged: Callable[[], str]
) -> None:
    aws.set_pace(reads=1_000_000 if case.stop_operation else 6)
    task = make_task(wait_for_completion=False)
    first = case.job_id(task.run())
    aws.set_pace(reads=2)
    logged()
    second = case.job_id(edited(make_task, task, **elsewhere).run())
    assert [job["id"] for job in aws.jobs(case.service)] == [first, second]
    assert aws.jobs(case.service)[0]["state"] == (case.cancelled or case.succeeded)
    assert aws.max_active(case.service) == 1
    verb = "Stopping" if case.stop_operation else "Waiting for the end of"
    lines = [line for line in logged().splitlines() if f"{verb} {case.hook_class.noun} " in line]
    assert "in Region us-east-1 over connection None: ours, this life" in lines[0]


def test_a_job_that_has_succeeded_in_another_region_does_not_count(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, elsewhere: dict[str, Any]
) -> None:
    task = make_task()
    first = case.job_id(task.run())
    moved = edited(make_task, task, **elsewhere)
    second = case.job_id(moved.run())
    assert [job["id"] for job in aws.jobs(case.service)] == [first, second]
    assert case.job_id(moved.run()) == second


def test_a_lost_start_in_another_region_is_found_there(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, elsewhere: dict[str, Any]
) -> None:
    task = make_task()
    aws.add_fault(Fault(case.start_operation, "drop", when="after"))
    with pytest.raises(JobApiError):
        task.run()
    aws.set_clock_skew(2.0)
    second = case.job_id(edited(make_task, task, **elsewhere).run())
    assert [job["id"] for job in aws.jobs(case.service)][1:] == [second]
    assert aws.max_active(case.service) == 1


@pytest.mark.promise("cleared")
def test_a_clear_stops_a_job_in_another_region(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, elsewhere: dict[str, Any]
) -> None:
    aws.set_pace(reads=1_000_000 if case.stop_operation else 6)
    task = make_task(wait_for_completion=False)
    first = case.job_id(task.run())
    aws.set_pace(reads=2)
    task.clear()
    moved = edited(make_task, task, **elsewhere)
    moved.max_tries, moved.clear_number = task.max_tries, task.clear_number
    second = case.job_id(moved.run())
    assert [job["id"] for job in aws.jobs(case.service)] == [first, second]
    assert aws.max_active(case.service) == 1


def test_another_connection_to_the_same_account_takes_up_the_job(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SECOND", "aws://")
    aws.set_pace(reads=6)
    task = make_task(wait_for_completion=False)
    first = case.job_id(task.run())
    assert case.job_id(edited(make_task, task, aws_conn_id="second").run()) == first
    assert len(aws.jobs(case.service)) == 1


@pytest.mark.parametrize("case", CASES[:1], indirect=True)
def test_a_replay_of_the_user_s_own_name_is_told_from_that_of_another_region(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, elsewhere: dict[str, Any]
) -> None:
    aws.set_pace(reads=1_000_000)
    task = make_task(wait_for_completion=False, replay_name="mine")
    task.run()
    aws.set_pace(reads=2)
    assert edited(make_task, task, replay_name="mine", **elsewhere).run()["replay_name"] == "mine.2"
    assert [job["state"] for job in aws.jobs("events")] == ["CANCELLED", "COMPLETED"]


def test_nothing_is_started_while_the_earlier_place_cannot_be_asked(
    aws: AwsJobs,
    case: JobCase,
    make_task: MakeTask,
    elsewhere: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_FIRST", "aws://")
    task = make_task(wait_for_completion=False, aws_conn_id="first")
    task.run()
    monkeypatch.delenv("AIRFLOW_CONN_FIRST")
    both = r"made in Region us-east-1 over connection 'first', and now it runs in Region eu-west-1"
    moved = edited(make_task, task, **elsewhere)
    with pytest.raises(JobApiError, match=both) as caught:
        moved.run()
    assert "Keep the earlier place reachable until it has ended" in str(caught.value)
    assert len(aws.jobs(case.service)) == 1
