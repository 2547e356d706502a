# SPDX-License-Identifier: Apache-2.0

"""Activities that need something from outside the message, which a test gives; and all of them in a row."""

from __future__ import annotations

from typing import Any

import pytest
from testing.conftest import Cloud

from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs

from .sensors import ROLE, STRAIGHT, Sensors, error, hour, through

THING = {"thingName": "pump-1", "version": 1, "attributes": {"hall": "north"}}
SHADOW = {"state": {"reported": {"on": True}}, "version": 3}


@pytest.fixture
def sensors(cloud: Cloud) -> Sensors:
    cloud.aws.set_pace(seconds=0)
    return Sensors(cloud)


@pytest.fixture
def here() -> Any:
    """Where functions can be given: in this process."""
    with mock_aws_jobs(seconds=0) as aws:
        yield Sensors(Cloud(aws, None))


def reprocess(sensors: Sensors, activities: list[dict[str, Any]], *messages: dict[str, Any]) -> list[Any]:
    """What the data store has of the messages after a reprocessing; ``sensors.aws.jobs`` tells failures."""
    sensors.put(*messages)
    sensors.api.update_pipeline(pipelineName="cleaning", pipelineActivities=activities)
    return sensors.landed(sensors.start())


def failures(aws: AwsJobs) -> list[str]:
    (job,) = aws.jobs("iotanalytics")
    return list(job["failures"])


def lambda_(batch_size: int = 10) -> list[dict[str, Any]]:
    return through("lambda", lambdaName="clean", batchSize=batch_size)


class TestLambda:
    """Lambda functions, which are Python functions of the test."""

    def test_gets_batches_as_lambda_does(self, here: Sensors) -> None:
        batches: list[int] = []

        def handler(event: list[dict[str, Any]], context: Any) -> list[dict[str, Any]]:
            assert context is None
            batches.append(len(event))
            for message in event:
                message["heat"] *= 2
            return [message for message in event if message["heat"] < 8]

        here.aws.set_lambda("clean", handler)
        messages = [{"heat": number} for number in range(5)]
        assert reprocess(here, lambda_(2), *messages) == [{"heat": 0}, {"heat": 2}, {"heat": 4}, {"heat": 6}]
        assert batches == [2, 2, 1]
        # What the channel keeps is not changed by what the function does to its event.
        assert here.landed(here.start()) == [{"heat": 0}, {"heat": 2}, {"heat": 4}, {"heat": 6}]

    def test_a_later_function_is_for_pipelines_that_exist_too(self, here: Sensors) -> None:
        here.aws.set_lambda("clean", lambda event, context: event)
        here.api.update_pipeline(pipelineName="cleaning", pipelineActivities=lambda_())
        here.aws.set_lambda("clean", lambda event, context: [{"made": len(event)}])
        here.put({"a": 1}, {"a": 2})
        assert here.landed() == [{"made": 2}]

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            ({"a": 1}, "TypeError: It must return an array of JSON objects."),
            ([1], "TypeError: It must return an array of JSON objects."),
            (None, "TypeError: It must return an array of JSON objects."),
            ([{"at": hour(1)}], "TypeError: Object of type datetime is not JSON serializable"),
            (LookupError("no such pump"), "LookupError: no such pump"),
        ],
    )
    def test_that_fails_drops_its_batch_and_the_job_tells_why(
        self, here: Sensors, answer: Any, reason: str
    ) -> None:
        def handler(event: list[dict[str, Any]], context: Any) -> Any:
            if event[0]["heat"] == 1:
                return event
            if isinstance(answer, Exception):
                raise answer
            return answer

        here.aws.set_lambda("clean", handler)
        assert reprocess(here, lambda_(1), {"heat": 0}, {"heat": 1}, {"heat": 2}) == [{"heat": 1}]
        assert failures(here.aws) == [f"step: Lambda function clean: {reason}"] * 2
        assert here.states() == ["SUCCEEDED"]

    def test_may_call_aws(self, here: Sensors) -> None:
        def handler(event: list[dict[str, Any]], context: Any) -> list[dict[str, Any]]:
            shown = here.api.describe_pipeline(pipelineName="cleaning")["pipeline"]["name"]
            return [{**message, "pipeline": shown} for message in event]

        here.aws.set_lambda("clean", handler)
        assert reprocess(here, lambda_(), {"a": 1}) == [{"a": 1, "pipeline": "cleaning"}]

    def test_is_a_function(self, here: Sensors) -> None:
        nothing: Any = "mymodule:handler"
        with pytest.raises(ValueError, match="The handler of clean is a function, got 'mymodule:handler'"):
            here.aws.set_lambda("clean", nothing)

    def test_is_forgotten_at_a_reset(self, here: Sensors) -> None:
        here.aws.set_lambda("clean", lambda event, context: event)
        here.aws.reset()
        again = Sensors(here.cloud)
        refused = error(again.api.update_pipeline, pipelineName="cleaning", pipelineActivities=lambda_())
        assert refused[:2] == (400, "InvalidRequestException")
        assert refused[2].startswith("The mocked service has no Lambda function clean.")


