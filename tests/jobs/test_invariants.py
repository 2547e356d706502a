# SPDX-License-Identifier: Apache-2.0

"""What is true whatever happens in whatever order; for every job type."""

from __future__ import annotations

import os

import pytest
from airflow_features import needs
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from job_cases import CASES, JobCase
from task_machine import TaskMachine

pytestmark = pytest.mark.extended

#: The same lives every time. More of them: ``INVARIANT_LIVES=1000 pytest tests/jobs/test_invariants.py``.
LIVES = settings(
    max_examples=int(os.environ.get("INVARIANT_LIVES", "12")),
    stateful_step_count=16,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@needs("task_state_store")
@pytest.mark.promise("invariants")
@pytest.mark.parametrize("case", CASES)
def test_a_life_of_faults_kills_retries_clears_and_restarts(case: JobCase) -> None:
    machine = type("Machine", (TaskMachine,), {"case": case})
    run_state_machine_as_test(machine, settings=LIVES)
