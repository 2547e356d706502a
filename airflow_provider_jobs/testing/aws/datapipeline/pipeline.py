# SPDX-License-Identifier: Apache-2.0

"""A pipeline of Data Pipeline: its definition, its state, and what it has run.

States: https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-interpret-status.html.
"""

from __future__ import annotations

import string as characters
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from moto.moto_api._internal import mock_random

from airflow_provider_jobs.testing.aws.datapipeline.checks import invalid
from airflow_provider_jobs.testing.aws.datapipeline.definition import Definition, Interval
from airflow_provider_jobs.testing.aws.datapipeline.instances import Instance, string
from airflow_provider_jobs.testing.aws.datapipeline.objects import PipelineObjects, health
from airflow_provider_jobs.testing.aws.datapipeline.plan import plan, reset_companions
from airflow_provider_jobs.testing.aws.datapipeline.queries import Queries
from airflow_provider_jobs.testing.aws.datapipeline.runs import SERVICE, Run
from airflow_provider_jobs.testing.control import CONTROL

#: An activation that would begin earlier in the past is refused as an accident, unless it names its start.
MAX_BACKFILL = timedelta(days=1)

#: The quota that lets an activation show late: for so many reads the pipeline has the state of before, and of
#: what it runs only the first activity and its resource are there.
LAG = "datapipeline-lag"

COMPONENT_STATUSES = ("PAUSE", "RESUME")
INSTANCE_STATUSES = ("TRY_CANCEL", "RERUN", "MARK_FINISHED")

#: https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-adding-tags.html
MAX_TAGS = 10


def random_pipeline_id() -> str:
    """Make an id as AWS's are, such as ``df-00627471SOVYZEXAMPLE``."""
    digits = mock_random.choices(characters.digits, k=7)
    rest = mock_random.choices(characters.digits + characters.ascii_uppercase, k=12)
    return "".join(["df-0", *digits, *rest])


