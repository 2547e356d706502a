# SPDX-License-Identifier: Apache-2.0

"""Small definitions with what AWS's samples, AWS's guide and open repositories have in theirs, run whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from job_cases import AWS
from load_pipelines import NOW, activate, stamp
from one_task import OneTask

from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook
from airflow_provider_jobs.operators.data_pipeline import DataPipelinePutPipelineDefinitionOperator
from airflow_provider_jobs.testing import AwsJobs

CASCADE = {"failureAndRerunMode": "CASCADE", "pipelineLogUri": "s3://logs/"}
MACHINE = {"id": "Machine", "type": "Ec2Resource", "terminateAfter": "1 Hour"}
WORK = {"id": "Work", "type": "ShellCommandActivity", "runsOn": {"ref": "Machine"}, "command": "true"}
ONCE = {"id": "Once", "type": "Schedule", "period": "1 Day", "startAt": "FIRST_ACTIVATION_DATE_TIME"}
SCHEDULED = {"id": "Default", "scheduleType": "cron", "schedule": {"ref": "Once"}, **CASCADE}
ON_DEMAND = {"id": "Default", "scheduleType": "ONDEMAND", **CASCADE}

DEFINITIONS: dict[str, dict[str, Any]] = {
    # aws-samples/data-pipeline-samples: billing, HadoopTerasort
    "metadata of AWS's console": {
        "metadata": {"templateId": "x"},
        "objects": [SCHEDULED, {**ONCE, "occurrences": "1"}, MACHINE, WORK],
    },
    # aws-samples/data-pipeline-samples: json-to-dynamodb
    "on demand, with a schedule that is not there": {
        "objects": [{**ON_DEMAND, "schedule": {"ref": "DefaultSchedule"}}, MACHINE, WORK]
    },
    # AWS Data Pipeline Developer Guide: emrcluster-example-private-subnet
    "values that no parameter declares": {
        "objects": [ON_DEMAND, {**MACHINE, "subnetId": "#{mySubnetId}"}, WORK],
        "values": {"mySubnetId": "subnet-1"},
    },
    # harrystech/arthur-redshift-etl: templates of pipelines
    "empty values, and a start by a parameter": {
        "objects": [
            SCHEDULED,
            {**ONCE, "startAt": [], "startDateTime": "#{myStart}", "occurrences": 1},
            MACHINE,
            {**WORK, "command": "load #{myFlags}"},
        ],
        "parameters": [{"id": "myFlags", "type": "String"}, {"id": "myStart", "type": "String"}],
        "values": {"myFlags": "", "myStart": stamp(timedelta())},
    },
    # AWS Data Pipeline Developer Guide: dp-object-schedule; a comment in a field of one's own
    "a user's fields, and lists": {
        "objects": [
            {**ON_DEMAND, "myComment": "Ours."},
            MACHINE,
            {**WORK, "scriptArgument": ["a", "b"], "maximumRetries": 0},
        ]
    },
    # AWS's answer to GetPipelineDefinition
    "the API's own form": {
        "pipelineObjects": [
            {
                "id": "Default",
                "name": "Default",
                "fields": [
                    {"key": "scheduleType", "stringValue": "ondemand"},
                    {"key": "workerGroup", "stringValue": "wg"},
                ],
            },
            {
                "id": "Work",
                "name": "Work",
                "fields": [
                    {"key": "type", "stringValue": "ShellCommandActivity"},
                    {"key": "command", "stringValue": "true"},
                ],
            },
        ],
        "parameterObjects": [],
        "parameterValues": [],
    },
}


@pytest.mark.parametrize("what", DEFINITIONS)
def test_it_is_put_activated_and_run_to_its_end(aws: AwsJobs, hook: DataPipelineHook, what: str) -> None:
    definition = DEFINITIONS[what]
    pipeline_id = hook.create_pipeline("load", "1")
    given: dict[str, Any] = {"pipeline_id": pipeline_id, "definition": definition, **AWS}
    OneTask(lambda: DataPipelinePutPipelineDefinitionOperator(task_id="put", **given)).run()
    result = activate(pipeline_id).run()
    assert result["state"] == "FINISHED"
    expected = 1 if "pipelineObjects" in definition else 2
    assert result["instances"] == {"FINISHED": expected}


def test_a_schedule_of_years_ago_is_followed_from_a_time(aws: AwsJobs, pipeline: Callable[..., str]) -> None:
    """As in most of AWS's guide: the start is in 2013, and AWS refuses to follow all of it by accident."""
    since = {"startDateTime": "2013-08-26T00:00:00", "startAt": []}
    pipeline_id = pipeline({"objects": [SCHEDULED, {**ONCE, **since}, MACHINE, WORK]})
    start = NOW - timedelta(days=3)
    result = activate(pipeline_id, start_timestamp=start, wait_until=NOW).run()
    assert result["instances"] == {"FINISHED": 6}
