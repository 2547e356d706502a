# SPDX-License-Identifier: Apache-2.0

"""The simulated AWS beside moto's own mock: within it, configured like it, and reset with it."""

from __future__ import annotations

import time
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws
from moto.core.config import default_user_config
from moto.core.exceptions import ServiceNotWhitelisted
from testing.conftest import Cloud

from airflow_provider_jobs.testing import AwsJobs, Fault, UnmetFaultError, mock_aws_jobs
from airflow_provider_jobs.testing.control import CONTROL


def archives() -> list[str]:
    found = boto3.client("events", "us-east-1").list_archives()["Archives"]
    return [archive["ArchiveName"] for archive in found]


def make_archive(name: str = "orders") -> None:
    events = boto3.client("events", "us-east-1")
    events.create_archive(ArchiveName=name, EventSourceArn=events.describe_event_bus()["Arn"])


def buckets() -> list[str]:
    return [bucket["Name"] for bucket in boto3.client("s3", "us-east-1").list_buckets()["Buckets"]]


def make_bucket(name: str) -> None:
    boto3.client("s3", "us-east-1").create_bucket(Bucket=name)


def test_within_mock_aws_a_block_has_its_own_aws() -> None:
    with mock_aws():
        make_bucket("outer")
        make_archive("outer")
        for _ in range(2):
            with mock_aws_jobs():
                assert buckets() == []
                make_bucket("inner")
                make_archive()
                with mock_aws():
                    assert (buckets(), archives()) == (["inner"], ["orders"])
        assert (buckets(), archives()) == (["outer"], ["outer"])
    with mock_aws():
        assert buckets() == []


def test_a_mock_aws_that_ends_first_brings_nothing_back() -> None:
    outer, inner = mock_aws(), mock_aws_jobs()
    outer.start()
    make_bucket("outer")
    inner.__enter__()
    outer.stop()
    inner.__exit__(None, None, None)
    with mock_aws():
        assert buckets() == []


def test_the_first_example_of_the_guide_runs_twice_within_mock_aws(pytester: pytest.Pytester) -> None:
    guide = (Path(__file__).parents[3] / "docs" / "testing.md").read_text()
    example = guide.split("```python\n")[1].split("```")[0]
    assert "def test_it" in example
    again = example[example.index("def test_it") :].replace("test_it", "test_it_again")
    outer = "import pytest\nfrom moto import mock_aws\n\n@pytest.fixture(autouse=True, scope='session')\n"
    outer += "def outer():\n    with mock_aws():\n        yield\n"
    pytester.makeconftest(outer)
    pytester.makepyfile(f"{example}\n\n{again}")
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


@mock_aws_jobs(reads=1)
class TestClass:
    @pytest.fixture
    def archive(self) -> str:
        make_archive()
        return "orders"

    def setup_method(self) -> None:
        make_bucket("mine")

    def teardown_method(self) -> None:
        assert buckets()[0] == "mine"

    def test_one(self, aws: AwsJobs, archive: str) -> None:
        assert (buckets(), archives()) == (["mine"], [archive])
        assert aws.calls("events")["ListArchives"] == 1
        make_bucket("more")

    @pytest.mark.parametrize("number", [1, 2])
    def test_other(self, number: int) -> None:
        assert (buckets(), archives()) == (["mine"], [])
        make_bucket("more")


@mock_aws_jobs()
class TestPlainClass:
    @pytest.fixture(autouse=True)
    def bucket(self) -> Iterator[None]:
        make_bucket("mine")
        yield
        assert buckets() == ["mine"]

    def test_fixtures_are_within(self) -> None:
        assert buckets() == ["mine"]


class Inherited:
    def test_inherited(self, aws: AwsJobs) -> None:
        assert aws.calls() == {}
        assert buckets() == []


@mock_aws_jobs()
class TestInherits(Inherited):
    def test_own(self) -> None:
        make_bucket("mine")
        assert buckets() == ["mine"]


def check_bucket() -> None:
    assert buckets() == ["mine"]


@mock_aws_jobs()
class TestCase(unittest.TestCase):
    def setUp(self) -> None:
        make_bucket("mine")
        self.addCleanup(check_bucket)

    def test_one(self) -> None:
        assert buckets() == ["mine"]

    def test_two(self, aws: AwsJobs) -> None:
        assert buckets() == ["mine"]
        assert aws.calls() == {}


