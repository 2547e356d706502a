# SPDX-License-Identifier: Apache-2.0

"""What is particular to IoT Analytics reprocessings: what they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from job_cases import AWS, REGION
from one_task import OneTask
from reprocessings import END, SERVICE, START, messages, reprocess, starts

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
)
from airflow_provider_jobs.hooks.iot_analytics import IotAnalyticsHook, ReprocessingRequest
from airflow_provider_jobs.operators.iot_analytics import (
    IotAnalyticsCancelPipelineReprocessingOperator,
    IotAnalyticsStartPipelineReprocessingOperator,
)
from airflow_provider_jobs.sensors.iot_analytics import IotAnalyticsPipelineReprocessingSensor
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.windows import INTERVAL_END, INTERVAL_START, split_window


def keys() -> list[str]:
    listed = boto3.client("s3", region_name=REGION).list_objects_v2(Bucket="raw-messages")
    return [row["Key"] for row in listed["Contents"]]


@pytest.mark.promise("bad-input")
class TestBadInput:
    """A clear error before any call, and none that Airflow would retry."""

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"pipeline_name": ""}, "pipeline_name='' must be 1 to 128 letters, digits and _"),
            ({"pipeline_name": "x" * 129}, "1 to 128"),
            ({"pipeline_name": "__mine"}, "not begin with __"),
            ({"pipeline_name": "my-pipeline"}, "letters, digits and _"),
            ({"pipeline_name": "mine\n"}, "letters, digits and _"),
            ({"pipeline_name": None}, "pipeline_name is missing"),
            ({"start_time": END, "end_time": START}, "at least a second after"),
            ({"start_time": START, "end_time": START}, "CronDataIntervalTimetable"),
            ({"start_time": datetime(2026, 1, 1), "end_time": END}, "start_time=.* has no time zone"),
            ({"start_time": "yesterday", "end_time": None}, "start_time='yesterday' is not a time"),
            ({"start_time": "", "end_time": END}, "no data interval.*Pass start_time"),
            ({"start_time": None, "end_time": ""}, "no data interval.*Pass end_time"),
            ({"s3_paths": []}, "s3_paths has 0 keys; AWS takes 1 to 100"),
            ({"s3_paths": ["a"] * 101}, "s3_paths has 101 keys.*a task for each 100"),
            ({"s3_paths": "a"}, "s3_paths='a' must be a list of texts, not str. Put a text"),
            ({"s3_paths": [1.5]}, "s3_paths=1.5 must be a text, not float"),
            ({"s3_paths": [""]}, "1 to 1,024 letters"),
            ({"s3_paths": ["a" * 1025]}, "1 to 1,024 letters"),
            ({"s3_paths": ["ok", "a?b"]}, r"s3_paths: 'a\?b' is not a key"),
            ({"s3_paths": ["s3://raw-messages/a"]}, "is a URL. Name the key"),
            ({"botocore_config": {"retries": object()}}, "cannot be sent to the triggerer"),
        ],
    )
    @pytest.mark.parametrize("deferrable", [False, True])
    def test_of_the_reprocessing(
        self, aws: AwsJobs, given: dict[str, Any], message: str, deferrable: bool
    ) -> None:
        before = aws.calls(SERVICE)
        with pytest.raises(JobInputError, match=message) as caught:
            reprocess(deferrable=deferrable, **given).run()
        assert isinstance(caught.value, AirflowFailException)
        assert aws.calls(SERVICE) == before

    @pytest.mark.parametrize(
        "window", [{"start_time": START}, {"end_time": END}, {"start_time": START, "end_time": END}]
    )
    def test_of_both_forms_at_once(self, window: dict[str, Any]) -> None:
        with pytest.raises(JobInputError, match="s3_paths cannot be combined with start_time or end_time"):
            reprocess(s3_paths=["a"], **window).make()

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"pipeline_name": "my-pipeline"}, "pipeline_name='my-pipeline' must be"),
            ({"reprocessing_id": "a/b"}, "reprocessing_id='a/b' must be the id that the start has returned"),
            ({"reprocessing_id": " "}, "reprocessing_id=' ' must be"),
        ],
    )
    @pytest.mark.parametrize(
        "operator", [IotAnalyticsCancelPipelineReprocessingOperator, IotAnalyticsPipelineReprocessingSensor]
    )
    def test_of_cancel_and_sensor(
        self, aws: AwsJobs, operator: Any, given: dict[str, Any], message: str
    ) -> None:
        before = aws.calls(SERVICE)
        arguments = {"pipeline_name": "cleaning", "reprocessing_id": "x", **given, **AWS}
        with pytest.raises(JobInputError, match=message):
            OneTask(lambda: operator(task_id="it", **arguments)).run()
        assert aws.calls(SERVICE) == before


class TestMessages:
    """Which messages are reprocessed."""

    def test_of_a_window(self, aws: AwsJobs) -> None:
        result = reprocess().run()
        assert messages(aws) == [2]
        assert set(result) == {
            "pipeline_name",
            "reprocessing_id",
            "state",
            "created_at",
            "start_time",
            "end_time",
            "s3_paths",
        }
        assert (result["pipeline_name"], result["state"]) == ("cleaning", "SUCCEEDED")
        assert (result["start_time"], result["end_time"]) == (START.isoformat(), END.isoformat())
        assert result["s3_paths"] is None
        assert datetime.fromisoformat(result["created_at"]).utcoffset() is not None

    @pytest.mark.parametrize(
        ("start", "end", "count"), [(None, None, 3), (END, None, 1), (None, END, 2), (None, START, 0)]
    )
    def test_of_an_open_window(self, aws: AwsJobs, start: Any, end: Any, count: int) -> None:
        result = reprocess(start_time=start, end_time=end).run()
        assert messages(aws) == [count]
        assert result["start_time"] == (start and start.isoformat())
        assert result["end_time"] == (end and end.isoformat())

    @pytest.mark.parametrize("window", [{}, {"start_time": None, "end_time": None}])
    def test_of_objects(self, aws: AwsJobs, window: dict[str, Any]) -> None:
        result = reprocess(s3_paths=keys()[:1], **window).run()
        assert messages(aws) == [1]
        assert (result["s3_paths"], result["start_time"], result["end_time"]) == (keys()[:1], None, None)

    @pytest.mark.parametrize("name", ["start_time", "end_time", "s3_paths"])
    @pytest.mark.promise("bad-input")
    def test_that_a_template_empties_are_never_all(self, aws: AwsJobs, name: str) -> None:
        """None must be asked for: what an upstream task forgot to return is not «everything»."""
        window: dict[str, Any] = {} if name == "s3_paths" else {"start_time": START, "end_time": END}
        operator: Any = reprocess(**{**window, name: "{{ missing }}"}).make()
        setattr(operator, name, None)
        with pytest.raises(JobInputError, match=rf"{name}.*(empty|must be a list)"):
            operator.execute(OneTask(lambda: operator).context(operator))
        assert starts(aws) == 0

    @pytest.mark.parametrize(
        ("start", "end", "warned"),
        [
            (START, END, False),
            (START, datetime(2026, 1, 1, 0, 30, tzinfo=UTC), True),
            (datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC), END, True),
            (None, datetime(2026, 1, 1, 0, 30, tzinfo=UTC), True),
            (None, None, False),
        ],
    )
    def test_of_a_window_finer_than_an_hour(
        self, aws: AwsJobs, start: Any, end: Any, warned: bool, logged: Callable[[], str]
    ) -> None:
        reprocess(start_time=start, end_time=end).run()
        assert ("is finer than an hour. AWS takes its bounds to the nearest hour" in logged()) is warned


class TestRefusals:
    """AWS's own message, and what to check."""

    def test_of_a_missing_pipeline(self, aws: AwsJobs) -> None:
        with pytest.raises(
            JobNotFoundError,
            match=r"Pipeline nobodys does not exist \(ResourceNotFoundException\)\. "
            r"Check the pipeline's name",
        ):
            reprocess(pipeline_name="nobodys").run()

    def test_of_missing_objects(self, aws: AwsJobs) -> None:
        with pytest.raises(
            JobInputError,
            match=r"There is no object a \(InvalidRequestException\)\. "
            r"Name the full keys",
        ):
            reprocess(s3_paths=["a"]).run()

    def test_of_another_start(self, aws: AwsJobs, hook: IotAnalyticsHook) -> None:
        aws.add_fault(Fault("StartPipelineReprocessing", "error", code="LimitExceededException", status=410))
        with pytest.raises(JobQuotaError, match=r"LimitExceeded.*1,000 reprocessings of a pipeline in 24"):
            hook.start_reprocessing("cleaning")

    def test_of_access(self, aws: AwsJobs) -> None:
        aws.add_fault(Fault("StartPipelineReprocessing", "access-denied"))
        with pytest.raises(JobApiError, match=r"allows iotanalytics:StartPipelineReprocessing.*AWS retired"):
            reprocess().run()


