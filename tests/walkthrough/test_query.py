# SPDX-License-Identifier: Apache-2.0

"""The job type of the documentation's walk-through keeps the promises that the package's own keep."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import logs_insights
import pytest
from airflow_features import needs
from logs_insights.hook import LogsQueryHook
from logs_insights.sensors import LogsQuerySensor
from one_task import OneTask
from walkthrough.conftest import AWS, END, GROUP, QUERY, START, filled

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobEndedError,
    JobFailedError,
    JobInputError,
    JobNotFoundError,
    JobTimeoutError,
)
from airflow_provider_jobs.testing import AwsJobs, AwsJobsServer, Fault
from airflow_provider_jobs.triggers.queue import QueueTrigger
from airflow_provider_jobs.windows import INTERVAL_END, INTERVAL_START

MakeTask = Callable[..., OneTask]


def starts(aws: AwsJobs) -> int:
    return aws.calls("logs").get("StartQuery", 0)


def start(group: str = GROUP) -> str:
    """Start a query that is nobody's task's; it finds 7 events, since it includes its last second."""
    return LogsQueryHook(**AWS).start_query(group, QUERY, START, END)


# [start: test]
def test_it_finds_what_is_in_the_window(aws: AwsJobs, make_task: MakeTask) -> None:
    result = make_task().run()
    assert (result["state"], result["log_group"]) == ("Complete", GROUP)
    times = [START + timedelta(minutes=30 * number) for number in range(6)]
    assert [row["@message"] for row in result["rows"]] == [f"request at {time:%H:%M}" for time in times]
    assert starts(aws) == 1


@needs("task_state_store")
def test_a_retry_after_a_lost_answer_waits_for_what_it_may_have_started(
    aws: AwsJobs, make_task: MakeTask
) -> None:
    task = make_task()
    aws.add_fault(Fault("StartQuery", "drop", when="after"))
    with pytest.raises(JobApiError, match="StartQuery"):
        task.run()
    # It may be somebody else's: AWS does not tell.
    assert task.run()["state"] == "Complete"
    assert starts(aws) == 2
    assert aws.max_active("logs") == 1


# [end: test]


def test_a_retry_after_a_lost_call_starts_it(aws: AwsJobs, make_task: MakeTask) -> None:
    task = make_task()
    aws.add_fault(Fault("StartQuery", "drop"))
    with pytest.raises(JobApiError):
        task.run()
    assert len(task.run()["rows"]) == 6
    assert len(aws.jobs("logs")) == 1


def test_a_clear_starts_one_more(aws: AwsJobs, make_task: MakeTask) -> None:
    task = make_task()
    first = task.run()
    task.clear()
    second = task.run()
    assert second["query_id"] != first["query_id"]
    assert [job["id"] for job in aws.jobs("logs")] == [first["query_id"], second["query_id"]]


def test_a_failure_says_what_is_known_and_a_retry_starts_the_next(aws: AwsJobs, make_task: MakeTask) -> None:
    aws.fail_next("logs", "AWS keeps it to itself")
    task = make_task()
    with pytest.raises(JobFailedError, match="ended Failed: CloudWatch Logs gives no reason"):
        task.run()
    assert task.run()["state"] == "Complete"


def test_a_window_that_is_not_given_is_the_run_s_interval(aws: AwsJobs, make_task: MakeTask) -> None:
    task = make_task({"interval": (START, END)}, start_time=INTERVAL_START, end_time=INTERVAL_END)
    assert len(task.run()["rows"]) == 6
    # AWS includes the last second, which is not the next run's first.
    assert aws.jobs("logs")[0]["window"] == [START.timestamp(), END.timestamp() - 1]


def test_a_full_account_makes_the_task_wait_in_line(
    aws: AwsJobs, make_task: MakeTask, logged: Callable[[], str]
) -> None:
    aws.set_quota("logs", 1)
    aws.set_pace("logs", reads=4)
    start()
    assert make_task().run()["state"] == "Complete"
    assert aws.max_active("logs") == 1
    assert (
        "The account runs 1 queries already (LimitExceededException). The task waits in the queue."
        in logged()
    )


def test_the_queries_in_flight_are_counted_in_the_account(aws: AwsJobs, logs: Any) -> None:
    aws.set_pace()
    filled("other")
    first, second = start(), start("other")
    hook = LogsQueryHook(**AWS)
    assert hook.active_jobs([GROUP]) == {first: GROUP, second: "other"}
    aws.advance(first)
    assert hook.active_jobs([GROUP]) == {second: "other"}


def test_aws_own_refusal_of_one_query_too_many_is_a_wait_too(aws: AwsJobs, make_task: MakeTask) -> None:
    aws.set_pace()
    aws.set_quota("logs", 1)
    task, other = make_task(deferrable=True), make_task({"run_id": "other"}, deferrable=True)
    other.begin()
    task.begin()
    assert isinstance(task.trigger(), QueueTrigger)
    assert starts(aws) == 2


def test_a_job_timeout_stops_it(aws: AwsJobs, make_task: MakeTask) -> None:
    aws.set_pace()
    with pytest.raises(JobTimeoutError, match="it is being stopped"):
        make_task(job_timeout=timedelta(milliseconds=1)).run()
    assert aws.jobs("logs")[0]["phase"] == "stopping"


def test_to_stop_one_that_has_ended_is_no_error(aws: AwsJobs, logs: Any) -> None:
    hook, query = LogsQueryHook(**AWS), start()
    aws.advance(query)
    assert hook.stop_job(query) is False
    assert hook.stop_job("gone") is False
    assert hook.describe_job(query).service_state == "Complete"


def test_what_was_found_is_told(aws: AwsJobs, logs: Any) -> None:
    query = start()
    aws.advance(query)
    assert LogsQueryHook(**AWS).describe_job(query).note == "7 log events match"


@pytest.mark.parametrize("count", [2, 6])
def test_each_of_many_is_read_and_one_that_aws_no_longer_knows_is_not_found(
    aws: AwsJobs, logs: Any, count: int
) -> None:
    queries = [start() for _ in range(count)]
    aws.advance(queries[0])
    looks = LogsQueryHook(**AWS).describe_jobs([*queries, "gone"])
    assert isinstance(looks.pop("gone"), JobNotFoundError)
    states = {look.service_state for look in looks.values() if not isinstance(look, Exception)}
    assert (len(looks), states) == (count, {"Complete", "Running"})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"log_group": "shop web"}, "log_group='shop web' must be a log group's name"),
        ({"query_string": "x" * 10_001}, "query_string has 10,001 characters; AWS takes 10,000"),
        ({"end_time": START}, "must be at least a second after start_time"),
    ],
)
def test_bad_input_fails_before_any_call(
    aws: AwsJobs, make_task: MakeTask, given: dict[str, Any], message: str
) -> None:
    before = aws.calls("logs")
    with pytest.raises(JobInputError, match=message):
        make_task(**given).run()
    assert aws.calls("logs") == before


def test_a_query_that_aws_does_not_understand_is_explained(aws: AwsJobs, make_task: MakeTask) -> None:
    aws.add_fault(Fault("StartQuery", "error", code="MalformedQueryException", status=400))
    with pytest.raises(JobInputError, match="Try the query in the CloudWatch console"):
        make_task().run()


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("whole", [False, True], ids=["id", "result"])
def test_the_sensor_waits_for_it(aws: AwsJobs, logs: Any, deferrable: bool, whole: bool) -> None:
    query = start()
    given: Any = {"query_id": query, "state": "Scheduled"} if whole else query
    task = OneTask(
        lambda: LogsQuerySensor(
            task_id="wait", query_id=given, deferrable=deferrable, poke_interval=0.02, **AWS
        )
    )
    assert (task.run()["query_id"], task.run()["state"]) == (query, "Complete")


def test_the_sensor_fails_with_it(aws: AwsJobs, logs: Any) -> None:
    aws.fail_next("logs", "no")
    sensor = LogsQuerySensor(task_id="wait", query_id=start(), poke_interval=0.02, **AWS)
    with pytest.raises(JobEndedError, match="ended Failed: CloudWatch Logs gives no reason"):
        OneTask(lambda: sensor).run()


def test_the_server_has_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a real Airflow can be tested with it."""
    monkeypatch.setenv("PYTHONPATH", str(Path(logs_insights.__file__).parents[1]))
    with AwsJobsServer(seconds=0, backends=["logs_insights.mocked:BACKEND"]) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        filled(GROUP)
        query = start()
        assert server.jobs("logs")[0]["state"] == "Complete"
        assert len(LogsQueryHook(**AWS).query_results(query)["results"]) == 7


@needs("task_sdk")
def test_the_example_dag_stands() -> None:
    example = importlib.import_module("slow_requests")
    (task,) = example.dag.tasks
    assert (task.task_id, task.aws_hook_class) == ("query", LogsQueryHook)
    assert task.deferrable
