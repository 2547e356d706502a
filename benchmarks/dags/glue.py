# SPDX-License-Identifier: Apache-2.0

"""Jobs of AWS Glue, by the Amazon provider."""

from __future__ import annotations

import os

from airflow.providers.amazon.aws.operators.glue import GlueJobOperator
from airflow.sdk import DAG
from task_cpu import note

for dag_id, count in (("glue_first", 1), ("glue", int(os.environ["BENCHMARK_JOBS"]))):
    with DAG(dag_id, schedule=None, default_args={"on_execute_callback": note}):
        GlueJobOperator.partial(
            task_id="job",
            job_name="copy",
            iam_role_name="copy",
            deferrable=True,
            waiter_delay=int(os.environ["BENCHMARK_INTERVAL"]),
        ).expand(script_args=[{"--part": str(n)} for n in range(count)])
