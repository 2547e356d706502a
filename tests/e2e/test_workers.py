# SPDX-License-Identifier: Apache-2.0

"""Workers that die, for every job type at once: on the worker and deferred."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .every_job import EveryJob, Outcome, expect

pytestmark = pytest.mark.e2e

Start = Callable[..., EveryJob]


def test_a_plain_run(every_job: Start) -> None:
    run = every_job()
    run.until_waiting()
    run.finish()
    assert run.outcomes() == expect(all=Outcome(("succeeded",), 1, "success", 1, 0))
