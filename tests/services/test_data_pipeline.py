# SPDX-License-Identifier: Apache-2.0

"""What is particular to Data Pipeline."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import DAG
from job_cases import AWS, REGION
from one_task import OneTask

from airflow_provider_jobs.definitions import PipelineDefinition
from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobEndedError,
    JobFailedError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
)
from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook
from airflow_provider_jobs.hooks.pace import CallPace
from airflow_provider_jobs.job import JobState
from airflow_provider_jobs.operators.data_pipeline import (
    DataPipelineActivatePipelineOperator,
    DataPipelineCreatePipelineOperator,
    DataPipelineDeactivatePipelineOperator,
    DataPipelineDeletePipelineOperator,
    DataPipelinePutPipelineDefinitionOperator,
)
from airflow_provider_jobs.sensors.data_pipeline import DataPipelineSensor
from airflow_provider_jobs.testing import AwsJobs, Fault, mock_aws_jobs

NOW = datetime.now(UTC).replace(microsecond=0)
DEFAULT = {"id": "Default", "scheduleType": "ondemand", "workerGroup": "wg", "pipelineLogUri": "s3://logs/"}
STEP = {"type": "ShellCommandActivity", "command": "true"}
#: Objects of the examples on
#: https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_PutPipelineDefinition.html
EXAMPLES = Path(__file__).with_name("data_pipeline_examples.json")


def stamp(offset: timedelta) -> str:
    return (NOW + offset).strftime("%Y-%m-%dT%H:%M:%S")


def on_demand(**steps: dict[str, Any]) -> dict[str, Any]:
    return {"objects": [DEFAULT, *({"id": name, **STEP, **more} for name, more in steps.items())]}


def on_schedule(**schedule: str) -> dict[str, Any]:
    default = {
        "id": "Default",
        "workerGroup": "wg",
        "schedule": {"ref": "Hourly"},
        "pipelineLogUri": "s3://l/",
    }
    hourly = {"id": "Hourly", "type": "Schedule", "period": "1 hour", **schedule}
    return {"objects": [default, hourly, {"id": "A", **STEP}]}


@pytest.fixture(autouse=True)
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CallPace, "wait", lambda *_: None)


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs() as control:
        yield control


@pytest.fixture
def hook(aws: AwsJobs) -> DataPipelineHook:
    return DataPipelineHook(aws_conn_id=None, region_name=REGION)


@pytest.fixture
def client(aws: AwsJobs) -> Any:
    return boto3.client("datapipeline", region_name=REGION)


@pytest.fixture
def pipeline(hook: DataPipelineHook) -> Callable[..., str]:
    """Create a pipeline with a definition; by default of two steps on demand."""

    def make(definition: dict[str, Any] | None = None) -> str:
        pipeline_id = hook.create_pipeline("load", str(len(hook.list_pipelines())))
        given = definition or on_demand(A={}, B={"dependsOn": {"ref": "A"}})
        hook.put_definition(pipeline_id, PipelineDefinition.from_file(given))
        return pipeline_id

    return make


def activate(pipeline_id: str, **kwargs: Any) -> OneTask:
    given = {"pipeline_id": pipeline_id, "poll_interval": 0.02, **AWS, **kwargs}
    return OneTask(lambda: DataPipelineActivatePipelineOperator(task_id="activate", **given))


def put(pipeline_id: str, **kwargs: Any) -> OneTask:
    given = {"pipeline_id": pipeline_id, **AWS, **kwargs}
    return OneTask(lambda: DataPipelinePutPipelineDefinitionOperator(task_id="put", **given))


class TestCreate:
    def make(self, **kwargs: Any) -> OneTask:
        given = {"pipeline_name": "load", **AWS, **kwargs}
        return OneTask(lambda: DataPipelineCreatePipelineOperator(task_id="create", **given))

    def test_a_retry_finds_the_pipeline_and_a_clear_creates_another(self, aws: AwsJobs, client: Any) -> None:
        task = self.make()
        first = task.run()
        assert task.run() == first
        task.clear()
        assert task.run()["pipeline_id"] != first["pipeline_id"]
        assert len(client.list_pipelines()["pipelineIdList"]) == 2

    def test_a_unique_id_of_ones_own_outlives_the_run(self, aws: AwsJobs) -> None:
        task = self.make(unique_id="mine", description="orders", tags={"team": "data"})
        first = task.run()
        task.clear()
        assert task.run() == first == {**first, "pipeline_name": "load", "unique_id": "mine"}

    def test_no_room_for_another_is_an_error_that_a_retry_may_mend(self, aws: AwsJobs) -> None:
        aws.set_quota("datapipeline", 0)
        with pytest.raises(JobQuotaError, match=r"limit exceeded.*Delete pipelines that are not needed"):
            self.make().run()

    @pytest.mark.parametrize("given", [{"pipeline_name": ""}, {"unique_id": "x" * 1025}])
    def test_bad_names(self, aws: AwsJobs, given: dict[str, Any]) -> None:
        with pytest.raises(JobInputError, match="must have 1 to 1,024 characters"):
            self.make(**given).run()
        assert aws.calls("datapipeline") == {}


class TestPut:
    @pytest.mark.parametrize("number", [0, 1])
    def test_put_then_get_is_the_identity_on_aws_s_examples(
        self, hook: DataPipelineHook, number: int
    ) -> None:
        """The second one is AWS's example of a refusal; mended, it can be put."""
        example = json.loads(EXAMPLES.read_text())[number]
        if number == 1:
            with pytest.raises(JobInputError, match="Default\n    - 'workerGroup' is an empty string"):
                PipelineDefinition(example).check()
            assert PipelineDefinition.from_file(PipelineDefinition(example).to_file()).objects == example
            example[0]["fields"][0]["stringValue"] = "wg"
        pipeline_id = hook.create_pipeline("example", str(number))
        hook.put_definition(pipeline_id, PipelineDefinition(example))
        got = hook.get_definition(pipeline_id)
        assert PipelineDefinition.from_file(got).objects == example
        hook.put_definition(pipeline_id, PipelineDefinition.from_file(got))
        assert hook.get_definition(pipeline_id) == got

    def test_the_example_dag_s_file_comes_back_as_it_is(self, hook: DataPipelineHook) -> None:
        file = Path(__file__).parents[2] / "example_dags" / "data_pipeline_run.json"
        pipeline_id = hook.create_pipeline("example", "1")
        hook.put_definition(pipeline_id, PipelineDefinition.from_file(file.read_text()))
        data = json.loads(file.read_text())
        written = json.loads(file.read_text(), parse_int=str)
        assert data != hook.get_definition(pipeline_id) == written

    def test_the_task_checks_puts_and_logs_what_aws_warns_of(
        self, hook: DataPipelineHook, logged: Callable[[], str]
    ) -> None:
        pipeline_id = hook.create_pipeline("load", "1")
        definition = on_demand(A={})
        definition["objects"] = [{**DEFAULT}, *definition["objects"][1:]]
        del definition["objects"][0]["pipelineLogUri"]
        result = put(pipeline_id, definition=definition).run()
        assert result["objects"] == 2
        assert list(result["warnings"]) == ["Default"]
        assert "AWS warns of Default: 'pipelineLogUri'is missing" in logged()

    def test_faults_known_before_the_call_are_never_sent(self, aws: AwsJobs) -> None:
        with pytest.raises(AirflowFailException, match=r"has 2 faults and was not sent"):
            put("df-1", definition={"objects": [{"id": "A", "k": "", "r": {"ref": "B"}}]}).run()
        assert aws.calls("datapipeline") == {}

    def test_what_aws_stores_but_will_not_activate_fails_with_every_error(
        self, hook: DataPipelineHook
    ) -> None:
        pipeline_id = hook.create_pipeline("load", "1")
        definition = {"objects": [DEFAULT, {"id": "A", "k": "v"}, {"id": "B", "k": "v"}]}
        with pytest.raises(AirflowFailException) as caught:
            put(pipeline_id, definition=definition).run()
        assert re.search(
            r"stored .* cannot be activated.*\n  A\n    - 'type' is missing\n  B\n    - 'type' is missing",
            str(caught.value),
        )

    def test_what_aws_calls_fatal_is_told_in_words(
        self, hook: DataPipelineHook, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(PipelineDefinition, "check", lambda _: None)
        pipeline_id = hook.create_pipeline("load", "1")
        definition = PipelineDefinition.from_file({"objects": [{**DEFAULT, "workerGroup": ""}]})
        with pytest.raises(
            JobInputError, match=r"FATAL errors.*These are:\n  Default\n    - 'workerGroup' is"
        ):
            hook.put_definition(pipeline_id, definition)

    def test_the_apis_own_form(self, hook: DataPipelineHook) -> None:
        read = PipelineDefinition.from_file(
            {**on_demand(A={}), "parameters": [{"id": "myX"}], "values": {"myX": "1"}}
        )
        pipeline_id = hook.create_pipeline("load", "1")
        put(
            pipeline_id,
            pipeline_objects=read.objects,
            parameter_objects=read.parameters,
            parameter_values=[{"id": "myX", "stringValue": "2"}],
        ).run()
        assert hook.get_definition(pipeline_id)["values"] == {"myX": "2"}
        put(pipeline_id, definition=read.to_file(), parameter_values={"myX": [3, 4]}).run()
        assert hook.get_definition(pipeline_id)["values"] == {"myX": ["3", "4"]}

    @pytest.mark.parametrize("given", [{}, {"definition": {}, "pipeline_objects": []}])
    def test_one_form_has_to_be_given(self, given: dict[str, Any]) -> None:
        with pytest.raises(JobInputError, match="either definition or pipeline_objects"):
            put("df-1", **given).run()

    def test_an_unknown_pipeline(self, aws: AwsJobs) -> None:
        with pytest.raises(JobNotFoundError, match=r"PipelineNotFound.*Check the pipeline's id"):
            put("df-1", definition=on_demand(A={})).run()

    def test_a_file_beside_the_dag_is_a_template_and_so_is_all_text(
        self, hook: DataPipelineHook, tmp_path: Path
    ) -> None:
        (tmp_path / "daily.json").write_text(
            json.dumps({"objects": [DEFAULT, {"id": "A", **STEP, "day": "{{ ds }}", "c": "#{myX}"}]})
        )
        with DAG("orders", template_searchpath=str(tmp_path)):
            operator = DataPipelinePutPipelineDefinitionOperator(
                task_id="put", pipeline_id="df-1", definition="daily.json"
            )
        operator.resolve_template_files()
        operator.render_template_fields({"ds": "2026-01-31"})
        assert json.loads(str(operator.definition))["objects"][1]["day"] == "2026-01-31"

    def test_a_text_in_a_dictionary_is_never_a_file(self) -> None:
        operator = DataPipelinePutPipelineDefinitionOperator(
            task_id="put",
            pipeline_id="df-1",
            definition={"objects": [{"id": "A", "path": "s3://bucket/{{ ds }}/config.json"}]},
        )
        operator.render_template_fields({"ds": "2026-01-31"})
        assert operator.definition == {"objects": [{"id": "A", "path": "s3://bucket/2026-01-31/config.json"}]}
        assert operator.template_ext == (".json",)


class TestActivate:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"pipeline_id": "df 1"}, "neither a pipeline's id"),
            ({"pipeline_id": "df-1@2026-01-01T00:00:00"}, "is not a pipeline's id"),
            ({"pipeline_id": None}, "is not a pipeline's id"),
            ({"parameter_values": "x"}, "must be a dictionary or a list"),
            ({"parameter_values": {"myX": None}}, "'myX' is null, which is no text"),
            ({"start_timestamp": "yesterday"}, "start_timestamp='yesterday' is not a time"),
            ({"wait_until": datetime(2026, 1, 1)}, "has no time zone"),
            ({"wait_until": ""}, "no data interval.*Pass wait_until"),
        ],
    )
    @pytest.mark.parametrize("deferrable", [False, True])
    def test_bad_input(self, aws: AwsJobs, given: dict[str, Any], message: str, deferrable: bool) -> None:
        with pytest.raises(AirflowFailException, match=message):
            activate(**{"pipeline_id": "df-1", **given}, deferrable=deferrable).run()
        assert aws.calls("datapipeline") == {}

    @pytest.mark.parametrize(
        ("definition", "given", "message"),
        [
            (on_demand(A={}), {"start_timestamp": NOW}, "start_timestamp is given, but .* runs on demand"),
            (on_demand(A={}), {"wait_until": NOW}, "wait_until is given, but .* runs on demand"),
            (
                on_schedule(startAt="FIRST_ACTIVATION_DATE_TIME"),
                {},
                "never ends: schedule Hourly has neither",
            ),
            (
                on_schedule(startDateTime=stamp(timedelta(days=-3)), occurrences="2"),
                {},
                "earlier than 1 day.*Give start_timestamp",
            ),
            (on_demand(A={}), {"parameter_values": {"myX": 1}}, "parameter that does not exist"),
        ],
    )
    def test_input_that_does_not_fit_the_definition(
        self, aws: AwsJobs, pipeline: Callable[..., str], definition: Any, given: Any, message: str
    ) -> None:
        with pytest.raises(AirflowFailException, match=message):
            activate(pipeline(definition), **given).run()
        assert aws.jobs("datapipeline") == []

    def test_the_result(self, aws: AwsJobs, pipeline: Callable[..., str]) -> None:
        definition = {**on_demand(A={}), "parameters": [{"id": "myDay"}]}
        pipeline_id = pipeline(definition)
        result = activate(pipeline_id, parameter_values={"myDay": "2026-01-31"}).run()
        assert result == {
            "pipeline_id": pipeline_id,
            "activation_time": result["activation_time"],
            "until": None,
            "state": "FINISHED",
            "instances": {"FINISHED": 1},
            "instances_done": 1,
            "instances_total": 1,
        }
        assert datetime.fromisoformat(result["activation_time"]).tzinfo is not None
        assert aws.jobs("datapipeline")[0]["parameters"] == {"myDay": "2026-01-31"}

    def test_progress_is_instances_done_of_all(
        self, aws: AwsJobs, pipeline: Callable[..., str], logged: Callable[[], str]
    ) -> None:
        aws.set_pace(reads=12)
        activate(pipeline()).run()
        assert "SCHEDULED, 50%, 1 of 2 instances done" in logged()

    def test_a_failure_names_the_objects_their_errors_and_the_source_of_a_cascade(
        self, aws: AwsJobs, pipeline: Callable[..., str]
    ) -> None:
        cascade = {"failureAndRerunMode": "cascade"}
        pipeline_id = pipeline(on_demand(A=cascade, B={"dependsOn": {"ref": "A"}, **cascade}))
        aws.fail_next("datapipeline", "the disk is full", at=0.25)
        with pytest.raises(JobFailedError) as caught:
            activate(pipeline_id).run()
        assert re.search(
            rf"Activation {pipeline_id}@\S+ ended FAILED: @A_\S+ is FAILED: the disk is full "
            r"\(ActivityFailed:SystemException\); @B_\S+ is CASCADE_FAILED, because @A_\S+ failed\. ",
            str(caught.value),
        )

    def test_what_waits_for_ever_ends_the_wait_and_a_retry_activates_again(
        self, aws: AwsJobs, pipeline: Callable[..., str], client: Any
    ) -> None:
        """Without a cascade dependents stay WAITING_ON_DEPENDENCIES, and the pipeline SCHEDULED."""
        pipeline_id = pipeline(
            on_demand(A={}, B={"dependsOn": {"ref": "A"}}, C={"dependsOn": {"ref": "B"}}, D={})
        )
        aws.fail_next("datapipeline", "the disk is full", at=0.1)
        task = activate(pipeline_id)
        with pytest.raises(JobFailedError) as caught:
            task.run()
        assert re.search(
            r"@A_\S+ is FAILED: the disk is full .*@B_\S+ waits for ever for @A_\S+, which ended without "
            r"success; @C_\S+ waits for ever for @B_.*stays SCHEDULED.*failureAndRerunMode",
            str(caught.value),
        )
        task.run()
        assert [job["state"] for job in aws.jobs("datapipeline")][-1] == "FINISHED"

    def test_one_that_failed_attempts_but_not_all_has_succeeded(
        self, aws: AwsJobs, pipeline: Callable[..., str]
    ) -> None:
        aws.set_quota("datapipeline-failed-attempts", 1)
        assert activate(pipeline(on_demand(A={"maximumRetries": 1}))).run()["state"] == "FINISHED"

    def test_another_task_s_run_on_demand_is_waited_for(
        self, aws: AwsJobs, pipeline: Callable[..., str], client: Any, logged: Callable[[], str]
    ) -> None:
        pipeline_id = pipeline()
        aws.set_pace(seconds=3)
        client.activate_pipeline(pipelineId=pipeline_id)
        aws.set_pace(reads=2)
        activate(pipeline_id, poll_interval=0.1).run()
        assert [job["state"] for job in aws.jobs("datapipeline")] == ["FINISHED"] * 2
        assert aws.max_active("datapipeline") == 1
        assert "to activate it now would cancel that. Waiting in line." in logged()

    @pytest.mark.parametrize("kind", ["throttle", "expired-token", "access-denied"])
    def test_a_refused_activation_is_not_taken_for_another_task_s(
        self, aws: AwsJobs, pipeline: Callable[..., str], client: Any, kind: Any
    ) -> None:
        pipeline_id = pipeline()
        task = activate(pipeline_id, botocore_config={"retries": {"total_max_attempts": 1}})
        aws.add_fault(Fault("ActivatePipeline", kind))
        with pytest.raises(JobApiError):
            task.run()
        aws.set_pace(seconds=0)
        client.activate_pipeline(pipelineId=pipeline_id)
        task.run()
        assert len(aws.jobs("datapipeline")) == 2

    def test_a_failure_of_an_earlier_generation_is_no_news(
        self, aws: AwsJobs, pipeline: Callable[..., str]
    ) -> None:
        """A lost answer's activation is written down, and later ones are not taken for it."""
        task = activate(pipeline(), botocore_config={"retries": {"total_max_attempts": 1}})
        aws.add_fault(Fault("ActivatePipeline", "drop", when="after"))
        with pytest.raises(JobApiError):
            task.run()
        first = task.run()
        task.clear()
        second = task.run()
        assert task.run() == second != first
        assert len(aws.jobs("datapipeline")) == 2
        assert "DeactivatePipeline" not in aws.calls("datapipeline")

    def test_an_activation_that_a_person_replaced_has_failed(
        self, aws: AwsJobs, pipeline: Callable[..., str], client: Any, hook: DataPipelineHook
    ) -> None:
        aws.set_pace()
        pipeline_id = pipeline()
        activate(pipeline_id, wait_for_completion=False).run()
        client.activate_pipeline(pipelineId=pipeline_id)
        first = hook.describe_job(aws.jobs("datapipeline")[0]["id"])
        assert (first.state, first.service_state) == (JobState.CANCELLED, "CANCELED")
        assert "the pipeline was activated again at" in str(first.reason)
        assert not hook.stop_job(first.job_id)
        assert "DeactivatePipeline" not in aws.calls("datapipeline")

    def test_a_kill_waits_a_little_until_the_pipeline_is_inactive(
        self, aws: AwsJobs, pipeline: Callable[..., str], hook: DataPipelineHook
    ) -> None:
        aws.set_pace(reads=1000)
        pipeline_id = pipeline()
        activate(pipeline_id, wait_for_completion=False).run()
        assert hook.stop_job(aws.jobs("datapipeline")[0]["id"])
        assert aws.jobs("datapipeline")[0]["state"] == "INACTIVE"


