# SPDX-License-Identifier: Apache-2.0

"""What is particular to Lookout for Equipment's ingestion jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException
from job_cases import AWS, REGION
from one_task import OneTask
from sensor_data import ONE_CALL, PATTERN, ROLE, SERVICE, api, ingest, plant, start

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobFailedError,
    JobInputError,
    JobNotFoundError,
    JobUnavailableError,
)
from airflow_provider_jobs.hooks.lookout_equipment import IngestionRequest, LookoutEquipmentHook
from airflow_provider_jobs.operators.lookout_equipment import LookoutEquipmentStartDataIngestionJobOperator
from airflow_provider_jobs.sensors.lookout_equipment import LookoutEquipmentDataIngestionJobSensor
from airflow_provider_jobs.testing import AwsJobs, Fault


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with plant() as control:
        yield control


@pytest.fixture
def hook(aws: AwsJobs) -> LookoutEquipmentHook:
    return LookoutEquipmentHook(aws_conn_id=None, region_name=REGION)


@pytest.mark.promise("bad-input")
class TestBadInput:
    """A clear error before any call, and none that Airflow would retry."""

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"dataset_name": "water pumps"}, "dataset_name='water pumps' must be 1 to 200 letters"),
            ({"dataset_name": "x" * 201}, "must be 1 to 200 letters, digits, - and _"),
            ({"dataset_name": "pumps\n"}, "must be 1 to 200 letters"),
            ({"dataset_name": None}, "dataset_name is missing"),
            ({"role_arn": "sensor-reader"}, r"must be a role's ARN \(arn:aws:iam::ACCOUNT:role/NAME\)"),
            ({"role_arn": "arn:aws:iam::123456789012:user/me"}, "must be a role's ARN"),
            ({"role_arn": "arn:aws:iam::1234:role/me"}, "must be a role's ARN"),
            ({"bucket": "Plant"}, "bucket='Plant' must be an S3 bucket's name"),
            ({"bucket": "s3://plant"}, "must be an S3 bucket's name"),
            ({"bucket": "pl"}, "must be an S3 bucket's name"),
            ({"prefix": "2026"}, "prefix='2026' must be empty, or end with a slash"),
            ({"prefix": "x" * 1024 + "/"}, "1,024 characters at the most"),
            ({"key_pattern": ""}, "must name the files below the prefix"),
            ({"key_pattern": "{prefix}/pump/*"}, "contain {component_name}"),
            ({"key_pattern": "{component_name}/*"}, "must name the files below the prefix"),
            ({"key_pattern": "2025/{component_name}/*"}, "must name the files below the prefix"),
            ({"key_pattern": PATTERN + "x" * 2048}, "must name the files below the prefix"),
            ({"client_token": ""}, "client_token='' must be 1 to 240 printable ASCII"),
            ({"client_token": "pümps"}, "printable ASCII"),
            ({"client_token": "x" * 241}, "1 to 240"),
            ({"botocore_config": {"retries": object()}}, "cannot be sent to the triggerer"),
        ],
    )
    @pytest.mark.parametrize("deferrable", [False, True])
    def test_of_the_ingestion(
        self, aws: AwsJobs, given: dict[str, Any], message: str, deferrable: bool
    ) -> None:
        before = aws.calls()
        with pytest.raises(JobInputError, match=message) as caught:
            ingest(deferrable=deferrable, **given).run()
        assert isinstance(caught.value, AirflowFailException)
        assert aws.calls() == before

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"max_discarded_files": -1}, "max_discarded_files must be a whole number and not negative"),
            ({"data_quality": {"missing_values": -1}}, "missing_values must be a whole number and not"),
            ({"data_quality": {"missing_values": "1"}}, "missing_values must be a whole number"),
            ({"data_quality": {"bad_values": 1}}, "bad_values cannot be limited; .*missing_values.* can"),
            ({"max_discarded_files": 0, "wait_for_completion": False}, "need wait_for_completion"),
            ({"data_quality": {"missing_values": 1}, "wait_for_completion": False}, "known only at the job"),
            ({"poll_interval": 0}, "poll_interval=0 must be a positive number"),
        ],
    )
    def test_that_shows_when_the_dag_is_read(self, given: dict[str, Any], message: str) -> None:
        with pytest.raises(JobInputError, match=message):
            ingest(**given).make()

    @pytest.mark.parametrize("job_id", ["", "no-such-job", "a" * 33])
    @pytest.mark.parametrize("deferrable", [False, True])
    def test_of_the_sensor(self, aws: AwsJobs, job_id: Any, deferrable: bool) -> None:
        sensor = OneTask(
            lambda: LookoutEquipmentDataIngestionJobSensor(
                task_id="wait", job_id=job_id, deferrable=deferrable, **AWS
            )
        )
        with pytest.raises(JobInputError, match=f"job_id={job_id!r} is no id of a job"):
            sensor.run()
        assert "DescribeDataIngestionJob" not in aws.calls(SERVICE)

    def test_a_role_of_another_partition_and_no_prefix_are_good(self, aws: AwsJobs) -> None:
        role = ROLE.replace("arn:aws:", "arn:aws-us-gov:")
        result = ingest(role_arn=role, prefix=None, key_pattern="{prefix}/{component_name}/*").run()
        assert result["input"] == {"Bucket": "plant", "KeyPattern": PATTERN}


class TestRefusals:
    """AWS's own message, and what to check."""

    def test_of_a_missing_dataset(self, aws: AwsJobs) -> None:
        with pytest.raises(
            JobNotFoundError,
            match=r"Dataset none does not exist \(ResourceNotFoundException\)\. "
            r"Check the name or id, the Region and the",
        ):
            ingest(dataset_name="none").run()

    def test_of_a_missing_bucket(self, aws: AwsJobs) -> None:
        with pytest.raises(
            JobInputError,
            match=r"Bucket gone does not exist \(ValidationException\)\. "
            r"Check the bucket's name, and",
        ):
            ingest(bucket="gone").run()
        assert aws.jobs(SERVICE) == []

    def test_of_a_first_ingestion_without_a_pattern(self, aws: AwsJobs) -> None:
        with pytest.raises(
            JobInputError,
            match=r"first time \(ValidationException\)\. "
            r"A dataset's first ingestion needs key_pattern",
        ):
            ingest(key_pattern=None).run()

    def test_of_access(self, aws: AwsJobs) -> None:
        aws.add_fault(Fault("StartDataIngestionJob", "access-denied"))
        with pytest.raises(JobApiError, match="allows lookoutequipment:StartDataIngestionJob"):
            ingest().run()

    def test_of_data_that_cannot_be_read(self, aws: AwsJobs) -> None:
        with pytest.raises(JobFailedError, match=r"ended FAILED: No files .* the key pattern\. A retry"):
            ingest(prefix="2027/").run()


