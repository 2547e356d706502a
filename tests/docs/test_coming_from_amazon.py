# SPDX-License-Identifier: Apache-2.0

"""docs/coming-from-amazon.md: what it says of the Amazon provider is in its source, and of ours works."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import airflow.providers.amazon.aws as amazon
import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow_features import needs
from packaging.version import Version
from support import NEWEST, pins

from airflow_provider_jobs.aws import AwsOperator, AwsSensor
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.links.base import JobLink
from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplaySensor

from .pages import REPOSITORY, table

PAGE = REPOSITORY / "docs" / "coming-from-amazon.md"
TEXT = PAGE.read_text()
PROVIDER = Version(version("apache-airflow-providers-amazon"))
SOURCE = Path(next(iter(amazon.__path__)))
NEWEST_PROVIDER = pins(NEWEST)["apache-airflow-providers-amazon"]

of_the_page = pytest.mark.skipif(
    NEWEST_PROVIDER > PROVIDER, reason=f"The page is about {NEWEST_PROVIDER}; {PROVIDER} is installed."
)

#: What EmrServerlessStartJobOperator needs.
#: Parameters that take a truth value and nothing else.
TRUTHS = ("cancel_on_kill", "deferrable", "wait_for_completion")
_EMR = ("application_id", "execution_role_arn", "job_driver")

Row = tuple[str, str, str]


def rows(name: str) -> list[Row]:
    """The name there, a class that has it, and the name here."""
    return [
        (there.strip("`"), each.strip("`"), here.strip("`"))
        for there, classes, here in table(PAGE, name)
        for each in classes.split(", ")
    ]


OPERATORS, SENSORS = rows("operators"), rows("sensors")


def amazons(kind: str, path: str) -> Any:
    module, _, name = path.partition(".")
    return getattr(import_module(f"{amazon.__name__}.{kind}.{module}"), name)


def parameters(of: type, package: str) -> set[str]:
    """The parameters that a class's own ``__init__`` and those of its bases in a package name."""
    return {
        name
        for each in of.__mro__
        if each.__module__.startswith(package) and "__init__" in vars(each)
        for name in inspect.signature(each.__init__).parameters  # type: ignore[misc]
    }


def operator(**given: Any) -> EventBridgeStartReplayOperator:
    return EventBridgeStartReplayOperator(task_id="replay", archive="orders", **given)


def sensor(**given: Any) -> EventBridgeReplaySensor:
    return EventBridgeReplaySensor(task_id="wait", replay_name="again", **given)


@of_the_page
@pytest.mark.parametrize("row", OPERATORS, ids=" ".join)
def test_an_operator_there_has_the_name(row: Row) -> None:
    assert row[0] in parameters(amazons("operators", row[1]), amazon.__name__)


@of_the_page
@pytest.mark.parametrize("row", SENSORS, ids=" ".join)
def test_a_sensor_there_has_the_name(row: Row) -> None:
    assert row[0] in parameters(amazons("sensors", row[1]), amazon.__name__)


@pytest.mark.parametrize(
    ("there", "here", "make"),
    [(there, here, operator) for there, _, here in OPERATORS]
    + [(there, here, sensor) for there, _, here in SENSORS],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_the_name_here_is_taken_and_another_leads_to_it(
    there: str, here: str, make: Callable[..., Any]
) -> None:
    given: Any = {"botocore_config": {"retries": {"max_attempts": 5}}, **dict.fromkeys(TRUTHS, True)}
    made = make(**{here: given.get(here, 7)})
    assert hasattr(made, here)
    if there != here:
        with pytest.raises(JobInputError, match=f"no parameter '{there}'; it is '{here}' here"):
            make(**{there: 7})


def test_the_error_on_the_page_is_the_one_that_is_raised() -> None:
    with pytest.raises(JobInputError) as caught:
        operator(waiter_delay=30)
    assert f"\nJobInputError: {caught.value}\n" in TEXT


def test_the_page_is_about_the_newest_provider_that_is_tested() -> None:
    assert f"version {NEWEST_PROVIDER};" in TEXT


@of_the_page
def test_files_of_the_amazon_provider_exist() -> None:
    files = set(re.findall(r"`((?:hooks|operators|sensors|triggers|utils)/\w+\.py)`", TEXT))
    assert len(files) > 5
    assert [file for file in files if not (SOURCE / file).is_file()] == []


def modules_with(text: str, folder: str) -> list[str]:
    """The files of a folder of the Amazon provider that have this text."""
    return sorted(file.name for file in (SOURCE / folder).glob("*.py") if text in file.read_text())


@of_the_page
def test_what_is_stopped_with_its_task_there() -> None:
    assert modules_with("async def on_kill", "triggers") == ["emr.py", "redshift_data.py"]
    assert len(modules_with("def on_kill", "operators")) == 10
    glue = inspect.signature(amazons("operators", "glue.GlueJobOperator")).parameters
    assert glue["stop_job_run_on_kill"].default is False
    assert operator().cancel_on_kill is True


@of_the_page
def test_what_is_stopped_at_the_time_limit_there() -> None:
    emr, glue = (
        inspect.getsource(amazons("operators", name).execute_complete)
        for name in ("emr.EmrServerlessStartJobOperator", "glue.GlueJobOperator")
    )
    assert "cancel_job_run(" in emr
    assert "hook" not in glue
    assert "stop_job_run" not in (SOURCE / "triggers" / "glue.py").read_text()
    assert operator().job_timeout is None


@of_the_page
def test_what_a_retry_starts_there() -> None:
    emr = amazons("operators", "emr.EmrServerlessStartJobOperator")
    tokens = {emr(task_id="emr", **dict.fromkeys(_EMR, "")).client_request_token for _ in range(2)}
    assert len(tokens) == 2


@of_the_page
@needs("task_state_store")
def test_glue_finds_its_job_again_there() -> None:
    glue = amazons("operators", "glue.GlueJobOperator")
    assert glue(task_id="glue").durable is True
    assert "execute_resumable" in inspect.getsource(glue.execute)


@of_the_page
def test_how_a_wait_goes_there() -> None:
    triggers = import_module(f"{amazon.__name__}.triggers.base")
    assert "get_async_conn()" in inspect.getsource(triggers.AwsBaseWaiterTrigger.run)
    waited_out = import_module(f"{amazon.__name__}.utils.waiter_with_logging").RETRIABLE_ERROR_CODES
    assert {"ThrottlingException", "ServiceUnavailable"} < waited_out
    assert not [code for code in waited_out if "Token" in code or "Credentials" in code]
    sensor = amazons("sensors", "glue.GlueJobSensor")
    assert "max_retries" not in inspect.getsource(sensor.poke)
    assert "max_retries" in inspect.getsource(sensor.execute)


@of_the_page
def test_operators_there_add_nothing_to_asset_events() -> None:
    assert modules_with("outlet_events", "operators") == []


@of_the_page
def test_a_missing_connection_is_a_warning_there() -> None:
    text = (SOURCE / "hooks" / "base_aws.py").read_text()
    assert re.search(r"except AirflowNotFoundException:\s+self\.log\.warning\(", text)


def test_what_is_a_subclass_of_what() -> None:
    assert issubclass(JobHook, AwsBaseHook)
    for ours, theirs in (
        (AwsOperator, amazons("operators", "base_aws.AwsBaseOperator")),
        (AwsSensor, amazons("sensors", "base_aws.AwsBaseSensor")),
    ):
        assert not issubclass(ours, theirs)
        assert set(ours.template_fields) == set(theirs.template_fields)
    assert not issubclass(JobLink, amazons("links", "base_aws.BaseAwsLink"))
