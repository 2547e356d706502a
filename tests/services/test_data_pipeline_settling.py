# SPDX-License-Identifier: Apache-2.0

"""Activations of Data Pipeline that show late, or whose answers lack members or have unknown statuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from job_cases import AWS
from load_pipelines import activate, on_demand

from airflow_provider_jobs.exceptions import JobApiError, JobFailedError, JobUnavailableError
from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook
from airflow_provider_jobs.job import JobState
from airflow_provider_jobs.testing import AwsJobs

MACHINE = {"id": "R", "type": "Ec2Resource", "terminateAfter": "1 hour"}
UNKNOWN = "NEW_STATUS_OF_2027"


def on_machine() -> dict[str, Any]:
    definition = on_demand(A={"runsOn": {"ref": "R"}})
    return {"objects": [*definition["objects"], MACHINE]}


def settle(monkeypatch: pytest.MonkeyPatch, seconds: float = 0.0) -> None:
    monkeypatch.setattr("airflow_provider_jobs._data_pipeline.status.SETTLES", seconds)
    monkeypatch.setattr("airflow_provider_jobs._data_pipeline.watcher.SETTLES", seconds)
    monkeypatch.setattr("airflow_provider_jobs._data_pipeline.status._UNKNOWN", seconds)


def instance(aws: AwsJobs, name: str) -> str:
    job = aws.jobs("datapipeline")[-1]
    return next(str(each) for each in job["instances"] if each.startswith(f"@{name}_"))


def stale(answer: dict[str, Any]) -> None:
    """Show a pipeline in the state of an earlier activation."""
    before = {"@pipelineState": "FINISHED", "@finishedTime": "2020-01-01T00:00:00"}
    for field in answer["pipelineDescriptionList"][0]["fields"]:
        field["stringValue"] = before.get(field["key"], field["stringValue"])


@pytest.fixture
def started(aws: AwsJobs, pipeline: Callable[..., str]) -> Callable[[dict[str, Any]], str]:
    """Activate a pipeline that moves by hand; its activation."""

    def start(definition: dict[str, Any]) -> str:
        aws.set_pace()
        activate(pipeline(definition), wait_for_completion=False).run()
        return str(aws.jobs("datapipeline")[-1]["id"])

    return start


class TestResources:
    def test_a_task_with_a_resource(self, aws: AwsJobs, pipeline: Callable[..., str]) -> None:
        result = activate(pipeline(on_machine())).run()
        assert (result["state"], result["instances"]) == ("FINISHED", {"FINISHED": 2})

    @pytest.mark.parametrize("status", ["TIMEDOUT", "CANCELED", "FAILED"])
    def test_its_bad_end_after_its_activity_finished_is_a_success(
        self, aws: AwsJobs, hook: DataPipelineHook, started: Callable[..., str], status: str
    ) -> None:
        job = started(on_machine())
        aws.advance(job, to=0.7)
        assert hook.describe_job(job).state is JobState.RUNNING
        aws.set_status(job, instance(aws, "R"), status)
        found = hook.describe_job(job)
        assert found.state is JobState.SUCCEEDED
        assert found.details["instances"] == {"FINISHED": 1, status: 1}

    def test_its_failure_before_is_told(
        self, aws: AwsJobs, hook: DataPipelineHook, started: Callable[..., str]
    ) -> None:
        job = started(on_machine())
        machine = instance(aws, "R")
        aws.set_status(job, machine, "FAILED")
        found = hook.describe_job(job)
        assert found.state is JobState.FAILED
        assert f"{machine} is FAILED" in str(found.reason)

    def test_an_activity_that_shows_beside_a_resource_that_stays_up_is_found(
        self, aws: AwsJobs, hook: DataPipelineHook, pipeline: Callable[..., str], client: Any
    ) -> None:
        definition = on_machine()
        definition["objects"].append(
            {"id": "B", "type": "ShellCommandActivity", "command": "true", "runsOn": {"ref": "R"}}
        )
        pipeline_id = pipeline(definition)
        aws.set_pace()
        # Beside a run that it replaces, so that the pipeline's state does not move.
        client.activate_pipeline(pipelineId=pipeline_id)
        aws.set_quota("datapipeline-lag", 6)
        client.activate_pipeline(pipelineId=pipeline_id)
        job = aws.jobs("datapipeline")[1]["id"]
        aws.advance(job, to=0.5)
        aws.set_status(job, instance(aws, "A"), "FINISHED")
        seen = [hook.describe_job(job) for _ in range(4)]
        assert [each.details["instances_total"] for each in (seen[0], seen[-1])] == [2, 3]
        assert seen[-1].details["instances"] == {"FINISHED": 1, "RUNNING": 2}
        assert [each.state for each in seen] == [JobState.RUNNING] * 4


class TestUnknownStatus:
    def test_a_task_waits_for_it(
        self, aws: AwsJobs, hook: DataPipelineHook, started: Callable[..., str]
    ) -> None:
        job = started(on_demand(A={}))
        aws.set_status(job, instance(aws, "A"), UNKNOWN)
        for _ in range(3):
            found = hook.describe_job(job)
            assert found.state is JobState.RUNNING
            assert f"{UNKNOWN}, a status that is not known" in str(found.note)

    def test_but_not_without_end(
        self, aws: AwsJobs, monkeypatch: pytest.MonkeyPatch, started: Callable[..., str]
    ) -> None:
        settle(monkeypatch)
        job = started(on_demand(A={}))
        aws.set_status(job, instance(aws, "A"), UNKNOWN)
        hook = DataPipelineHook(**AWS)
        found = hook.describe_job(job)
        assert found.state is JobState.FAILED
        assert f"is {UNKNOWN}, a status that is not known and did not change" in str(found.reason)

    def test_a_change_begins_the_wait_anew(
        self, aws: AwsJobs, hook: DataPipelineHook, monkeypatch: pytest.MonkeyPatch, started: Any
    ) -> None:
        clock = Clock(monkeypatch)
        job = started(on_demand(A={}, B={}))
        aws.set_status(job, instance(aws, "A"), UNKNOWN)
        aws.set_status(job, instance(aws, "B"), "FINISHED")
        seen = []
        for passed, status in ((0, UNKNOWN), (3599, "OTHER_OF_2027"), (3599, None), (1, None)):
            clock.now += passed
            if status:
                aws.set_status(job, instance(aws, "A"), status)
            seen.append(hook.describe_job(job).state.ended)
        assert seen == [False, False, False, True]


class Clock:
    """The clock by which polls are timed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("airflow_provider_jobs._data_pipeline.watcher.time.monotonic", lambda: self.now)