def test_the_window_is_the_runs_data_interval() -> None:
    operator = IotAnalyticsStartPipelineReprocessingOperator(task_id="reprocess", pipeline_name="cleaning")
    assert (operator.start_time, operator.end_time) == (INTERVAL_START, INTERVAL_END)


@pytest.mark.parametrize("native", [False, True])
def test_the_default_templates_render(native: bool) -> None:
    from airflow.providers.common.compat.sdk import DAG

    dag = DAG("sensors", schedule=None, render_template_as_native_obj=native)
    operator = IotAnalyticsStartPipelineReprocessingOperator(
        task_id="reprocess", pipeline_name="{{ what }}", dag=dag
    )
    context: Any = {"what": "cleaning", "data_interval_start": START, "data_interval_end": END}
    operator.render_template_fields(context)
    request = operator.job_request(OneTask(lambda: operator).context(operator))
    assert request == ReprocessingRequest("cleaning", START, END)


@pytest.mark.promise("bad-input")
def test_a_run_without_an_interval_names_the_parameter() -> None:
    from airflow.providers.common.compat.sdk import DAG

    dag = DAG("sensors", schedule=None)
    operator = IotAnalyticsStartPipelineReprocessingOperator(
        task_id="reprocess", pipeline_name="cleaning", dag=dag
    )
    operator.render_template_fields({})
    with pytest.raises(JobInputError, match=r"no data interval.*Pass start_time"):
        operator.job_request(OneTask(lambda: operator).context(operator))


def test_parts_of_a_wide_window_fit(aws: AwsJobs) -> None:
    parts = split_window(START, END, timedelta(hours=1), names=("start_time", "end_time"))
    for index, part in enumerate(parts):
        reprocess({"map_index": index}, **part).run()
    assert messages(aws) == [1, 1]