def test_pytest_finds_the_tests_of_a_decorated_class(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import unittest
        import pytest
        from airflow_provider_jobs.testing import Fault, mock_aws_jobs

        @mock_aws_jobs()
        class TestOne:
            def test_passes(self): pass
            def test_fails(self, aws):
                aws.add_fault(Fault("*", "throttle"))
                assert False
            def test_unmet(self, aws):
                aws.add_fault(Fault("*", "throttle"))

        @mock_aws_jobs()
        class TestBroken:
            def setup_method(self, method):
                raise ValueError
            def test_one(self): pass

        @mock_aws_jobs()
        class Cases(unittest.TestCase):
            def test_passes(self): pass
            def test_unmet(self, aws):
                aws.add_fault(Fault("*", "throttle"))
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    # The fault of the test that fails is no second error.
    result.assert_outcomes(passed=3, failed=2, errors=2)
    assert result.stdout.str().count("UnmetFaultError: ") == 2
    assert mock_aws_jobs._depth == 0


def test_a_whitelist_reaches_the_job_services() -> None:
    with mock_aws_jobs(config={"core": {"service_whitelist": ["events", "s3"]}}):
        make_archive()
        assert archives() == ["orders"]
        with pytest.raises(ServiceNotWhitelisted, match="Service datapipeline not whitelisted"):
            boto3.client("datapipeline", "us-east-1").list_pipelines()
        with pytest.raises(ServiceNotWhitelisted, match="Service sqs not"):
            boto3.client("sqs", "us-east-1").list_queues()


def passed_through(service: Any) -> None:
    address = f"https://{service}.us-east-1.amazonaws.com"
    client: Any = boto3.client(service, "us-east-1", endpoint_url=address)

    def no_network(request: object, **_: object) -> None:
        raise EndpointConnectionError(endpoint_url=str(request))

    client.meta.events.register_last("before-send", no_network)
    with pytest.raises(EndpointConnectionError):
        client.list_archives() if service == "events" else client.list_pipelines()


@pytest.mark.parametrize("service", ["events", "datapipeline"])
def test_calls_that_are_passed_through_are_not_mocked(service: str) -> None:
    with mock_aws_jobs(config={"core": {"passthrough": {"services": [service]}}}) as aws:
        passed_through(service)
        assert aws.calls() == {}
        make_bucket("mine")
    address = rf"https://{service}\.us-east-1\.amazonaws\.com"
    with mock_aws_jobs(config={"core": {"passthrough": {"urls": [address]}}}) as aws:
        passed_through(service)
        assert aws.calls() == {}


def test_a_configuration_ends_with_its_block() -> None:
    before = dict(default_user_config)
    with mock_aws():
        with mock_aws_jobs(config={"core": {"service_whitelist": ["events"]}}):
            assert default_user_config != before
        assert default_user_config == before
        assert buckets() == []
        # Also that of a plain mock_aws within.
        with (
            mock_aws_jobs(),
            mock_aws(config={"core": {"service_whitelist": ["s3"]}}),
            pytest.raises(ServiceNotWhitelisted, match="Service events not"),
        ):
            archives()
    assert default_user_config == before


def replayed(cloud: Cloud) -> None:
    cloud.archive()
    cloud.rule("shop")
    cloud.put(1, 2, 3)
    cloud.start()


def reset_moto(cloud: Cloud) -> None:
    url = cloud.endpoint_url or "http://motoapi.amazonaws.com"
    assert requests.post(f"{url}/moto-api/reset", timeout=60).json() == {"status": "ok"}


def test_moto_s_own_reset_ends_the_jobs(cloud: Cloud) -> None:
    cloud.aws.set_pace()
    replayed(cloud)
    assert cloud.received("shop") != []
    assert [job["id"] for job in cloud.aws.jobs("events")] == ["replay"]
    reset_moto(cloud)
    assert cloud.aws.jobs("events") == []
    cloud.sqs.create_queue(QueueName="shop")
    with pytest.raises(ValueError, match="No job 'replay'"):
        cloud.aws.advance("replay")
    assert cloud.received("shop") == []
    with pytest.raises(ClientError, match="Replay replay does not exist"):
        cloud.describe()


def test_moto_s_own_reset_leaves_the_settings(cloud: Cloud) -> None:
    cloud.aws.set_pace(reads=1)
    cloud.aws.add_fault(Fault("ListReplays", "throttle"))
    replayed(cloud)
    reset_moto(cloud)
    with pytest.raises(ClientError, match="Throttling"):
        cloud.events.list_replays()
    replayed(cloud)
    assert cloud.state() == "COMPLETED"


def test_a_job_that_takes_no_time_ends_with_the_call_that_starts_it(cloud: Cloud) -> None:
    cloud.aws.set_pace("events", seconds=0)
    cloud.archive()
    cloud.put(1, 2, 3)
    cloud.rule("shop")
    cloud.start()
    assert sorted(cloud.minutes("shop")) == [1, 2, 3]


def test_any_call_brings_jobs_up_to_date(cloud: Cloud) -> None:
    """In process too: no call goes to EventBridge, or to the control object."""
    cloud.aws.set_pace("events", seconds=0.05)
    cloud.archive()
    cloud.put(1, 2, 3)
    cloud.rule("shop")
    cloud.start()
    url = cloud.sqs.get_queue_url(QueueName="shop")["QueueUrl"]
    deadline = time.monotonic() + 30
    while not cloud.sqs.receive_message(QueueUrl=url).get("Messages"):
        assert time.monotonic() < deadline


@pytest.mark.parametrize("service", ["events", "datapipeline", "lookoutequipment"])
def test_a_region_that_a_service_lacks(cloud: Cloud, service: str) -> None:
    client = cloud.client(service, region="mars-north-1", attempts=5)
    operation = {"events": "list_replays", "datapipeline": "list_pipelines"}.get(service, "list_datasets")
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)()
    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["RetryAttempts"]) == ("NotImplemented", 0)
    words = f"The mocked {service} does not have the Region mars-north-1."
    assert answer["Error"]["Message"].startswith(words)


def test_unmet_faults_of_an_inner_block_are_the_outermost_one_s() -> None:
    with pytest.raises(UnmetFaultError), mock_aws(), mock_aws_jobs() as aws:
        aws.add_fault(Fault("*", "throttle"))
    assert CONTROL.unmet_faults() == []