class TestAnActivationThatShowsLate:
    """Its first activity is done at once, the second shows later and fails; the pipeline's state is the last
    activation's until then.
    """

    @pytest.fixture
    def late(self, aws: AwsJobs, pipeline: Callable[..., str], client: Any) -> str:
        pipeline_id = pipeline(on_demand(A={}, B={"maximumRetries": 0}))
        aws.set_pace(seconds=0)
        client.activate_pipeline(pipelineId=pipeline_id)
        aws.set_pace()
        aws.set_quota("datapipeline-lag", 10)
        return pipeline_id

    def test_is_no_success(self, aws: AwsJobs, late: str) -> None:
        aws.fail_next("datapipeline", "the disk is full")
        task = activate(late, wait_for_completion=False)
        task.run()
        job = aws.jobs("datapipeline")[-1]
        aws.set_status(job["id"], instance(aws, "A"), "FINISHED")
        hook = DataPipelineHook(**AWS)
        seen = [hook.describe_job(job["id"]) for _ in range(3)]
        assert [(each.state, each.service_state) for each in seen] == [(JobState.RUNNING, "FINISHED")] * 3
        assert [each.details["instances"] for each in seen] == [{"FINISHED": 1}] * 3
        aws.advance(job["id"])
        while not (found := hook.describe_job(job["id"])).state.ended:
            assert aws.calls("datapipeline")["DescribePipelines"] < 50
        assert found.state is JobState.FAILED
        assert "the disk is full" in str(found.reason)

    def test_nor_for_a_task(self, aws: AwsJobs, late: str) -> None:
        aws.fail_next("datapipeline", "the disk is full")
        aws.set_pace(reads=2)
        with pytest.raises(JobFailedError, match="the disk is full"):
            activate(late).run()

    @pytest.mark.parametrize("restart", [False, True])
    def test_a_state_counts_after_the_settling_time_also_where_the_trigger_restarts(
        self, aws: AwsJobs, late: str, monkeypatch: pytest.MonkeyPatch, restart: bool, client: Any
    ) -> None:
        clock = Clock(monkeypatch)
        aws.set_quota("datapipeline-lag", 1000)
        client.activate_pipeline(pipelineId=late)
        job = aws.jobs("datapipeline")[-1]["id"]
        aws.set_status(job, instance(aws, "A"), "FINISHED")
        hook = DataPipelineHook(**AWS)
        assert not hook.describe_job(job).state.ended
        clock.now += 59
        if restart:
            hook = DataPipelineHook(**AWS)
        assert not hook.describe_job(job).state.ended
        clock.now += 1
        assert hook.describe_job(job).state.ended is not restart
        clock.now += 59
        assert hook.describe_job(job).state.ended


