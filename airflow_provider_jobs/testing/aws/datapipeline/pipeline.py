# SPDX-License-Identifier: Apache-2.0

"""A pipeline of Data Pipeline: its definition, its state, and what it has run.

States: https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-interpret-status.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from moto.datapipeline.utils import get_random_pipeline_id

from airflow_provider_jobs.testing.aws.datapipeline.activities import ActivityInstance
from airflow_provider_jobs.testing.aws.datapipeline.checks import invalid
from airflow_provider_jobs.testing.aws.datapipeline.definition import Definition, Interval
from airflow_provider_jobs.testing.aws.datapipeline.instances import FAILURES, Field, Instance, ref, string
from airflow_provider_jobs.testing.aws.datapipeline.plan import plan, reset_companions
from airflow_provider_jobs.testing.aws.datapipeline.runs import SERVICE, Run
from airflow_provider_jobs.testing.control import CONTROL

#: An activation that would begin earlier in the past is refused as an accident, unless it names its start.
MAX_BACKFILL = timedelta(days=1)

#: The quota that lets an activation show late: for so many reads the pipeline has the state of before, and of
#: what it runs only the first activity and its resource are there.
LAG = "datapipeline-lag"

COMPONENT_STATUSES = ("PAUSE", "RESUME")
INSTANCE_STATUSES = ("TRY_CANCEL", "RERUN", "MARK_FINISHED")


class Pipeline:
    """A pipeline, from its creation to its deletion.

    :param account: the number of the account
    :param request: CreatePipeline's arguments
    """

    def __init__(self, account: str, request: dict[str, Any]) -> None:
        self.id: str = get_random_pipeline_id()
        self.name: str = request["name"]
        self.unique_id: str = request["uniqueId"]
        self.definition = self.active = Definition([])
        self.deleted = False
        self._account = account
        self._description: str = request.get("description", "")
        self._tags = request.get("tags", [])
        self._version = 0
        self._created = CONTROL.clock()
        self._first_activation: datetime | None = None
        self._last_activation: datetime | None = None
        self._endless = False
        self._paused: set[str] = set()
        self._instances: list[Instance] = []
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
        return [instance for instance in self._instances if instance.born]

    @property
    def _shown(self) -> list[Instance]:
        """The instances that the API shows."""
        if not self._lag or self._run is None:
            return self._born
        first = self._run.first
        early = [first, first.runs_on] if first else []
        return [i for i in self._born if i in early or i not in self._run.instances]

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
            **_health(self._shown),
            **(self._before if self._lag else {}),
        }
        return {
            "pipelineId": self.id,
            "name": self.name,
            "description": self._description,
            "fields": [string(key, value) for key, value in fields.items() if value is not None],
            "tags": self._tags,
        }

    def objects(self, evaluate: bool = False) -> dict[str, dict[str, Any]]:
        """All objects by their id, as DescribeObjects describes them: components, instances, attempts.

        :param evaluate: whether expressions are to be evaluated
        """
        return {
            object_id: {
                "id": object_id,
                "name": name,
                "fields": [*fields, string("@pipelineId", self.id)],
            }
            for object_id, name, fields in self._objects(evaluate)
        }

    def _objects(self, evaluate: bool) -> Iterator[tuple[str, str, list[Field]]]:
        born = self._shown
        for object_id, component in self.definition.by_id.items():
            yield object_id, component["name"], self._component_fields(object_id, born)
        for instance in born:
            yield instance.id, instance.id, instance.fields(evaluate)
            if not isinstance(instance, ActivityInstance):
                continue
            for attempt in instance.attempts:
                yield attempt.id, attempt.id, instance.attempt_fields(attempt, evaluate)

    def _component_fields(self, object_id: str, born: list[Instance]) -> list[Field]:
        instances = [instance for instance in born if instance.component == object_id]
        status = "PAUSED" if object_id in self._paused else self.state
        fields: list[Field] = [*self.definition.by_id[object_id]["fields"]]
        fields += [
            string("@sphere", "COMPONENT"),
            string("@version", self._version),
            string("@status", status),
        ]
        fields += [ref("@activeInstances", instance.id) for instance in instances if not instance.terminal]
        return fields + [string(key, value) for key, value in _health(instances).items()]

    def _times(self) -> dict[str, datetime | None]:
        born = self._born
        coming = [instance.interval.start for instance in self._instances if not instance.born]
        starts = [instance.interval.start for instance in self._instances]
        ends = [instance.interval.end for instance in self._instances]
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
        self._instances = self._born
        intervals = {activity: list(schedule.intervals(moment)) for activity, schedule in schedules.items()}
        new = self._plan(definition, intervals)
        for instance in new:
            if start is not None and instance.interval.start < start:
                instance.skip()
        left = [] if self._run is None else self._left_by(self._run)
        return left + [instance for instance in new if not instance.terminal]

    def _plan(self, definition: Definition, intervals: dict[str, list[Interval]]) -> list[Instance]:
        new = plan(definition, intervals, self._instances, self._version)
        self._instances = [*self._instances, *new]
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
                for other in self._instances
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
        if run is None or run.deactivated:
            return
        if run.life.active:
            run.update()
        elif any(not (i.terminal or i.blocked or i.component in self._paused) for i in run.instances):
            self._rerun([])


def _health(instances: list[Instance]) -> dict[str, Any]:
    """Tell whether the last instance to end did its work; nothing before one has ended."""
    ended = [(instance.ended, instance) for instance in instances if instance.ended is not None]
    if not ended:
        return {}
    time, last = max(ended, key=lambda pair: pair[0])
    return {
        "@healthStatus": "ERROR" if last.status in FAILURES else "HEALTHY",
        "@healthStatusFromInstanceId": last.id,
        "@healthStatusUpdatedTime": time,
    }