class TestRetired:
    """AWS retired the service."""

    @pytest.mark.parametrize("deferrable", [False, True])
    def test_is_said_once_a_task(self, aws: AwsJobs, deferrable: bool, logged: Callable[[], str]) -> None:
        job_id = ingest(deferrable=deferrable).run()["job_id"]
        warning = "AWS retired Amazon Lookout for Equipment on 2026-10-07."
        said = logged()
        assert said.count(warning) == 1
        assert "set endpoint_url in connection None" in said

        OneTask(
            lambda: LookoutEquipmentDataIngestionJobSensor(
                task_id="wait", job_id=job_id, deferrable=deferrable, poke_interval=0.02, **AWS
            )
        ).run()
        assert logged().count(warning) == 1

    def test_explains_that_nobody_answers_at_awss_own_endpoint(
        self, nobody_answers: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(
            JobApiError, match=r"Could not connect .*AWS retired .* on 2026-10-07\."
        ) as caught:
            ingest(botocore_config=ONE_CALL).run()
        assert not isinstance(caught.value, JobUnavailableError)

    def test_does_not_explain_what_happens_at_another_endpoint(
        self, nobody_answers: pytest.MonkeyPatch
    ) -> None:
        nobody_answers.setenv("AWS_ENDPOINT_URL_LOOKOUTEQUIPMENT", "http://127.0.0.1:1")
        with pytest.raises(JobApiError, match="Could not connect") as caught:
            ingest(botocore_config=ONE_CALL).run()
        assert "AWS retired" not in str(caught.value)
        assert isinstance(caught.value, JobUnavailableError)

    @pytest.fixture
    def nobody_answers(self, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
        """A network where names resolve to nothing, as those of an endpoint that was taken down."""
        import socket

        look_up = socket.getaddrinfo

        def unknown(host: Any, *args: Any, **kwargs: Any) -> Any:
            if str(host).endswith("amazonaws.com"):
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return look_up(host, *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.delenv(name, raising=False)
        return monkeypatch


class TestHook:
    """The hook by itself."""

    def test_keeps_datasets(self, aws: AwsJobs, hook: LookoutEquipmentHook) -> None:
        columns = [{"Name": "time", "Type": "DATETIME"}, {"Name": "speed", "Type": "DOUBLE"}]
        schema = {"Components": [{"ComponentName": "fan", "Columns": columns}]}
        created = hook.create_dataset("fans", schema, Tags=[{"Key": "plant", "Value": "north"}])
        assert created["Status"] == "CREATED"
        described = hook.describe_dataset("fans")
        assert described["DatasetArn"] == created["DatasetArn"]
        assert '"fan"' in described["Schema"]
        hook.delete_dataset("fans")
        with pytest.raises(JobNotFoundError, match="Dataset fans does not exist"):
            hook.describe_dataset("fans")
        assert hook.create_dataset("fans")["DatasetArn"] != created["DatasetArn"]

    def test_does_not_take_another_dataset_for_a_new_one(
        self, aws: AwsJobs, hook: LookoutEquipmentHook
    ) -> None:
        with pytest.raises(JobApiError, match="Dataset pumps already exists") as caught:
            hook.create_dataset("pumps")
        assert caught.value.code == "ConflictException"

    def test_does_not_delete_a_dataset_in_use(self, aws: AwsJobs, hook: LookoutEquipmentHook) -> None:
        start("one")
        with pytest.raises(JobApiError, match="in use") as caught:
            hook.delete_dataset("pumps")
        assert caught.value.code == "ConflictException"

    def test_lists_all_pages(self, aws: AwsJobs, hook: LookoutEquipmentHook) -> None:
        aws.set_pace(seconds=0)
        for number in range(505):
            start(str(number))
        before = aws.calls(SERVICE).get("ListDataIngestionJobs", 0)
        assert len(hook.list_ingestions("pumps")) == 505
        assert aws.calls(SERVICE)["ListDataIngestionJobs"] - before == 2
        assert hook.list_ingestions("pumps", "FAILED") == []

    def test_looks_at_many_with_few_calls(self, aws: AwsJobs, hook: LookoutEquipmentHook) -> None:
        aws.set_pace()
        aws.set_quota(SERVICE, 100)
        jobs = {}
        for number in range(40):
            hook.create_dataset(f"d{number}")
            answer = api().start_data_ingestion_job(
                DatasetName=f"d{number}",
                IngestionInputConfiguration={
                    "S3InputConfiguration": {"Bucket": "plant", "KeyPattern": PATTERN}
                },
                RoleArn=ROLE,
                ClientToken=str(number),
            )
            jobs[f"d{number}"] = answer["JobId"]
        aws.advance(jobs["d7"])
        before = aws.calls(SERVICE)
        found = hook.describe_jobs([*jobs.values(), "f" * 32])
        after = aws.calls(SERVICE)
        assert after["ListDataIngestionJobs"] - before.get("ListDataIngestionJobs", 0) == 2
        assert after["DescribeDataIngestionJob"] - before.get("DescribeDataIngestionJob", 0) == 2
        assert isinstance(found["f" * 32], JobNotFoundError)
        ended = [job_id for job_id, job in found.items() if getattr(job, "service_state", "") == "SUCCESS"]
        assert ended == [jobs["d7"]]
        assert hook.active_jobs(()) == {job: name for name, job in jobs.items() if name != "d7"}

    def test_cannot_stop_what_runs(self, aws: AwsJobs, hook: LookoutEquipmentHook) -> None:
        aws.set_pace()
        job_id = start("one")
        with pytest.raises(Exception, match=f"no call to stop an ingestion job. {job_id} goes on to its end"):
            hook.stop_job(job_id)
        aws.advance(job_id)
        assert hook.stop_job(job_id) is False
        assert hook.stop_job("f" * 32) is False


@pytest.mark.parametrize("native", [False, True])
def test_the_templates_render(native: bool) -> None:
    dag = DAG("plant", schedule=None, render_template_as_native_obj=native)
    operator = LookoutEquipmentStartDataIngestionJobOperator(
        task_id="ingest",
        dataset_name="{{ what }}",
        bucket="{{ what }}-files",
        role_arn=ROLE,
        prefix="{{ data_interval_start.strftime('%Y/%m/%d/%H') }}/",
        key_pattern=PATTERN,
        client_token="{{ what }}-{{ data_interval_start.strftime('%H') }}",
        dag=dag,
    )
    context: Any = {"what": "pumps", "data_interval_start": datetime(2026, 1, 1, 6, tzinfo=UTC)}
    operator.render_template_fields(context)
    request = operator.job_request(OneTask(lambda: operator).context(operator))
    assert request == IngestionRequest(
        dataset_name="pumps",
        role_arn=ROLE,
        bucket="pumps-files",
        prefix="2026/01/01/06/",
        key_pattern=PATTERN,
        client_token="pumps-06",
    )