class TestSchedules:
    def test_the_end_of_a_schedule(self, aws: AwsJobs, pipeline: Callable[..., str]) -> None:
        pipeline_id = pipeline(on_schedule(startDateTime=stamp(timedelta(hours=-3)), occurrences="3"))
        aws.set_pace(reads=12)
        result = activate(pipeline_id).run()
        assert result["instances"] == {"FINISHED": 3}

    def test_up_to_a_time(self, aws: AwsJobs, pipeline: Callable[..., str]) -> None:
        """The wait is over when all before the time have ended, though the schedule goes on."""
        start = timedelta(hours=-4)
        pipeline_id = pipeline(on_schedule(startDateTime=stamp(start)))
        until = NOW - timedelta(hours=2)
        result = activate(pipeline_id, wait_until=until).run()
        assert result["until"] == until.isoformat()
        assert result["instances"] == {"FINISHED": 2}

    def test_a_failure_after_the_time_is_none(
        self, aws: AwsJobs, pipeline: Callable[..., str], hook: DataPipelineHook
    ) -> None:
        aws.set_pace()
        pipeline_id = pipeline(on_schedule(startDateTime=stamp(timedelta(hours=-4)), occurrences="4"))
        activate(pipeline_id, wait_for_completion=False).run()
        aws.fail(pipeline_id, "too late to matter", at=0.8)
        aws.advance(pipeline_id)
        (job,) = aws.jobs("datapipeline")
        assert hook.describe_job(f"{job['id']}..{stamp(timedelta(hours=-1))}").state is JobState.SUCCEEDED
        assert hook.describe_job(job["id"]).state is JobState.FAILED

    def test_start_timestamp_skips_what_was_before(self, aws: AwsJobs, pipeline: Callable[..., str]) -> None:
        pipeline_id = pipeline(on_schedule(startDateTime=stamp(timedelta(days=-3)), occurrences="73"))
        result = activate(pipeline_id, start_timestamp=NOW - timedelta(hours=2)).run()
        assert result["instances"] == {"FINISHED": 3}


