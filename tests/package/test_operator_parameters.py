# SPDX-License-Identifier: Apache-2.0

"""The parameters that a type checker knows are those that the constructors take, and Airflow's."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, get_type_hints

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator, BaseSensorOperator

from airflow_provider_jobs import operator_parameters as parameters
from airflow_provider_jobs._airflow_parameters import SensorParameters, TaskParameters
from airflow_provider_jobs.aws import AwsOperator, AwsSensor
from airflow_provider_jobs.operators.base import JobOperator
from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator
from airflow_provider_jobs.operators.start import StartJobOperator
from airflow_provider_jobs.sensors.base import JobSensor
from airflow_provider_jobs.triggers.job import JobTrigger
from airflow_provider_jobs.triggers.queue import QueueTrigger

from . import correct_uses
from .provided import OPERATORS
from .test_mistakes import MISTAKES, Mistake

#: Parameters of Airflow's by the version that has brought them, or taken them away.
NEWER = {"retry_policy", "render_template_as_native_obj"}
GONE = {"task_concurrency"}
KINDS: dict[type[Any], type[TaskParameters]] = {
    BaseOperator: TaskParameters,
    BaseSensorOperator: SensorParameters,
    AwsOperator: parameters.AwsOperatorParameters,
    AwsSensor: parameters.AwsSensorParameters,
    JobOperator: parameters.JobOperatorParameters,
    StartJobOperator: parameters.StartJobParameters,
    JobSensor: parameters.JobSensorParameters,
}


def constructors(kind: type[Any]) -> Iterator[inspect.Signature]:
    for each in kind.__mro__:
        if "__init__" in vars(each) and issubclass(each, BaseOperator):
            yield inspect.signature(vars(each)["__init__"])


def named(kind: type[Any]) -> set[str]:
    """The parameters of a class and its bases."""
    found = (each for signature in constructors(kind) for each in signature.parameters.values())
    return {each.name for each in found if each.kind is not each.VAR_KEYWORD} - {"self"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_parameter_has_its_type(kind: type[Any]) -> None:
    """A parameter that a later Airflow adds, or one of ours that is forgotten, is missing here."""
    known = set(KINDS[kind].__annotations__)
    assert known - named(kind) <= NEWER
    assert named(kind) - known <= GONE


@pytest.mark.parametrize("kind", [AwsOperator, AwsSensor, JobOperator, StartJobOperator, JobSensor])
def test_a_shared_parameter_has_the_type_of_the_constructor(kind: type[Any]) -> None:
    for name, own in inspect.signature(vars(kind)["__init__"]).parameters.items():
        if own.kind is own.KEYWORD_ONLY:
            assert KINDS[kind].__annotations__[name].__forward_arg__ == own.annotation


@pytest.mark.parametrize(
    "kind", [*OPERATORS.values(), JobTrigger, QueueTrigger], ids=lambda kind: kind.__name__
)
def test_the_types_can_be_asked_for(kind: type[Any]) -> None:
    assert {"kwargs", "later"} & set(get_type_hints(kind.__init__))


UNKNOWN = [each for each in MISTAKES if each.group in ("missing parameters", "misspelt names")]


@pytest.mark.parametrize("mistake", UNKNOWN, ids=lambda mistake: mistake.line[:60])
def test_it_is_an_error_at_run_time_as_well(mistake: Mistake) -> None:
    with pytest.raises(Exception, match=mistake.name):
        eval(mistake.line, dict(vars(correct_uses)))


def test_partial_refuses_unknown_names() -> None:
    with DAG("mapped", schedule=None):
        with pytest.raises(TypeError, match="poll_intervall"):
            EventBridgeStartReplayOperator.partial(task_id="replay", archive="orders", poll_intervall=3)
        partial = EventBridgeStartReplayOperator.partial(task_id="replay", archive="orders", poll_interval=3)
        with pytest.raises(TypeError, match="event_starttime"):
            partial.expand(event_starttime=["2026-01-01T00:00:00+00:00"])
        partial.expand(event_start_time=["2026-01-01T00:00:00+00:00"])


def test_default_args_reach_every_constructor() -> None:
    given: dict[str, Any] = {
        "archive": "orders",  # the class's own
        "cancel_on_kill": False,  # its base's, and so on
        "poll_interval": 5,
        "region_name": "eu-west-1",
        "retries": 7,
    }
    with DAG("defaults", schedule=None, default_args=given):
        task: Any = EventBridgeStartReplayOperator(task_id="replay")  # type: ignore[call-arg]
    assert {name: getattr(task, name) for name in given} == given