class Pipeline:
    """A pipeline, from its creation to its deletion.

    :param account: the number of the account
    :param request: CreatePipeline's arguments
    """

    def __init__(self, account: str, request: dict[str, Any]) -> None:
        self.id = random_pipeline_id()
        self.name: str = request["name"]
        self.unique_id: str = request["uniqueId"]
        self.definition = self.active = Definition([])
        self.deleted = False
        self._account = account
        self._description: str = request.get("description", "")
        self._tags: dict[str, str] = {}
        self.add_tags(request.get("tags", []))
        self._version = 0
        self._created = CONTROL.clock()
        self._first_activation: datetime | None = None
        self._last_activation: datetime | None = None
        self._endless = False
        self._paused: set[str] = set()
        self._instances: dict[str, Instance] = {}
        self.queries = Queries()
        self._run: Run | None = None
        self._lag = 0
        self._before: dict[str, datetime | str | None] = {}
        # The pipeline itself is there at once; what its activations change shows late.
        self.described = CONTROL.replica(
            SERVICE, "descriptions", self.describe, self.read, lambda: not self.deleted, shown=True
        )

    @property
    def state(self) -> str:
        """``@pipelineState``. A pipeline that works is SCHEDULED, as is an endless one that waits."""
        if self._run is None:
            return "PENDING"
        state = self._run.state
        return "SCHEDULED" if state == "FINISHED" and self._endless else state

    @property
    def _born(self) -> list[Instance]:
        return [instance for instance in self._instances.values() if instance.born]

    def _shows(self) -> Callable[[Instance], bool]:
        """Return what tells whether the API shows an instance."""
        if not self._lag or self._run is None:
            return attrgetter("born")
        first = self._run.first
        early = [first, first.runs_on] if first else []
        late = {*self._run.instances}.difference(early)
        return lambda instance: instance.born and instance not in late

    def read(self) -> None:
        """Count a read of what it runs."""
        if self._run is not None:
            self._run.life.read()
            self._run.update()
        self._lag = max(0, self._lag - 1)

    def put(self, definition: Definition) -> None:
        """Save a definition, in place of any earlier one."""
        self.definition = definition
        self._version += 1

    def activate(self, definition: Definition, start: datetime | None) -> None:
        """Activate the pipeline; one that runs on demand runs once more.

        :param definition: without errors
        :param start: the time from which a schedule is followed; intervals before it are skipped
        """
        if self.state == "DEACTIVATING":
            raise invalid(f"Pipeline {self.id} is in DEACTIVATING state and cannot be activated")
        moment = self._moment()
        self._before = {"@pipelineState": self.state, "@finishedTime": self._times()["@finishedTime"]}
        if definition.on_demand:
            if self._run is not None:
                self._run.cancel()
            self._endless = False
            interval = Interval(moment, moment)
            instances = self._plan(definition, {activity: [interval] for activity in definition.activities})
        else:
            if self.state == "FINISHED":
                raise invalid(f"Pipeline {self.id} is in FINISHED state and cannot be activated")
            instances = self._follow_schedule(definition, moment, start)
        self.active = definition
        self._first_activation = self._first_activation or moment
        self._last_activation = moment
        self._run = Run(self.id, instances, self._paused, moment)
        self._lag = CONTROL.quota(LAG, 0)

    def deactivate(self, cancel_active: bool) -> None:
        """Deactivate the pipeline, if it is active."""
        if self._run is not None and self.state == "SCHEDULED":
            self._run.deactivate(cancel_active)

    def delete(self) -> None:
        """Delete the pipeline, and cancel what it runs."""
        self.deleted = True
        if self._run is not None:
            self._run.cancel()

    def set_status(self, object_ids: Sequence[str], status: str) -> None:
        """https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_SetStatus.html."""
        if self.state == "FINISHED":
            raise invalid(f"Pipeline {self.id} is in FINISHED state and its objects cannot be changed")
        # AWS's example has it in lower case.
        status = status.upper()
        instances = {instance.id: instance for instance in self._born}
        known = self.definition.by_id if status in COMPONENT_STATUSES else instances
        if status not in COMPONENT_STATUSES + INSTANCE_STATUSES:
            raise invalid(f"Status {status} is not valid")
        if unknown := [object_id for object_id in object_ids if object_id not in known]:
            raise invalid(f"Status {status} cannot be set on {', '.join(unknown)}")
        if status == "PAUSE":
            self._paused.update(object_ids)
        elif status == "RESUME":
            self._paused.difference_update(object_ids)
        else:
            self._set_instances([instances[object_id] for object_id in object_ids], status)
        self._go_on()

    def add_tags(self, tags: Sequence[Mapping[str, str]]) -> None:
        """Add tags, or give them new values."""
        added = self._tags | {tag["key"]: tag["value"] for tag in tags}
        if len(added) > MAX_TAGS:
            raise invalid(f"A pipeline has at most {MAX_TAGS} tags, not {len(added)}")
        self._tags = added

    def remove_tags(self, keys: Sequence[str]) -> None:
        """Remove tags; those that there are not count as removed."""
        self._tags = {key: value for key, value in self._tags.items() if key not in keys}

    def describe(self) -> dict[str, Any]:
        """Describe the pipeline as DescribePipelines does."""
        fields = {
            "@id": self.id,
            "@sphere": "PIPELINE",
            "@pipelineState": self.state,
            "@version": self._version,
            "@userId": self._account,
            "@accountId": self._account,
            "pipelineCreator": self._account,
            "name": self.name,
            "description": self._description or None,
            "uniqueId": self.unique_id,
            "@creationTime": self._created,
            "@firstActivationTime": self._first_activation,
            "@lastActivationTime": self._last_activation,
            **self._times(),
            **health([*filter(self._shows(), self._instances.values())]),
            **(self._before if self._lag else {}),
        }
        return {
            "pipelineId": self.id,
            "name": self.name,
            "description": self._description,
            "fields": [string(key, value) for key, value in fields.items() if value is not None],
            "tags": [{"key": key, "value": value} for key, value in self._tags.items()],
        }

    def objects(self) -> PipelineObjects:
        """All objects that the API shows: components, instances, attempts."""
        return PipelineObjects(
            pipeline_id=self.id,
            definition=self.definition,
            version=self._version,
            state=self.state,
            paused=self._paused,
            instances=self._instances,
            shows=self._shows(),
        )

    def _times(self) -> dict[str, datetime | None]:
        born = self._born
        instances = self._instances.values()
        coming = [instance.interval.start for instance in instances if not instance.born]
        starts = [instance.interval.start for instance in instances]
        ends = [instance.interval.end for instance in instances]
        ended = [instance.ended for instance in born if instance.ended is not None]
        next_run = max(ends) if self._endless and ends else None
        return {
            "@latestRunTime": max((instance.interval.start for instance in born), default=None),
            "@nextRunTime": min(coming, default=next_run),
            "@scheduledStartTime": min(starts, default=None),
            "@scheduledEndTime": None if self._endless else max(ends, default=None),
            "@finishedTime": self._finished(ended),
        }

    def _finished(self, ended: list[datetime]) -> datetime | None:
        """Assumption: a pipeline finishes in a later second than it was activated in."""
        if self.state != "FINISHED" or not ended or self._last_activation is None:
            return None
        return max(*ended, self._last_activation + timedelta(seconds=1))

    def _moment(self) -> datetime:
        # Whole seconds, as all of the service's times. Instances are named by an activation's, and told from
        # those of an earlier one by their starts: in tests a lot happens in a second.
        earlier = [self._last_activation, *(instance.started for instance in self._born)]
        moments = [time + timedelta(seconds=1) for time in earlier if time is not None]
        return max([CONTROL.clock(), *moments]).replace(microsecond=0)

    def _follow_schedule(
        self, definition: Definition, moment: datetime, start: datetime | None
    ) -> list[Instance]:
        first = self._first_activation or moment
        schedules = {activity: definition.schedule(activity, first) for activity in definition.activities}
        begin = min(schedule.start for schedule in schedules.values())
        if self._first_activation is None and start is None and begin < moment - MAX_BACKFILL:
            raise invalid("Pipeline cannot be activated: its scheduledStartTime is earlier than 1 day ago")
        self._endless = any(schedule.end is None for schedule in schedules.values())
        # Intervals that have not come are planned again, since the definition may have changed.
        self._instances = {instance.id: instance for instance in self._born}
        intervals = {activity: list(schedule.intervals(moment)) for activity, schedule in schedules.items()}
        new = self._plan(definition, intervals)
        for instance in new:
            if start is not None and instance.interval.start < start:
                instance.skip()
        left = [] if self._run is None else self._left_by(self._run)
        return left + [instance for instance in new if not instance.terminal]

    def _plan(self, definition: Definition, intervals: dict[str, list[Interval]]) -> list[Instance]:
        new = plan(definition, intervals, [*self._instances.values()], self._version)
        self._instances |= {instance.id: instance for instance in new}
        return new

    def _left_by(self, run: Run) -> list[Instance]:
        left = [instance for instance in run.release() if instance.born]
        if run.deactivated:
            # It goes on where it was stopped.
            stopped = [instance for instance in run.instances if instance.status == "CANCELED"]
            for instance in stopped:
                instance.reset()
            left += stopped + reset_companions(stopped)
        return left

    def _set_instances(self, instances: list[Instance], status: str) -> None:
        now = CONTROL.clock()
        for instance in instances:
            if status == "MARK_FINISHED":
                instance.finish(now)
            else:
                instance.cancel(now)
        if status == "RERUN":
            self._rerun(instances)

    def _rerun(self, instances: list[Instance]) -> None:
        again = list(instances)
        # A rerun goes on to those that failed with the instance, if they are set to cascade.
        for instance in again:
            again += [
                other
                for other in self._instances.values()
                if instance in other.waits_for and other.status == "CASCADE_FAILED" and other not in again
            ]
        left = [] if self._run is None else self._run.release()
        for instance in again:
            instance.reset()
        again += reset_companions(again)
        self._run = Run(self.id, left + again, self._paused, self._last_activation or self._created)

    def _go_on(self) -> None:
        """Run what a change of status has set free, which takes a new run if the last one has ended."""
        run = self._run
        if run is None:
            return
        run.touch()
        if run.deactivated:
            return
        if run.life.active:
            run.update()
        elif any(not (i.terminal or i.blocked or i.component in self._paused) for i in run.instances):
            self._rerun([])
