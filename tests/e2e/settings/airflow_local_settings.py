# SPDX-License-Identifier: Apache-2.0

"""Settings of the tests' Airflow, which finds this file by its name.

The scheduler and the DAG processor import what the DAGs import, once: the processes that they fork for
every task and every reading of a file would each do it again, which is most of what a task costs.
"""

from __future__ import annotations

import sys

if {"scheduler", "dag-processor"} & set(sys.argv):
    import airflow_provider_jobs.operators.data_pipeline
    import airflow_provider_jobs.operators.eventbridge
    import airflow_provider_jobs.operators.iot_analytics
    import airflow_provider_jobs.operators.lookout_equipment  # noqa: F401
