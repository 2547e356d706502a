# SPDX-License-Identifier: Apache-2.0

"""Operations that the mocked services do not have are refused in the services' own protocol."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from .aws.iotanalytics.sensors import Sensors
from .conftest import Cloud


def refused(call: Callable[[], Any]) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call()
    answer: dict[str, Any] = dict(caught.value.response)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert answer["ResponseMetadata"]["RetryAttempts"] == 0
    assert answer["Error"]["Code"] == "NotImplemented"
    return answer


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("events", "ListEndpoints", {}),
        ("datapipeline", "PollForTask", {"workerGroup": "group"}),
        ("lookoutequipment", "ListModels", {}),
    ],
)
@pytest.mark.parametrize("mode", ["legacy", "standard"])
def test_an_operation_that_is_not_there(
    cloud: Cloud, service: str, operation: str, arguments: dict[str, Any], mode: str
) -> None:
    client = cloud.client(service, attempts=5, mode=mode)
    answer = refused(lambda: client._make_api_call(operation, arguments))
    assert answer["Error"]["Message"].startswith(f"The mocked {service} does not have {operation}.")
    assert cloud.aws.calls(service) == {operation: 1}


CHANNEL = {"resourceArn": "arn:aws:iotanalytics:us-east-1:123456789012:channel/raw"}
ACTIONS = [{"actionName": "query"}]
LOGGING = {"roleArn": "arn:aws:iam::123456789012:role/logs", "level": "ERROR", "enabled": True}
#: The operations of IoT Analytics that are not mocked, each with arguments.
NOT_THERE: dict[str, dict[str, Any]] = {
    "CreateDataset": {"datasetName": "all", "actions": ACTIONS},
    "CreateDatasetContent": {"datasetName": "all"},
    "DeleteDataset": {"datasetName": "all"},
    "DeleteDatasetContent": {"datasetName": "all"},
    "DescribeDataset": {"datasetName": "all"},
    "DescribeLoggingOptions": {},
    "GetDatasetContent": {"datasetName": "all"},
    "ListDatasetContents": {"datasetName": "all"},
    "ListDatasets": {},
    "ListTagsForResource": CHANNEL,
    "PutLoggingOptions": {"loggingOptions": LOGGING},
    "TagResource": {**CHANNEL, "tags": [{"key": "a", "value": "b"}]},
    "UntagResource": {**CHANNEL, "tagKeys": ["a"]},
    "UpdateChannel": {"channelName": "raw"},
    "UpdateDataset": {"datasetName": "all", "actions": ACTIONS},
    "UpdateDatastore": {"datastoreName": "clean"},
}


def test_the_page_names_what_is_not_there() -> None:
    page = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
    (sentence,) = re.findall(r"Not mocked are data sets, .*?: (.*?)\. Creates", page)
    assert sorted(re.findall(r"`(\w+)`", sentence)) == sorted(NOT_THERE)


@pytest.mark.parametrize("operation", NOT_THERE)
def test_an_operation_of_iot_analytics_that_is_not_there(cloud: Cloud, operation: str) -> None:
    sensors = Sensors(cloud)
    answer = refused(lambda: sensors.client(attempts=5)._make_api_call(operation, NOT_THERE[operation]))
    assert answer["Error"]["Message"].startswith(f"The mocked iotanalytics does not have {operation}.")
    assert cloud.aws.calls("iotanalytics")[operation] == 1


def test_a_path_that_is_not_there(cloud: Cloud) -> None:
    """IoT Analytics has no operation's name in its requests; a path that the service model does not have."""
    sensors = Sensors(cloud)

    def elsewhere(request: AWSRequest, **_: Any) -> None:
        request.url = str(request.url).replace("/pipelines", "/cubes")

    client = sensors.client(attempts=5)
    client.meta.events.register("before-sign.iotanalytics.ListPipelines", elsewhere)
    answer = refused(client.list_pipelines)
    assert answer["Error"]["Message"] == "The mocked iotanalytics does not have GET /cubes."