class TestDeactivateAndDelete:
    def deactivate(self, pipeline_id: str, **kwargs: Any) -> OneTask:
        given = {"pipeline_id": pipeline_id, "poll_interval": 0.02, **AWS, **kwargs}
        return OneTask(lambda: DataPipelineDeactivatePipelineOperator(task_id="deactivate", **given))

    @pytest.mark.parametrize("deferrable", [False, True])
    def test_what_runs_is_cancelled(
        self, aws: AwsJobs, pipeline: Callable[..., str], deferrable: bool
    ) -> None:
        aws.set_pace(reads=50)
        pipeline_id = pipeline()
        activate(pipeline_id, wait_for_completion=False).run()
        result = self.deactivate(pipeline_id, deferrable=deferrable).run()
        assert result == {"pipeline_id": pipeline_id, "state": "INACTIVE"}
        assert set(aws.jobs("datapipeline")[0]["instances"].values()) == {"CANCELED"}

    def test_or_goes_on_to_its_end(self, aws: AwsJobs, pipeline: Callable[..., str]) -> None:
        aws.set_pace(seconds=0.5)
        pipeline_id = pipeline(on_demand(A={}))
        activate(pipeline_id, wait_for_completion=False).run()
        result = self.deactivate(pipeline_id, cancel_active=False).run()
        assert result["state"] == "INACTIVE"
        assert list(aws.jobs("datapipeline")[0]["instances"].values()) == ["FINISHED"]

    def test_one_that_is_not_active_is_as_good(self, aws: AwsJobs, pipeline: Callable[..., str]) -> None:
        assert self.deactivate(pipeline()).run()["state"] == "PENDING"
        assert "DeactivatePipeline" not in aws.calls("datapipeline")

    def test_delete_and_delete_again(self, hook: DataPipelineHook, pipeline: Callable[..., str]) -> None:
        pipeline_id = pipeline()
        delete = OneTask(
            lambda: DataPipelineDeletePipelineOperator(task_id="delete", pipeline_id=pipeline_id, **AWS)
        )
        delete.run()
        delete.run()
        assert hook.list_pipelines() == {}
        with pytest.raises(JobNotFoundError, match=r"PipelineDeleted.*create another pipeline"):
            hook.describe_job(pipeline_id)