@pytest.mark.parametrize(
    ("kind", "source", "known"),
    [("deviceRegistryEnrich", "registry", THING), ("deviceShadowEnrich", "shadows", SHADOW)],
)
class TestEnrich:
    """What AWS IoT knows of things."""

    def activities(self, kind: str, thing: str = "device.thingName") -> list[dict[str, Any]]:
        return through(kind, attribute="known", thingName=thing, roleArn=ROLE)

    def test_from_a_mapping(self, sensors: Sensors, kind: str, source: str, known: Any) -> None:
        given: Any = {source: {"pump-1": known}}
        sensors.aws.set_things(**given)
        message = {"heat": 1, "device": {"thingName": "pump-1"}}
        unknown, nameless = {"device": {"thingName": "pump-2"}}, {"device": {"thingName": 7}}
        landed = reprocess(sensors, self.activities(kind), message, unknown, nameless)
        assert landed == [{**message, "known": known}]
        assert failures(sensors.aws) == [
            f"step: Thing pump-2 is not in {source}.",
            'step: device.thingName is no thing\'s name in {"device": {"thingName": 7}}.',
        ]

    def test_from_a_function(self, here: Sensors, kind: str, source: str, known: Any) -> None:
        def find(name: str) -> Any:
            if name == "broken":
                raise LookupError("no answer")
            return known if name == "pump-1" else None

        given: Any = {source: find}
        here.aws.set_things(**given)
        messages = ({"id": "pump-1"}, {"id": "pump-2"}, {"id": "broken"})
        landed = reprocess(here, self.activities(kind, "id"), *messages)
        assert landed == [{"id": "pump-1", "known": known}]
        assert failures(here.aws) == [
            f"step: Thing pump-2 is not in {source}.",
            f"step: {source} of broken: LookupError: no answer",
        ]

    def test_is_given_rightly(self, here: Sensors, kind: str, source: str, known: Any) -> None:
        given: Any = {source: [known]}
        with pytest.raises(ValueError, match=f"{source} is a mapping by thing names or a function"):
            here.aws.set_things(**given)


def test_a_server_takes_no_functions(cloud: Cloud) -> None:
    if cloud.endpoint_url is None:
        pytest.skip("in this process it does")
    wanted = (
        "is a function, and the services run in another process. Use mock_aws_jobs or the fixture aws_jobs"
    )
    with pytest.raises(ValueError, match=f"handler {wanted}"):
        cloud.aws.set_lambda("clean", lambda event, context: event)
    with pytest.raises(ValueError, match=f"shadows {wanted}"):
        cloud.aws.set_things(shadows=lambda name: None)
    name: Any = "os:system"
    with pytest.raises(ValueError, match="The handler of clean is a function, got 'os:system'"):
        cloud.aws.set_lambda("clean", name)


