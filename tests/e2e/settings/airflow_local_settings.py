# SPDX-License-Identifier: Apache-2.0

"""Settings of the tests' Airflow, which finds this file by its name.

The scheduler and the DAG processor import what the DAGs import, once, and the scheduler reads the services'
models: the processes that they fork for every task and every reading of a file would each do it again, which
is most of what a task costs. The hooks, which only calls need, are the scheduler's alone.
"""

from __future__ import annotations

import sys
from typing import Any

if {"scheduler", "dag-processor"} & set(sys.argv):
    from airflow_provider_jobs.operators import (  # noqa: F401
        data_pipeline,
        eventbridge,
        iot_analytics,
        lookout_equipment,
    )

if "scheduler" in sys.argv:
    import boto3

    import airflow_provider_jobs.hooks.data_pipeline
    import airflow_provider_jobs.hooks.eventbridge
    import airflow_provider_jobs.hooks.iot_analytics
    import airflow_provider_jobs.hooks.lookout_equipment
    import airflow_provider_jobs.operators._runner
    import airflow_provider_jobs.triggers.job  # noqa: F401
    from airflow_provider_jobs.service_models import use_service_models

    services: tuple[Any, ...] = ("datapipeline", "events", "iotanalytics", "lookoutequipment")
    session = boto3.Session("none", "none", region_name="us-east-1")
    use_service_models(session)
    for service in services:
        session.client(service)
