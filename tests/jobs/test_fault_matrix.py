# SPDX-License-Identifier: Apache-2.0

"""The simplest tests once more under faults that they know nothing of; ``make faults`` runs many more."""

from __future__ import annotations

import pytest
from fault_kinds import KINDS
from fault_matrix import asked_for
from jobs.test_exactly_once import test_a_task_starts_one_job_and_returns_what_became_of_it
from jobs.test_sensors import job_id, test_it_succeeds_with_the_job, wait

__all__ = [
    "job_id",
    "test_a_task_starts_one_job_and_returns_what_became_of_it",
    "test_it_succeeds_with_the_job",
    "wait",
]

#: Kinds that a sensor, which starts nothing, may meet.
OF_SENSORS = [kind for kind in KINDS if kind.startswith("polls-")]


@pytest.fixture(autouse=True)
def _under_a_fault(fault_kind: str) -> None:
    """Let each test run under a kind."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test under the kinds that it can meet, unless the command line names others."""
    if not asked_for(metafunc.config):
        kinds = OF_SENSORS if "wait" in metafunc.fixturenames else [*KINDS]
        metafunc.parametrize("fault_kind", kinds, indirect=True)
