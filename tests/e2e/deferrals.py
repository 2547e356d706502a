# SPDX-License-Identifier: Apache-2.0

"""Deferrals that Airflow's scheduler has read of.

It takes a task that goes on before that for one that was killed, and the task loses a try
(apache/airflow#71580). In production the shortest wait of our triggers is there for it; tests look every
second, on a machine that is too busy for that.
"""

from __future__ import annotations

import re
from collections import Counter

from airflow_provider_jobs.testing.local_airflow import LocalAirflow

Ends = Counter[tuple[str, int]]


def known(ends: Ends, task_id: str, try_number: int, log: str) -> bool:
    """Whether a scheduler has read of all deferrals that are in the log of a try."""
    return ends[task_id, try_number] >= log.count("Pausing task as DEFERRED")


def ends(airflow: LocalAirflow, dag_id: str, run_id: str) -> Ends:
    """How often a scheduler has read that a worker was done with a task, by task and try number."""
    told = re.compile(
        r"Received executor event with state (?:success|failed) for task instance TaskInstanceKey\("
        rf"dag_id='{dag_id}', task_id='(\w+)', run_id='{re.escape(run_id)}', try_number=(\d+)"
    )
    found: Ends = Counter()
    for log in airflow.home.glob("scheduler*.log"):
        found.update((task, int(number)) for task, number in told.findall(log.read_text(errors="replace")))
    return found
