# SPDX-License-Identifier: Apache-2.0

"""The table's calls, made by clients that are not boto3: the AWS CLI and AWS's SDK for JavaScript."""

from __future__ import annotations

import json
import os
import re
import subprocess
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import botocore
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from airflow_provider_jobs import service_models
from airflow_provider_jobs.testing import AwsJobs

from .table import Call, World, _resolved

CLIENTS = Path(__file__).parents[1] / "clients"

#: The packages of AWS's SDK for JavaScript.
PACKAGES = {
    "events": "client-eventbridge",
    "datapipeline": "client-data-pipeline",
    "iotanalytics": "client-iotanalytics",
    "lookoutequipment": "client-lookoutequipment",
}


class Foreign(ABC):
    """A client, as a process that takes a call a line and answers each with a line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @abstractmethod
    def call(self, service: str, operation: OperationModel, arguments: Mapping[str, Any]) -> Any:
        """Make a call and return the answer, with a text or another mark for each date and each blob.

        :param service: the service's name as in ``boto3.client(name)``
        :param operation: by botocore's model
        :param arguments: the call's
        :raises ClientError: if it was refused
        """

    @abstractmethod
    def date(self, value: Any) -> str:
        """Return the text, as ISO 8601, of what stands for a date in an answer."""

    @abstractmethod
    def blob(self, value: Any) -> str:
        """Return the text, as Base64, of what stands for a blob in an answer."""

    def _exchange(self, line: Any, default: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(line, default=default) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class AwsCli(Foreign):
    """The AWS CLI's own commands, parsers and output.

    :param process: ``aws_cli.py``
    :param url: of the mocked AWS
    """

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        super().__init__(process)
        self._url = url

    def call(self, service: str, operation: OperationModel, arguments: Mapping[str, Any]) -> Any:
        """Run a command with ``--cli-input-json``."""
        given = json.dumps(arguments, default=_as_text)
        command = [service, botocore.xform_name(operation.name, "-"), "--cli-input-json", given]
        # The answer itself, not what the AWS CLI makes of many pages.
        ran = self._exchange([*command, "--no-paginate", "--endpoint-url", self._url], None)
        if ran["code"] == 0:
            return json.loads(ran["out"] or "{}")
        told = re.search(r"An error occurred \((\w+)\) when calling the (\w+) operation: (.*)", ran["err"])
        assert told is not None, f"{command}: {ran}"
        assert told[2] == operation.name
        raise _refused(operation, told[1], told[3], ran["status"])

    def date(self, value: Any) -> str:
        """Return the text that the AWS CLI printed."""
        return str(value)

    def blob(self, value: Any) -> str:
        """Return the text that the AWS CLI printed."""
        return str(value)


class JavaScriptSdk(Foreign):
    """AWS's SDK for JavaScript, version 3."""

    def call(self, service: str, operation: OperationModel, arguments: Mapping[str, Any]) -> Any:
        """Send a command."""
        line = {"client": PACKAGES[service], "operation": operation.name, "input": arguments}
        answer = self._exchange(line, _marked)
        if "output" in answer:
            return answer["output"]
        error = answer["error"]
        modelled = error["name"] in {shape.name for shape in operation.error_shapes}
        assert error["modelled"] or not modelled, f"{error['name']} is not of its class"
        raise _refused(operation, error["name"], error["message"], error["status"])

    def date(self, value: Any) -> str:
        """Return the text of a JavaScript Date."""
        return str(value["$date"])

    def blob(self, value: Any) -> str:
        """Return the text of a JavaScript Uint8Array."""
        return str(value["$bytes"])


class ForeignWorld(World):
    """The mocked AWS behind the server, called by a client that is not boto3.

    :param aws: its control
    :param endpoint_url: the server's
    :param foreign: the client
    """

    def __init__(self, aws: AwsJobs, endpoint_url: str, foreign: Foreign) -> None:
        super().__init__(aws, endpoint_url)
        self._foreign = foreign

    def _call(self, made: Call, members: Mapping[str, Any]) -> dict[str, Any]:
        service, operation = made.name.split(".")
        if service not in PACKAGES:
            return super()._call(made, members)
        meta = self.client(service).meta
        model = meta.service_model.operation_model(meta.method_to_api_mapping[operation])
        answer = self._foreign.call(service, model, _resolved(made.arguments, members))
        read: dict[str, Any] = _read(model.output_shape, answer, self._foreign)
        return read


@contextmanager
def aws_cli(python: str, url: str, folder: Path) -> Iterator[AwsCli]:
    """Run the AWS CLI.

    :param python: of the environment that it is installed in
    :param url: of the mocked AWS
    :param folder: for its configuration
    """
    config = folder / "config"
    # It is the service that has to check a request. A date is shown as one only if it was read as one.
    config.write_text(
        "[default]\nparameter_validation = false\ncli_timestamp_format = iso8601\noutput = json\n"
    )
    environment = {
        **os.environ,
        "AWS_CONFIG_FILE": str(config),
        "AWS_DATA_PATH": str(Path(str(service_models.__file__)).parent),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
        "PYTHONPATH": "",
    }
    with _process([python, str(CLIENTS / "aws_cli.py")], environment) as process:
        yield AwsCli(process, url)


@contextmanager
def javascript_sdk(folder: str, url: str) -> Iterator[JavaScriptSdk]:
    """Run Node.js with AWS's SDK.

    :param folder: in which ``node_modules`` is
    :param url: of the mocked AWS
    """
    with _process(["node", str(CLIENTS / "sdk.mjs"), folder, url], dict(os.environ)) as process:
        yield JavaScriptSdk(process)


@contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    # Its end of input is its end.
    with process:
        yield process


def _as_text(value: datetime | bytes) -> str:
    # This version of the AWS CLI takes a blob as text, and encodes it.
    return value.decode() if isinstance(value, bytes) else value.isoformat()


def _marked(value: datetime | bytes) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"$bytes": b64encode(value).decode()}
    return {"$date": value.isoformat()}


def _refused(operation: OperationModel, code: str, message: str, status: int) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, operation.name)


def _read(shape: Shape | None, value: Any, foreign: Foreign) -> Any:
    """Return an answer whose dates and blobs are those of Python."""
    if shape is None or value is None:
        return value
    if shape.type_name == "timestamp":
        return datetime.fromisoformat(foreign.date(value))
    if shape.type_name == "blob":
        return b64decode(foreign.blob(value), validate=True)
    if isinstance(shape, ListShape):
        return [_read(shape.member, each, foreign) for each in value]
    if isinstance(shape, MapShape):
        return {key: _read(shape.value, each, foreign) for key, each in value.items()}
    if isinstance(shape, StructureShape):
        return {key: _read(shape.members.get(key), each, foreign) for key, each in value.items()}
    return value