class TestSensor:
    def wait(self, pipeline_id: str, **kwargs: Any) -> OneTask:
        given = {"pipeline_id": pipeline_id, "poke_interval": 0.02, **AWS, **kwargs}
        return OneTask(lambda: DataPipelineSensor(task_id="wait", **given))

    def test_the_latest_activation_is_the_default(
        self, aws: AwsJobs, pipeline: Callable[..., str], client: Any
    ) -> None:
        pipeline_id = pipeline()
        aws.fail_next("datapipeline", "out of luck")
        with pytest.raises(JobFailedError):
            activate(pipeline_id).run()
        with pytest.raises(JobEndedError, match="out of luck"):
            self.wait(pipeline_id).run()
        client.activate_pipeline(pipelineId=pipeline_id)
        assert self.wait(pipeline_id).run()["state"] == "FINISHED"

    def test_up_to_a_time(self, aws: AwsJobs, pipeline: Callable[..., str], client: Any) -> None:
        pipeline_id = pipeline(on_schedule(startDateTime=stamp(timedelta(hours=-4))))
        client.activate_pipeline(pipelineId=pipeline_id)
        assert self.wait(pipeline_id, wait_until=NOW - timedelta(hours=1)).run()["instances"] == {
            "FINISHED": 3
        }

    def test_bad_input(self, aws: AwsJobs) -> None:
        with pytest.raises(JobInputError, match="is not a pipeline's id"):
            self.wait("df-1@latest").run()