def test_all_kinds_in_a_row(here: Sensors) -> None:
    here.aws.set_lambda("label", lambda event, context: [{**each, "label": "pump"} for each in event])
    here.aws.set_things(registry={"pump-1": THING}, shadows={"pump-1": SHADOW})
    enrich = {"thingName": "id", "roleArn": ROLE}
    steps: list[tuple[str, dict[str, Any]]] = [
        ("filter", {"filter": "heat <> NULL AND device.id LIKE 'pump-%' AND heat BETWEEN 0 AND 100"}),
        ("addAttributes", {"attributes": {"device.id": "id"}}),
        ("removeAttributes", {"attributes": ["device"]}),
        ("math", {"attribute": "fahrenheit", "math": "round(heat * 1.8 + 32)"}),
        ("lambda", {"lambdaName": "label", "batchSize": 100}),
        ("deviceRegistryEnrich", {"attribute": "thing", **enrich}),
        ("deviceShadowEnrich", {"attribute": "shadow", **enrich}),
        (
            "selectAttributes",
            {"attributes": ["id", "fahrenheit", "label", "thing.attributes.hall", "shadow"]},
        ),
    ]
    names = [kind for kind, _ in steps]
    following = [*names[1:], "to"]
    activities = [
        {"channel": {"name": "from", "channelName": "raw", "next": names[0]}},
        *(
            {kind: {"name": kind, "next": after, **more}}
            for (kind, more), after in zip(steps, following, strict=True)
        ),
        STRAIGHT[1],
    ]
    messages = (
        {"device": {"id": "pump-1"}, "heat": 20.2},
        {"device": {"id": "pump-1"}, "heat": None},
        {"device": {"id": "fan-1"}, "heat": 20},
    )
    made = {"id": "pump-1", "fahrenheit": 68, "label": "pump", "hall": "north", "shadow": SHADOW}
    assert reprocess(here, activities, *messages) == [made]
    assert failures(here.aws) == []
    assert here.states() == ["SUCCEEDED"]


def test_an_activity_by_itself(sensors: Sensors) -> None:
    def run(activity: dict[str, Any], *payloads: bytes) -> tuple[list[bytes], str]:
        answer = sensors.api.run_pipeline_activity(pipelineActivity=activity, payloads=[*payloads])
        return answer["payloads"], answer["logResult"]

    math = {"math": {"name": "double", "attribute": "b", "math": "a * 2"}}
    log = 'double: a * 2 is no number for {"c": 1}.'
    assert run(math, b'{"a": 1}', b'{"c": 1}') == ([b'{"a":1,"b":2}'], log)
    some = {"filter": {"name": "some", "filter": "a > 1"}}
    assert run(some, b'{"a": 1}', b'{"a": 2}') == ([b'{"a":2}'], "")
    invalid = (400, "InvalidRequestException")
    for activity, payload, message in (
        (some, b"1", "A message must be a JSON object."),
        (STRAIGHT[1], b"{}", "pipelineActivity is one of addAttributes, "),
        ({**math, **some}, b"{}", "pipelineActivity is one of addAttributes, "),
        (
            {"filter": {"name": "some", "filter": "a"}},
            b"{}",
            "The mocked service does not understand the filter",
        ),
    ):
        refused = error(sensors.api.run_pipeline_activity, pipelineActivity=activity, payloads=[payload])
        assert refused[:2] == invalid
        assert refused[2].startswith(message)


def test_data_stores_of_other_layouts(sensors: Sensors) -> None:
    parquet = {"schemaDefinition": {"columns": [{"name": "heat", "type": "int"}]}}
    partitions = {"partitions": [{"attributePartition": {"attributeName": "hall"}}]}
    sensors.api.create_datastore(
        datastoreName="columns",
        fileFormatConfiguration={"parquetConfiguration": parquet},
        datastorePartitions=partitions,
        tags=[{"key": "team", "value": "plant"}],
    )
    described = sensors.api.describe_datastore(datastoreName="columns")["datastore"]
    assert described["fileFormatConfiguration"] == {"parquetConfiguration": parquet}
    assert described["datastorePartitions"] == partitions
    clean, columns = sensors.api.list_datastores()["datastoreSummaries"]
    assert (columns["fileFormatType"], columns["datastorePartitions"]) == ("PARQUET", partitions)
    assert (clean["fileFormatType"], "datastorePartitions" in clean) == ("JSON", False)
    sitewise = {"iotSiteWiseMultiLayerStorage": {"customerManagedS3Storage": {"bucket": "clean-messages"}}}
    status, code, _ = error(sensors.api.create_datastore, datastoreName="x", datastoreStorage=sitewise)
    assert (status, code) == (501, "NotImplemented")
