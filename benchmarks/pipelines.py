# SPDX-License-Identifier: Apache-2.0

"""A hundred waiting pipelines, and the calls they cost: ``python -m benchmarks.pipelines [--minutes 6]``.

The simulated AWS has Data Pipeline's rate limits on; a call that is throttled is counted.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import time
from typing import Any

import boto3
import structlog

from airflow_provider_jobs.hooks._spec import HookSpec
from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook
from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs
from airflow_provider_jobs.triggers.job import JobTrigger

REGION = "us-east-1"
PIPELINES = 100
#: What AWS allows an account in a minute.
LIMITS = {"DescribePipelines": 60, "QueryObjects": 120, "DescribeObjects": 120}


def _activated(aws: AwsJobs) -> list[str]:
    """Create pipelines of three activities each and activate them; returns the activations."""
    client = boto3.client("datapipeline", region_name=REGION)
    default = {"scheduleType": "ondemand", "workerGroup": "wg", "pipelineLogUri": "s3://logs/"}
    objects: list[Any] = [{"id": "Default", "name": "Default", "fields": _fields(default)}]
    objects += [
        {"id": f"Step{n}", "name": f"Step {n}", "fields": _fields({"type": "ShellCommandActivity"})}
        for n in range(3)
    ]
    for number in range(PIPELINES):
        pipeline_id = client.create_pipeline(name=f"p{number}", uniqueId=str(number))["pipelineId"]
        client.put_pipeline_definition(pipelineId=pipeline_id, pipelineObjects=objects)
        client.activate_pipeline(pipelineId=pipeline_id)
    return [job["id"] for job in aws.jobs("datapipeline")]


def _fields(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "stringValue": value} for key, value in values.items()]


async def _wait(aws: AwsJobs, jobs: list[str], minutes: int) -> None:
    spec = HookSpec.of(DataPipelineHook, {"aws_conn_id": None, "region_name": REGION})
    waits = [
        asyncio.ensure_future(
            anext(JobTrigger(hook_class=spec.hook_class, hook_parameters=spec.parameters, job_id=job).run())
        )
        for job in jobs
    ]
    before = aws.calls("datapipeline")
    for minute in range(1, minutes + 1):
        await asyncio.sleep(60)
        if minute == minutes // 2:
            for job in jobs:
                aws.advance(job)
        after = aws.calls("datapipeline")
        told = [
            f"{name} {after.get(name, 0) - before.get(name, 0)} of {most}" for name, most in LIMITS.items()
        ]
        ended = sum(wait.done() for wait in waits)
        print(f"minute {minute}: {', '.join(told)} allowed; {ended} of {len(waits)} waits over", flush=True)
        before = after
    for wait in waits:
        wait.cancel()


def main() -> None:
    """Print the calls minute by minute; all pipelines end after half of the time."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipelines", description=__doc__)
    parser.add_argument("--minutes", type=int, default=6)
    minutes = parser.parse_args().minutes
    # Each wait tells its progress; only the counts are of interest here.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with mock_aws_jobs(reads=None) as aws:
        jobs = _activated(aws)
        aws.set_quota("datapipeline-rate", 100)
        print(f"{len(jobs)} pipelines wait, a look every 30 s", flush=True)
        began = time.process_time()
        asyncio.run(_wait(aws, jobs, minutes))
        print(f"{time.process_time() - began:.1f} s of CPU, the simulated AWS's included")


if __name__ == "__main__":
    main()
