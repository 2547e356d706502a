# SPDX-License-Identifier: Apache-2.0

"""Tasks that defer once and do nothing else: what Airflow itself costs."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import DAG, BaseOperator
from task_cpu import note

SECONDS = float(os.environ["BENCHMARK_SECONDS"])


class DeferOnce(BaseOperator):
    """Waits in the triggerer.

    :param number: tells mapped tasks apart.
    """

    def __init__(self, *, number: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.number = number

    def execute(self, context: Any) -> None:
        """Defer."""
        self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=SECONDS)), method_name="execute_complete")

    def execute_complete(self, context: Any, event: Any = None) -> None:
        """Go on."""


for dag_id, count in (("floor_first", 1), ("floor", int(os.environ["BENCHMARK_JOBS"]))):
    with DAG(dag_id, schedule=None, default_args={"on_execute_callback": note}):
        DeferOnce.partial(task_id="job").expand(number=list(range(count)))
