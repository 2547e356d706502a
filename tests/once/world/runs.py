# SPDX-License-Identifier: Apache-2.0

"""One run of the product's steps, which can be built again from the answers that were given."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from once.world.situation import Answer, Truth

from airflow_provider_jobs._once import steps as core
from airflow_provider_jobs._once.attempt_log import AttemptLog
from airflow_provider_jobs._once.evidence import Task


@dataclass(slots=True)
class Live:
    """A generator that stands at ``step``, or has returned ``outcome``."""

    steps: Any
    carried: core.Carried
    step: Any = None
    outcome: Any = None

    def send(self, answer: Answer | None) -> None:
        if answer is not None and answer.log is not None:
            self.carried.log = answer.log
        try:
            self.step = self.steps.send(None if answer is None else answer.value)
        except StopIteration as stop:
            self.step, self.outcome = None, stop.value


@dataclass(slots=True)
class Run:
    """One run of the steps: what it was begun with, and the answers so far."""

    task: Task
    rows: str | None
    carried: str | None
    truth: Truth
    answers: tuple[Answer, ...] = ()
    live: Live | None = None

    def key(self) -> Any:
        task = self.task
        return (
            task.fingerprint.text,
            task.identity.site,
            self.rows,
            self.carried,
            self.truth,
            task.scope,
            task.dag_version,
            tuple(answer.key for answer in self.answers),
        )

    def standing(self) -> Live:
        """The generator, after all answers that were given."""
        if self.live is None:
            rows = None if self.rows is None else json.loads(self.rows)
            log = AttemptLog.open(rows, self.task.try_number == 1, self.task.identity.digest)
            carried = core.Carried.from_json(None if self.carried is None else json.loads(self.carried))
            self.live = Live(core.steps(self.task, log, rows is not None, carried), carried)
            for answer in (None, *self.answers):
                self.live.send(answer)
        return self.live
