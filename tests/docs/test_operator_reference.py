# SPDX-License-Identifier: Apache-2.0

"""The reference of operators and sensors: all are there, and each result has the keys that it says."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseOperator
from airflow_features import needs
from dag_files import load
from job_cases import AWS, CASES, JobCase
from one_task import OneTask

from airflow_provider_jobs.get_provider_info import get_provider_info
from airflow_provider_jobs.operators import data_pipeline, eventbridge, iot_analytics, logs, sqs
from airflow_provider_jobs.testing import AwsJobs

from .pages import REPOSITORY

pytestmark = needs("sdk_timetables")

REFERENCE = load(REPOSITORY / "docs" / "operator_reference.py")
OBJECTS = [
    {"id": "Default", "name": "Default", "fields": [{"key": "scheduleType", "stringValue": "ondemand"}]},
]
PAGES = sorted((REPOSITORY / "docs" / "api").glob("*.md"))


def shown() -> dict[str, tuple[Any, str]]:
    """The classes that the pages show, with the guide that they lead to."""
    found = {}
    for page in PAGES:
        for guide, modules in re.findall(
            r"^\.\. operators::\n   :guide: (\S+)\n\n((?:   \S+\n)+)", page.read_text(), re.MULTILINE
        ):
            for kind in REFERENCE.classes(*modules.split()):
                found[kind.__name__] = kind, guide
    return found


SHOWN = shown()


def test_every_operator_and_sensor_of_the_provider_is_shown() -> None:
    info = get_provider_info()
    modules = [
        name for layer in ("operators", "sensors") for each in info[layer] for name in each["python-modules"]
    ]
    assert len(modules) > 12
    assert set(SHOWN) == {name for module in modules for name in importlib.import_module(module).__all__}


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_a_class_is_told_whole(name: str) -> None:
    kind, guide = SHOWN[name]
    assert (REPOSITORY / "docs" / f"{guide.lstrip('/')}.md").is_file()
    parameters = {each.name: each for each in REFERENCE.parameters(kind)}
    assert {each.name for each in parameters.values() if each.templated} == set(kind.template_fields)
    text = REFERENCE.reference(kind, guide)
    assert f":doc:`{guide}`" in text
    assert "docs.aws.amazon.com" in text
    for each in parameters:
        assert text.count(f"- ``{each}``") == 1 + (each in REFERENCE.result(kind))
    # What is shown as a table is not told a second time.
    assert not re.search(r":param|:result|Takes the|The result is that of", text)


#: The operator that stops the jobs of a service, and its parameter that takes the start's output.
STOPS: dict[str, tuple[Any, str]] = {
    "events": (eventbridge.EventBridgeCancelReplayOperator, "replay_name"),
    "datapipeline": (data_pipeline.DataPipelineDeactivatePipelineOperator, "pipeline_id"),
    "iotanalytics": (iot_analytics.IotAnalyticsCancelPipelineReprocessingOperator, "reprocessing_id"),
    "sqs": (sqs.SqsCancelMessageMoveTaskOperator, "source_arn"),
    "logs": (logs.CloudWatchLogsCancelExportTaskOperator, "export_task_id"),
}


def ran(kind: type[Any], make: Callable[[], BaseOperator]) -> dict[str, Any]:
    """The result of a task, which has the keys that the reference says."""
    result: dict[str, Any] = OneTask(make).run()
    said = REFERENCE.result(kind)
    # Some keys come with a parameter that the reference names.
    always = {key for key, told in said.items() if "; only " not in told}
    assert always <= set(result) <= set(said), kind.__name__
    return result


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.service)
def test_the_result_of_a_job_has_the_keys_of_the_reference(case: JobCase, aws_jobs: AwsJobs) -> None:
    case.prepare()
    result = ran(type(case.operator()), case.operator)
    job_id = case.job_id(result)
    ran(type(case.sensor(job_id)), lambda: case.sensor(job_id))
    if case.service in STOPS:
        stop, parameter = STOPS[case.service]
        ran(stop, lambda: stop(task_id="stop", **AWS, **{parameter: result}))


def test_the_results_of_the_others_have_the_keys_of_the_reference(aws_jobs: AwsJobs) -> None:
    create = data_pipeline.DataPipelineCreatePipelineOperator
    pipeline = ran(create, lambda: create(task_id="create", pipeline_name="load", **AWS))
    put = data_pipeline.DataPipelinePutPipelineDefinitionOperator
    ran(put, lambda: put(task_id="put", pipeline_id=pipeline, pipeline_objects=OBJECTS, **AWS))
    archive = eventbridge.EventBridgeCreateArchiveOperator
    ran(archive, lambda: archive(task_id="archive", archive_name="orders", **AWS))
    rule = eventbridge.EventBridgeCreateTemporaryRuleOperator
    ran(rule, lambda: rule(task_id="rule", target_arn="arn:aws:sqs:us-east-1:123456789012:trial", **AWS))


def test_only_those_that_delete_pause_or_resume_have_no_result() -> None:
    without = {name for name, (kind, _) in SHOWN.items() if not REFERENCE.result(kind)}
    assert without == {name for name in SHOWN if re.search("Delete|Pause|Resume", name)}
