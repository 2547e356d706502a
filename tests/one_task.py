# SPDX-License-Identifier: Apache-2.0

"""One task instance and what Airflow does with it: tries, deferrals, retries, clears, kills.

The operator and the trigger are the real ones and pass through the same gates as in Airflow: every try
and every resumption gets a new operator, every trigger is rebuilt from its serialised arguments.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from airflow.providers.common.compat.module_loading import import_string
from airflow.providers.common.compat.sdk import BaseOperator, BaseSensorOperator, TaskDeferred
from airflow.triggers.base import BaseTrigger
from airflow_features import FEATURES

from airflow_provider_jobs.exceptions import JobApiError

try:
    from airflow.sdk.serde import deserialize, serialize
except ImportError:  # below Airflow 3.2
    from airflow.serialization.serde import (  # type: ignore[no-redef,import-not-found]
        deserialize,
        serialize,
    )


#: How many tries a task makes at most that fail by what its test knows nothing of: of Data Pipeline's eight
#: reads one or two are struck where one in five is.
_MOST_TRIES = 100


class Outlets(dict[Any, Any]):
    def __missing__(self, key: Any) -> Any:
        self[key] = SimpleNamespace(extra={})
        return self[key]


@dataclass
class Store:
    """Airflow 3.3's task_state_store; holds JSON, as that does."""

    rows: dict[str, str]

    def get(self, key: str) -> Any:
        return json.loads(self.rows[key]) if key in self.rows else None

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        self.rows[key] = json.dumps(value)


async def next_event(trigger: BaseTrigger) -> Any:
    """Run a trigger until its event; returns what that holds."""
    async for event in trigger.run():
        return event.payload
    raise AssertionError("the trigger ended without an event")


@dataclass
class OneTask:
    """A task instance.

    :param make: builds the task's operator anew.
    :param interval: the run's data interval; None for a run that was triggered by an asset or by hand.
    :param store: what its task_state_store holds; None for none, which is all that Airflow below 3.3 has.
    """

    make: Callable[[], BaseOperator]
    run_id: str = "scheduled__2026-01-02T00:00:00+00:00"
    map_index: int = -1
    run_started: datetime = datetime(2026, 1, 2, 0, 0, 1, tzinfo=UTC)
    interval: tuple[datetime, datetime] | None = (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 2, tzinfo=UTC),
    )
    retries: int = 3
    tries: int = 0
    max_tries: int = 3
    xcoms: dict[str, Any] = field(default_factory=dict)
    outlet_events: Outlets = field(default_factory=Outlets)
    store: dict[str, str] | None = field(
        default_factory=lambda: {} if FEATURES["task_state_store"].found() else None
    )
    clear_number: int = 0
    dag_version: str | None = "0199-a"
    deferred: TaskDeferred | None = None
    operator: BaseOperator | None = None

    def context(self, operator: BaseOperator) -> Any:
        operator.retries = self.retries
        ti = SimpleNamespace(
            dag_id="orders",
            run_id=self.run_id,
            task_id=operator.task_id,
            map_index=self.map_index,
            max_tries=self.max_tries,
            try_number=self.tries,
            dag_version_id=self.dag_version,
            xcom_push=lambda key, value: self.xcoms.__setitem__(key, json.loads(json.dumps(value))),
        )
        return {
            "ti": ti,
            "task": operator,
            "run_id": self.run_id,
            "dag_run": SimpleNamespace(
                start_date=self.run_started, run_id=self.run_id, clear_number=self.clear_number
            ),
            "outlet_events": self.outlet_events,
            **dict(zip(("data_interval_start", "data_interval_end"), self.interval or (), strict=False)),
            **({} if self.store is None else {"task_state_store": Store(self.store)}),
        }

    def struck(self) -> int:
        """How many calls have met a fault that the test knows nothing of; see ``fault_matrix``."""
        return 0

    def begin(self) -> Any:
        """Begin a try; returns its result, or None when it deferred."""
        return self._tried(self._begin)

    def resume(self, event: Any) -> Any:
        """Go on with a trigger's event; returns the result, or None when it deferred again."""
        return self._tried(lambda: self._resume(event))

    def _tried(self, go: Callable[[], Any]) -> Any:
        """Go on, and in the next try where this one failed before the start by a fault of the matrix."""
        for _ in range(_MOST_TRIES):
            struck = self.struck()
            try:
                return go()
            except JobApiError:
                sensing = isinstance(self.operator, BaseSensorOperator)
                if self.struck() == struck or sensing:
                    raise
            go = self._begin
        return go()

    def _begin(self) -> Any:
        self.tries += 1
        self.xcoms.clear()
        self.deferred = None
        operator = self.operator = self.make()
        return self._step(lambda: operator.execute(self.context(operator)))

    def _resume(self, event: Any) -> Any:
        assert self.deferred is not None
        method, kwargs = self.deferred.method_name, self.deferred.kwargs or {}
        self.deferred = None
        operator = self.operator = self.make()
        return self._step(
            lambda: operator.resume_execution(method, {**kwargs, "event": event}, self.context(operator))
        )

    def run(self) -> Any:
        """Begin a try and follow it through all its deferrals to the end."""
        result = self.begin()
        while self.deferred is not None:
            result = self.resume(self.fire())
        return result

    def start(self) -> Any:
        """Begin a try and follow it until it waits for its job; returns the result if it has one by then.

        Without notes (below Airflow 3.3) a retry waits first, until AWS must have shown what was started.
        """
        result = self.begin()
        while self.deferred is not None and self.deferred.method_name == "execute_after_wait":
            result = self.resume(self.fire())
        return result

    def fire(self) -> Any:
        """Run the trigger, as the triggerer would, until its event."""
        return json_safe(asyncio.run(next_event(self.trigger())))

    def trigger(self) -> BaseTrigger:
        """Rebuild the trigger from what Airflow stores of it."""
        assert self.deferred is not None, "the task has not deferred"
        path, kwargs = self.deferred.trigger.serialize()
        stored = json.loads(json.dumps(serialize(kwargs)))
        arguments: Any = deserialize(stored)
        trigger: BaseTrigger = import_string(path)(**arguments)
        return trigger

    def clear(self) -> None:
        """Clear the task, as a user does."""
        self.max_tries = self.tries + self.retries
        self.clear_number += 1

    def _step(self, go: Callable[[], Any]) -> Any:
        try:
            return json_safe(go())
        except TaskDeferred as deferred:
            if deferred.timeout is not None:
                raise AssertionError("defer(timeout=) skips execute_complete and on_kill") from deferred
            self.deferred = deferred
            return None


def json_safe(value: Any) -> Any:
    """Return the value as it comes out of Airflow's own store."""
    return deserialize(json.loads(json.dumps(serialize(value))))
