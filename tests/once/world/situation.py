# SPDX-License-Identifier: Apache-2.0

"""What a world is set to, and in what situation its task is: plain values."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from airflow_provider_jobs._once.evidence import Marking


class Store(StrEnum):
    """What becomes of the rows that are kept for the task."""

    KEPT = "kept over clears"
    CLEARED = "discarded by a clear"
    NONE = "no store"


class Setting(NamedTuple):
    """What does not change in a history."""

    marking: Marking
    store: Store
    may_stop: bool = True
    #: Each process makes another fingerprint of the same request, in the same version of the DAG.
    unstable: bool = False
    #: Airflow tells the version of the DAG.
    versions: bool = True
    #: Airflow tells how often the run was cleared.
    clear_numbers: bool = True
    #: AWS has a state for a job that is being stopped; else it shows it as running to its end.
    shows_stopping: bool = True
    #: A reading has the newest job first; else the oldest.
    newest_first: bool = True
    #: The preparation of a start finds no room while any job of the scope is live.
    one_at_a_time: bool = False
    #: Seconds that the clock of AWS's answers is ahead of the one that dates its jobs.
    ahead: int = 0
    #: The user gives the job a name or a token; of a name, its description tells whose it is.
    own: bool = False
    #: The user's description quotes the mark of another job.
    quotes: bool = False
    #: Airflow deletes what is kept for a task when it succeeds.
    clears_on_success: bool = False

    def __str__(self) -> str:
        words = [self.marking.name, self.store.value, "may stop" if self.may_stop else "may not stop"]
        words += ["unstable template"] * self.unstable + ["no DAG versions"] * (not self.versions)
        words += ["no clear numbers"] * (not self.clear_numbers)
        words += ["no state of stopping"] * (not self.shows_stopping)
        words += ["oldest first"] * (not self.newest_first) + ["one at a time"] * self.one_at_a_time
        words += [f"AWS's answers {self.ahead} s ahead"] * bool(self.ahead)
        words += ["own name or token"] * self.own + ["quotes a mark"] * self.quotes
        words += ["store cleared on success"] * self.clears_on_success
        return ", ".join(words)


class Mode(StrEnum):
    BETWEEN = "between tries"
    STEP = "step"
    WAITING = "waiting"
    HOME = "home"


class Wait(NamedTuple):
    """What a deferred task waits for: an end of its own job, another's end, or a time."""

    kind: str
    job_id: str = ""
    until: float = 0
    half: bool = False


class Answer(NamedTuple):
    """An answer to a step. ``key`` tells it from others; ``log`` is what a StoreLog left in ``Carried``."""

    key: Any
    value: Any
    log: Any = None


class Truth(NamedTuple):
    """What the world knows of the process: the life, request and values of Airflow at its beginning."""

    life: int
    values: tuple[str, int, int | None]
    request: str
    try_number: int