class TestAnswersThatLackMembers:
    @pytest.fixture
    def job(self, started: Callable[..., str]) -> str:
        return started(on_demand(A={}))

    def hook(self, operation: str, change: Callable[[dict[str, Any]], Any]) -> DataPipelineHook:
        """A hook whose answers of an operation are changed as they arrive."""
        hook = DataPipelineHook(**AWS)
        conn: Any = hook.conn
        conn.meta.events.register(f"after-call.datapipeline.{operation}", lambda parsed, **_: change(parsed))
        return hook

    @pytest.mark.parametrize(
        ("operation", "member"),
        [
            ("DescribePipelines", "pipelineDescriptionList"),
            ("QueryObjects", "ids"),
            ("DescribeObjects", "pipelineObjects"),
        ],
    )
    def test_an_answer_without_its_rows_is_asked_for_again(
        self, job: str, operation: str, member: str
    ) -> None:
        def change(parsed: dict[str, Any]) -> None:
            parsed.pop(member)
            parsed.pop("hasMoreResults", None)

        with pytest.raises(JobApiError, match="cannot be read: it has no") as caught:
            self.hook(operation, change).describe_job(job)
        assert isinstance(caught.value, JobUnavailableError)

    def test_a_page_without_the_marker_of_the_next_is_not_taken_for_the_last(self, job: str) -> None:
        def change(parsed: dict[str, Any]) -> None:
            parsed["hasMoreResults"] = True

        with pytest.raises(JobApiError, match="cannot be read: it has no marker") as caught:
            self.hook("QueryObjects", change).describe_job(job)
        assert isinstance(caught.value, JobUnavailableError)

    @pytest.mark.parametrize("left", [[], [{"name": "x", "fields": []}]])
    def test_an_instance_that_is_listed_and_not_described_is_waited_for(
        self, aws: AwsJobs, job: str, left: list[Any]
    ) -> None:
        aws.advance(job)

        def change(parsed: dict[str, Any]) -> None:
            parsed["pipelineObjects"] = left

        found = self.hook("DescribeObjects", change).describe_job(job)
        assert found.state is JobState.RUNNING
        assert found.details["instances"] == {"NOT_SHOWN": 1}

    def test_a_pipeline_that_is_left_out_concerns_its_own_activation(
        self, job: str, aws: AwsJobs, pipeline: Callable[..., str], client: Any
    ) -> None:
        client.activate_pipeline(pipelineId=pipeline(on_demand(A={})))
        other = aws.jobs("datapipeline")[-1]["id"]

        def change(parsed: dict[str, Any]) -> None:
            del parsed["pipelineDescriptionList"][1:]

        found = self.hook("DescribePipelines", change).describe_jobs([job, other])
        errors = [each for each in found.values() if isinstance(each, JobApiError)]
        assert len(errors) == 1
        assert "left out pipeline df-" in str(errors[0])
        assert isinstance(errors[0], JobUnavailableError)

    def test_rows_of_a_list_without_an_id_or_a_name(self, aws: AwsJobs, job: str) -> None:
        def change(parsed: dict[str, Any]) -> None:
            parsed["pipelineIdList"] = [{}, {"id": "df-1"}]

        assert self.hook("ListPipelines", change).list_pipelines() == {"df-1": ""}

    @pytest.mark.parametrize(("seconds", "ended"), [(59, False), (60, True)])
    def test_the_settling_time_goes_by_the_date_of_aws_s_answers(
        self, aws: AwsJobs, job: str, seconds: int, ended: bool
    ) -> None:
        aws.set_status(job, instance(aws, "A"), "FINISHED")
        began = datetime.fromisoformat(job.partition("@")[2]).replace(tzinfo=UTC)

        def change(parsed: dict[str, Any]) -> None:
            date = format_datetime(began + timedelta(seconds=seconds), usegmt=True)
            parsed["ResponseMetadata"]["HTTPHeaders"]["date"] = date
            stale(parsed)

        assert self.hook("DescribePipelines", change).describe_job(job).state.ended is ended

    @pytest.mark.parametrize("date", [None, "soon"])
    def test_an_answer_without_a_date_is_timed_by_the_polls(
        self, aws: AwsJobs, job: str, date: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = Clock(monkeypatch)
        aws.set_status(job, instance(aws, "A"), "FINISHED")

        def change(parsed: dict[str, Any]) -> None:
            headers = parsed["ResponseMetadata"]["HTTPHeaders"]
            headers.pop("date", None)
            if date:
                headers["date"] = date
            stale(parsed)

        hook = self.hook("DescribePipelines", change)
        assert not hook.describe_job(job).state.ended
        clock.now += 60
        assert hook.describe_job(job).state is JobState.SUCCEEDED
