# SPDX-License-Identifier: Apache-2.0

"""An activation of a pipeline: the instances that it runs, one after the other.

Models https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-how-tasks-scheduled.html.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from airflow_provider_jobs.testing.aws.datapipeline.activities import ActivityInstance
from airflow_provider_jobs.testing.aws.datapipeline.definition import stamp
from airflow_provider_jobs.testing.aws.datapipeline.instances import Instance, Turn
from airflow_provider_jobs.testing.aws.datapipeline.resources import ResourceInstance
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.pace import Phase

SERVICE = "datapipeline"

#: Statuses of instances with which an activation has failed.
BROKEN = ("FAILED", "CASCADE_FAILED")


class Run:
    """Instances on their way, in the order of intervals and dependencies.

    Its life is the job that tests know by the pipeline's id. Its way is cut into equal parts, one for all
    that can be done at the same time: the activities of one interval that are on one level of dependencies,
    what is prepared for them, what is cleared up after them.

    :param pipeline_id: the id of the pipeline
    :param instances: what is to run
    :param paused: the ids of the pipeline's paused components
    :param activated: the time of the activation
    """

    def __init__(
        self, pipeline_id: str, instances: Sequence[Instance], paused: AbstractSet[str], activated: datetime
    ) -> None:
        self.activation_id = f"{pipeline_id}@{stamp(activated)}"
        self.instances = sorted(instances, key=_order)
        self._paused = paused
        turns = sorted({turn for instance in instances for turn in instance.turns})
        self._slots = {turn: slot for slot, turn in enumerate(turns)}
        # An interval comes with the first of its turns, which is the last to be put down here.
        self._births = {start: self._slots[start, level] for start, level in reversed(turns)}
        self._failed = False
        self._closed = False
        self.deactivated = False
        self._take_stock()
        self._state = self.state
        self.life = CONTROL.start(SERVICE, pipeline_id, self.view)
        self.update()

    @property
    def first(self) -> ActivityInstance | None:
        """The first of its activities."""
        return next((each for each in self.instances if isinstance(each, ActivityInstance)), None)

    @property
    def _activities(self) -> list[ActivityInstance]:
        return [instance for instance in self.instances if isinstance(instance, ActivityInstance)]

    @property
    def over(self) -> bool:
        """Whether all its instances have come to an end."""
        return self._closed or not (self._coming or any(not instance.terminal for instance in self._open))

    @property
    def state(self) -> str:
        """The state that it gives to its pipeline."""
        if not self.deactivated:
            return "FINISHED" if self.over else "SCHEDULED"
        return "INACTIVE" if self.over and self.life.phase is not Phase.STOPPING else "DEACTIVATING"

    def view(self) -> dict[str, Any]:
        """Bring it up to date, and describe it for ``AwsJobs.jobs``."""
        self.update()
        return {
            "id": self.activation_id,
            "pipeline": self.life.job_id,
            "parameters": self.instances[0].parameters if self.instances else {},
            "state": self._state,
            "instances": dict(self._statuses),
        }

    def touch(self) -> None:
        """Note that statuses of its instances, or what is paused, were changed from outside."""
        if not self._closed:
            self._take_stock()

    def update(self) -> None:
        """Bring all instances up to date."""
        changed = self._set_by_hand()
        if not self._closed:
            self._advance()
        if changed or not self._closed:
            failed = self.over and any(activity.status in BROKEN for activity in self._activities)
            self._state = "FAILED" if failed and not self.deactivated else self.state
            # Once it is over, a later run may take its instances and run them again.
            self._closed = self.over and not self.life.active

    def _set_by_hand(self) -> bool:
        """Give instances the statuses that a test has set; tell whether there were any."""
        if not self.life.statuses:
            return False
        statuses, self.life.statuses = self.life.statuses, {}
        for instance in self.instances:
            if instance.id in statuses:
                instance.show(statuses[instance.id], CONTROL.clock())
        self._take_stock()
        return True

    def _take_stock(self) -> None:
        """Sort the instances: those that are to come, and those at work, the only ones that change."""
        self._coming = deque(sorted((each for each in self.instances if not each.born), key=self._birth))
        self._open = [each for each in self.instances if each.born and not each.terminal]
        self._statuses = {each.id: each.status for each in self.instances if each.born}
        #: The way at which nothing changes any more, and until when that holds.
        self._settled: tuple[float, datetime | None] | None = None

    def _birth(self, instance: Instance) -> int:
        return self._births.get(instance.interval.start, 0)

    def _advance(self) -> None:
        now = CONTROL.clock()
        reached = self.life.peek()
        if self.life.failure is not None:
            if not self._failed and self.first:
                self._failed = True
                self._fail(reached, self.life.failure, now)
            # What does not depend on the failed instance has nothing left to wait for.
            reached = 1.0
        self._go(reached, now)
        if self.over and self.life.phase is not Phase.STOPPING:
            self.life.advance()

    def deactivate(self, cancel_active: bool) -> None:
        """Start nothing more, and end.

        :param cancel_active: cancel what runs; else it goes on to its end
        """
        now = CONTROL.clock()
        self.deactivated = True
        self.instances = [instance for instance in self.instances if instance.born]
        for instance in self.instances:
            if cancel_active or instance.status not in ("RUNNING", "SHUTTING_DOWN"):
                instance.cancel(now)
        self._take_stock()
        if cancel_active and self.life.active:
            self.life.stop()

    def cancel(self) -> None:
        """Deactivate it and end it at once, unless it is over."""
        if not self._closed:
            self.deactivate(cancel_active=True)
            self.life.advance()
            self.update()

    def release(self) -> list[Instance]:
        """End it, and give away those of its instances that have not ended."""
        released = [instance for instance in self.instances if not instance.terminal]
        self.instances = [instance for instance in self.instances if instance.terminal]
        self.touch()
        self.life.advance()
        self.update()
        self._closed = True
        return released

    def _go(self, reached: float, now: datetime) -> None:
        # Rounded, because a third of three parts must be one whole part.
        way = round(reached * len(self._slots), 9)
        self._let_come(way)
        if self._settled and self._settled[0] == way:
            until = self._settled[1]
            if until is None or now <= until:
                return
        # A resource ends after its activities, in the same moment if all of the way is gone at once.
        resources = [instance for instance in self._open if isinstance(instance, ResourceInstance)]
        for instance in (*self._open, *resources):
            positions = [way - self._slots[turn] for turn in instance.turns]
            instance.update(positions, instance.component in self._paused, now)
        now_shown = {instance.id: instance.status for instance in self._open}
        changed = any(self._statuses.get(name) != status for name, status in now_shown.items())
        self._statuses |= now_shown
        self._open = [instance for instance in self._open if not instance.terminal]
        deadlines = [each.deadline for each in self._open if each.deadline is not None]
        self._settled = None if changed else (way, min(deadlines, default=None))

    def _let_come(self, way: float) -> None:
        """Let the instances of the intervals that have come be there."""
        came = False
        while self._coming and way >= self._birth(self._coming[0]):
            instance = self._coming.popleft()
            instance.born = came = True
            self._open.append(instance)
        if came:
            self._open.sort(key=_order)
            self._settled = None

    def _fail(self, reached: float, reason: str, now: datetime) -> None:
        way = round(reached * len(self._slots), 9)
        slots = sorted(self._slots[activity.order] for activity in self._activities)
        slot = max((slot for slot in slots if slot <= way), default=slots[0])
        self._go(slot / len(self._slots), now)
        ready = [activity for activity in self._activities if activity.ready]
        if ready:
            ready[0].fail(reason, now)
            self._settled = None


def _order(instance: Instance) -> Turn:
    return instance.order
