# SPDX-License-Identifier: Apache-2.0

"""The invariants of ``world/invariants.py`` hold in every history of events, in a model of AWS and Airflow.

The unit tests explore every single event at every point, and of the ordered pairs of events a fixed part.
``make explore`` explores all pairs (see ``world/__main__.py``).
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from once.world.airflow import Mode, Setting, World, advance
from once.world.explore import explore
from once.world.invariants import Violation, start_allowed
from once.world.settings import ADDITIONS, SETTINGS, VARIATIONS

from airflow_provider_jobs import _once as once

pytestmark = pytest.mark.extended

#: Of the pairs of events, one in so many.
PAIRS, PAIRS_OF_VARIATIONS = 16, 100


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_every_event_at_every_point(setting: Setting) -> None:
    result = explore(setting, 1)
    print(result)
    assert not result.found, str(result.found[0])
    # Each setting has a hundred events at its points, whatever else changes.
    assert result.histories > 100


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_pairs_of_events(setting: Setting) -> None:
    result = explore(setting, 2, every=PAIRS)
    print(result)
    assert not result.found, str(result.found[0])
    assert result.histories > 800


@pytest.mark.parametrize("setting", [*VARIATIONS, *ADDITIONS], ids=str)
def test_pairs_of_events_under_other_circumstances(setting: Setting) -> None:
    result = explore(setting, 2, every=PAIRS_OF_VARIATIONS)
    print(result)
    assert not result.found, str(result.found[0])
    assert result.histories > 200


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_what_takes_long_may_add_up(setting: Setting) -> None:
    """A process is held up, its call hangs, and lists lag: each for almost as long as it may."""
    late = ("held up", "held up, stuck 59", "stuck 59", "answer lost", "answer late", "lag begins")
    result = explore(setting, 3, only=late)
    print(result)
    assert not result.found, str(result.found[0])
    assert result.histories > 100


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_without_events_one_job_is_started_and_succeeds(setting: Setting) -> None:
    world = World(setting)
    while world.mode is not Mode.HOME:
        advance(world)
    assert world.home == "success"
    assert [job.job_id for job in world.jobs] == ["job-1"]


def test_the_exam_itself_can_fail() -> None:
    world = World(SETTINGS[0])
    while not world.jobs:
        advance(world)
    (job,) = world.jobs
    with pytest.raises(Violation, match="alone"):
        start_allowed(world, job)


def test_the_decision_knows_no_clock_no_airflow_and_no_aws() -> None:
    """The world's only clock is AWS's: nothing in the room may read another, nor import what has one."""
    files = sorted(Path(once.__file__).parent.glob("*.py"))
    assert files
    imported, called = set(), set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").split(".")[0])
            elif isinstance(node, ast.Attribute):
                called.add(node.attr)
    assert not imported & {"airflow", "boto3", "botocore", "time", "random", "socket", "asyncio"}
    assert not called & {"now", "utcnow", "today", "monotonic", "perf_counter"}
