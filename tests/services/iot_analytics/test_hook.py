# SPDX-License-Identifier: Apache-2.0

"""What is particular to IoT Analytics: the hook, cancelling, and a service that has ended."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from airflow_features import needs
from job_cases import AWS, REGION, IotAnalytics
from one_task import OneTask
from reprocessings import SERVICE, client, reprocess

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobFailedError,
    JobInputError,
    JobNotFoundError,
    JobOutcomeUnknownError,
    JobUnavailableError,
)
from airflow_provider_jobs.hooks.iot_analytics import IotAnalyticsHook
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.operators.iot_analytics import (
    IotAnalyticsCancelPipelineReprocessingOperator,
)
from airflow_provider_jobs.testing import AwsJobs

ONE_CALL: dict[str, Any] = {"retries": {"total_max_attempts": 1}}


class TestCancel:
    """The cancel operator, and what a retry makes of a cancelled reprocessing."""

    def cancel(self, reprocessing_id: str, **kwargs: Any) -> OneTask:
        given = {"pipeline_name": "cleaning", "poll_interval": 0.02, **AWS, **kwargs}
        return OneTask(
            lambda: IotAnalyticsCancelPipelineReprocessingOperator(
                task_id="cancel", reprocessing_id=reprocessing_id, **given
            )
        )

    @pytest.mark.parametrize("deferrable", [False, True])
    def test_waits_until_cancelled(
        self, aws: AwsJobs, hook: IotAnalyticsHook, deferrable: bool, logged: Callable[[], str]
    ) -> None:
        aws.set_pace(reads=6)
        started = hook.start_reprocessing("cleaning")
        result = self.cancel(started, deferrable=deferrable).run()
        assert (result["reprocessing_id"], result["state"]) == (started, "CANCELLED")
        assert "AWS retired AWS IoT Analytics on 2025-12-15" in logged()

    def test_of_an_ended_one_is_done(self, aws: AwsJobs) -> None:
        started = reprocess().run()["reprocessing_id"]
        assert self.cancel(started).run()["state"] == "SUCCEEDED"
        assert "CancelPipelineReprocessing" not in aws.calls(SERVICE)

    def test_without_waiting(self, aws: AwsJobs, hook: IotAnalyticsHook) -> None:
        aws.set_pace()
        started = hook.start_reprocessing("cleaning")
        assert self.cancel(started, wait_for_completion=False).run()["state"] == "RUNNING"
        assert aws.calls(SERVICE)["CancelPipelineReprocessing"] == 1

    def test_of_an_unknown_one_is_an_error(self, aws: AwsJobs) -> None:
        with pytest.raises(JobNotFoundError, match="Pipeline cleaning has no reprocessing nobodys"):
            self.cancel("nobodys").run()

    @needs("task_state_store")
    def test_of_a_tasks_own_is_followed_by_another_one(self, aws: AwsJobs, hook: IotAnalyticsHook) -> None:
        """AWS has no state for one that is being cancelled: it is waited for, and then the try has failed."""
        aws.set_pace()
        task = reprocess(deferrable=True)
        started = reprocess({"store": task.store}, wait_for_completion=False).run()["reprocessing_id"]
        hook.stop_job(f"cleaning/{started}")
        task.begin()
        aws.advance(started)
        with pytest.raises(JobFailedError, match="ended CANCELLED"):
            task.resume(task.fire())
        aws.set_pace(seconds=0)
        assert task.run()["state"] == "SUCCEEDED"
        assert [job["state"] for job in aws.jobs(SERVICE)] == ["CANCELLED", "SUCCEEDED"]
        assert aws.max_active(SERVICE) == 1


class TestHook:
    """The hook by itself."""

    def test_makes_clients_of_a_service_that_botocore_has_dropped(self, hook: IotAnalyticsHook) -> None:
        assert client(hook).meta.service_model.service_name == SERVICE
        assert hook.conn_region_name == REGION

    def test_honours_the_connection(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(
            "AIRFLOW_CONN_GATEWAY",
            '{"conn_type": "aws", "login": "a", "password": "b", "extra": {"region_name": "eu-west-1", '
            '"endpoint_url": "https://gateway.example", "config_kwargs": {"read_timeout": 7}}}',
        )
        hook = IotAnalyticsHook(aws_conn_id="gateway")
        for each in (hook.conn, hook._once):
            assert each.meta.endpoint_url == "https://gateway.example"
            assert each.meta.region_name == "eu-west-1"
            assert each.meta.config.read_timeout == 7
        assert hook._once.meta.config.retries["total_max_attempts"] == 1

    def test_looks_at_many_with_few_calls(self, aws: AwsJobs, hook: IotAnalyticsHook) -> None:
        aws.set_pace()
        job_ids = [f"cleaning/{hook.start_reprocessing('cleaning')}" for _ in range(40)]
        before = aws.calls(SERVICE)
        found = hook.describe_jobs([*job_ids, "cleaning/nobodys"])
        assert aws.calls(SERVICE)["DescribePipeline"] - before.get("DescribePipeline", 0) == 1
        assert isinstance(found.pop("cleaning/nobodys"), JobNotFoundError)
        assert {getattr(job, "service_state", "") for job in found.values()} == {"RUNNING"}

    def test_lists_where_there_are_many_pipelines(self, aws: AwsJobs, hook: IotAnalyticsHook) -> None:
        aws.set_pace()
        names = [f"more_{number:03}" for number in range(260)]
        for name in names:
            IotAnalytics.pipeline(name)
        job_ids = [f"{name}/{hook.start_reprocessing(name)}" for name in (*names[:3], names[-1])]
        before = aws.calls(SERVICE)
        found = hook.describe_jobs([*job_ids, "nobodys/x"])
        after = aws.calls(SERVICE)
        assert after["ListPipelines"] - before.get("ListPipelines", 0) == 2
        # What the list does not show is asked for.
        assert after["DescribePipeline"] == 1
        assert isinstance(found["nobodys/x"], JobNotFoundError)
        assert all(isinstance(found[job_id], JobStatus) for job_id in job_ids)

    def test_counts_the_starts_of_a_day(
        self, aws: AwsJobs, hook: IotAnalyticsHook, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One that has ended keeps its place until it is a day old."""
        first, second = (hook.start_reprocessing("cleaning") for _ in range(2))
        aws.advance(first)
        assert hook.active_jobs(()) == {f"cleaning/{each}": "cleaning" for each in (first, second)}
        IotAnalytics().free_place(aws)
        assert hook.active_jobs(()) == {f"cleaning/{second}": "cleaning"}

    def test_stops_only_what_runs(self, aws: AwsJobs, hook: IotAnalyticsHook) -> None:
        assert hook.stop_job("cleaning/nobodys") is False
        aws.set_pace(seconds=0)
        ended = hook.start_reprocessing("cleaning")
        assert hook.stop_job(f"cleaning/{ended}") is False

    def test_a_stop_that_is_refused_while_it_runs_is_an_error(
        self, aws: AwsJobs, hook: IotAnalyticsHook, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        aws.set_pace()
        started = hook.start_reprocessing("cleaning")

        def refuse(*_: str) -> None:
            raise JobInputError("no")

        monkeypatch.setattr(hook, "cancel_reprocessing", refuse)
        with pytest.raises(JobApiError, match="no"):
            hook.stop_job(f"cleaning/{started}")


class TestRetired:
    """AWS has ended the service."""

    def test_is_said_once_a_try(self, aws: AwsJobs, logged: Callable[[], str]) -> None:
        reprocess().run()
        assert logged().count("AWS retired AWS IoT Analytics on 2025-12-15. Calls work only against") == 1

    def test_explains_an_endpoint_that_is_gone(
        self, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
    ) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
        monkeypatch.setenv("NO_PROXY", "*")

        def unknown(*_: Any, **__: Any) -> Any:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        why = r"Could not connect to the endpoint.*AWS retired AWS IoT Analytics .*set endpoint_url"
        with pytest.raises(JobApiError, match=why) as caught:
            reprocess(botocore_config=ONE_CALL).run()
        assert not isinstance(caught.value, JobUnavailableError)
        assert not isinstance(caught.value, JobOutcomeUnknownError)
