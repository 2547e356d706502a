# SPDX-License-Identifier: Apache-2.0

"""What operators and sensors import: boto3, the Amazon provider and our hooks only when they call AWS."""

from __future__ import annotations

import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException

import airflow_provider_jobs.operators
import airflow_provider_jobs.sensors
from airflow_provider_jobs.aws import AwsOperator, AwsSensor, HookClass
from airflow_provider_jobs.hooks import _classes as classes

#: What a task needs for calls alone.
FOR_CALLS = (
    "aiobotocore",
    "airflow.providers.amazon.aws",
    "airflow_provider_jobs.hooks.base",
    "airflow_provider_jobs.hooks.calls",
    "airflow_provider_jobs.triggers",
    "boto3",
    "botocore",
    "s3transfer",
)
MODULES = [
    f"{package.__name__}.{module.name}"
    for package in (airflow_provider_jobs.operators, airflow_provider_jobs.sensors)
    for module in pkgutil.iter_modules(package.__path__)
    # Whatever starts a job: imported with the first start. The tasks of a replay in steps are a module apart.
    if module.name not in ("_asked", "_before", "_places", "_replay_plan", "_runner", "_waits")
]
#: What comes with Airflow, so that it is not counted.
AIRFLOW = "from airflow.providers.common.compat.sdk import BaseOperator, BaseSensorOperator, XCom, conf"


def imported(*command: str) -> set[str]:
    """The modules that a process says it has imported, in its last line."""
    here = os.pathsep.join(each for each in sys.path if each)
    env = {**os.environ, "PYTHONPATH": here}
    run = subprocess.run([sys.executable, *command], capture_output=True, text=True, env=env, check=False)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.splitlines()[-1].split())


def for_calls(modules: set[str]) -> set[str]:
    return {name for name in modules if name.startswith(FOR_CALLS)}


def test_the_operators_modules_import_nothing_that_only_calls_need() -> None:
    lines = [
        "import sys",
        AIRFLOW,
        "before = {*sys.modules}",
        *(f"import {module}" for module in MODULES),
        "print(*{*sys.modules} - before)",
    ]
    found = imported("-c", "\n".join(lines))
    assert set(MODULES) <= found
    assert not for_calls(found)


@pytest.mark.parametrize("outcome", ["success", "failure"])
def test_a_task_that_takes_up_a_job_that_has_ended_imports_nothing_that_only_calls_need(outcome: str) -> None:
    found = imported(str(Path(__file__).with_name("ended_jobs.py")), outcome)
    assert set(MODULES) <= found | {"airflow_provider_jobs.operators._context"}
    assert not for_calls(found)


@pytest.mark.parametrize("name", classes.__all__)
def test_what_stands_for_a_hook_says_what_the_hook_says(name: str) -> None:
    stand_in = vars(classes)[name]
    assert isinstance(stand_in, HookClass)

    class Task(AwsOperator):  # type: ignore[type-arg]
        aws_hook_class = vars(classes)[name]

    hook = Task.aws_hook_class
    assert (hook.__module__, hook.__qualname__) == (stand_in.__module__, stand_in.__qualname__)
    assert (hook.noun, hook.no_reason) == (stand_in.noun, stand_in.no_reason)


@pytest.mark.parametrize("base", [AwsOperator, AwsSensor])
def test_the_aws_parameters_are_those_of_the_amazon_providers_bases(base: Any) -> None:
    from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
    from airflow.providers.amazon.aws.sensors.base_aws import AwsBaseSensor
    from airflow.providers.amazon.aws.utils.mixins import aws_template_fields as theirs_fields

    from airflow_provider_jobs.aws import aws_template_fields
    from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook

    theirs = AwsBaseOperator if base is AwsOperator else AwsBaseSensor
    given = {
        "aws_conn_id": "aws_orders",
        "region_name": "eu-west-1",
        "verify": False,
        "botocore_config": {"read_timeout": 5},
    }
    for arguments in ({}, given, {"default_args": given}):
        kinds = [
            type(f"Of{kind.__name__}", (kind,), {"aws_hook_class": EventBridgeReplayHook})(
                task_id="task", **arguments
            )
            for kind in (base, theirs)
        ]
        mine, their = ({name: getattr(task, name) for name in given} for task in kinds)
        assert mine == their
        mine_hook, their_hook = (task.hook for task in kinds)
        assert type(mine_hook) is type(their_hook) is EventBridgeReplayHook
        assert kinds[0].hook is mine_hook
        for name in ("aws_conn_id", "_region_name", "_verify"):
            assert getattr(mine_hook, name) == getattr(their_hook, name)
    assert tuple(base.template_fields) == tuple(theirs.template_fields)
    assert aws_template_fields("archive", "zone") == theirs_fields("archive", "zone")


@pytest.mark.parametrize("base", [AwsOperator, AwsSensor])
def test_a_parameter_that_would_do_nothing_is_refused(base: Any) -> None:
    # Below Airflow 3, the latter.
    with pytest.raises((TypeError, AirflowException), match="region"):
        base(task_id="task", region="eu-west-1")
