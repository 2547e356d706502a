# SPDX-License-Identifier: Apache-2.0

"""Clients that are not boto3 read the mocked services' answers as they read AWS's: ``make clients``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from airflow_provider_jobs.testing import AwsJobsServer, Fault

from .foreign import Foreign, ForeignWorld, aws_cli, javascript_sdk
from .table import Has, Refused, Row, call
from .test_truth import ROWS, marks

#: The Python that the AWS CLI is installed in.
CLI_PYTHON = os.environ.get("CLIENTS_CLI_PYTHON")
#: The folder in which npm has installed the SDK.
SDK_FOLDER = os.environ.get("CLIENTS_SDK_FOLDER")


@pytest.fixture(scope="session", params=["AWS CLI", "JavaScript SDK"])
def foreign(
    request: pytest.FixtureRequest, server: AwsJobsServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Foreign]:
    with ExitStack() as stack:
        if request.param == "AWS CLI":
            if not CLI_PYTHON:
                pytest.skip("The AWS CLI is not installed for the tests: make clients")
            yield stack.enter_context(aws_cli(CLI_PYTHON, server.url, tmp_path_factory.mktemp("cli")))
        else:
            if not SDK_FOLDER or not shutil.which("node"):
                pytest.skip("Node.js and AWS's SDK for it are not installed for the tests: make clients")
            yield stack.enter_context(javascript_sdk(SDK_FOLDER, server.url))


@pytest.fixture
def world(server: AwsJobsServer, foreign: Foreign) -> Iterator[ForeignWorld]:
    server.reset()
    server.set_pace()
    made = ForeignWorld(server, server.url, foreign)
    with made.closing:
        yield made


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=name, marks=marks(name, row)) for name, row in ROWS if not row.fails]
)
def test_row(world: ForeignWorld, row: Row) -> None:
    assert world.differences(row) == []


def row_of(what: str) -> Row:
    return next(row for name, row in ROWS if name == what)


def test_a_broken_answer_turns_a_row_red(world: ForeignWorld) -> None:
    row = row_of("replays: start")
    world.aws.add_fault(Fault("StartReplay", "alter", member="State", value="BEGUN"))
    assert world.differences(row) == ["answer.State is 'BEGUN', not 'STARTING'"]


def test_a_date_that_is_none_turns_a_row_red(world: ForeignWorld) -> None:
    world.aws.add_fault(Fault("StartReplay", "alter", member="ReplayStartTime", value="soon"))
    assert world.differences(row_of("replays: start")) != []


def test_another_error_turns_a_row_red(world: ForeignWorld) -> None:
    row = Row("", (call("events.describe_replay", ReplayName="none"),), Has({}), ROWS[0][1].source)
    [refused] = world.differences(row)
    assert refused.startswith("refused: ")
    row = replace(row, expected=Refused("AnotherException"))
    assert world.differences(row) == ["code is 'ResourceNotFoundException', not 'AnotherException'"]