class TestManyPipelines:
    def test_one_that_is_gone_does_not_spoil_the_look_at_the_others(
        self, aws: AwsJobs, hook: DataPipelineHook, pipeline: Callable[..., str]
    ) -> None:
        ids = [pipeline(on_demand(A={})) for _ in range(27)]
        for pipeline_id in ids[5], ids[26]:
            hook.delete_pipeline(pipeline_id)
        found = hook.describe_jobs(ids)
        gone = [pipeline_id for pipeline_id in ids if isinstance(found[pipeline_id], JobNotFoundError)]
        assert gone == [ids[5], ids[26]]

    def test_only_those_that_moved_or_are_due_are_asked_for_their_instances(
        self, aws: AwsJobs, hook: DataPipelineHook, pipeline: Callable[..., str], client: Any
    ) -> None:
        aws.set_pace()
        ids = [pipeline(on_demand(A={})) for _ in range(50)]
        for pipeline_id in ids:
            client.activate_pipeline(pipelineId=pipeline_id)
        jobs = [job["id"] for job in aws.jobs("datapipeline")]

        def look() -> tuple[dict[str, Any], dict[str, int]]:
            before = aws.calls("datapipeline")
            found = hook.describe_jobs(jobs)
            after = aws.calls("datapipeline")
            return found, {
                name: after.get(name, 0) - before.get(name, 0)
                for name in ("DescribePipelines", "QueryObjects", "DescribeObjects")
            }

        assert look()[1] == {"DescribePipelines": 2, "QueryObjects": 60, "DescribeObjects": 20}
        for _ in range(2):
            look()
        # All are known by now, and only what they still run is asked for.
        assert look()[1] == {"DescribePipelines": 2, "QueryObjects": 0, "DescribeObjects": 50}
        aws.advance(jobs[33])
        found, calls = look()
        assert calls == {"DescribePipelines": 2, "QueryObjects": 2, "DescribeObjects": 50}
        assert [job for job in jobs if found[job].state.ended] == [jobs[33]]
