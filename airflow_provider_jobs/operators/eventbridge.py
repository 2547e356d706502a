# SPDX-License-Identifier: Apache-2.0

"""Start and cancel EventBridge replays, create and delete archives and temporary rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperatorLink, Context, XComArg

from airflow_provider_jobs._eventbridge.parameters import (
    checked_archive,
    checked_rules,
)
from airflow_provider_jobs._eventbridge.replay import ReplayRequest, checked_replay_name
from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.durations import duration_or_zero
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.hooks._classes import EventBridgeReplayHook
from airflow_provider_jobs.job import JobState, JobStatus
from airflow_provider_jobs.lineage import DatasetName, Lineage
from airflow_provider_jobs.links.base import JobLink
from airflow_provider_jobs.links.eventbridge import EventBridgeReplayLink
from airflow_provider_jobs.operator_parameters import StartJobParameters
from airflow_provider_jobs.operators._context import try_number as current_try
from airflow_provider_jobs.operators._delivery import check_delivery, delivered, delivery_spec, full_queues
from airflow_provider_jobs.operators.archives import (
    EventBridgeCreateArchiveOperator,
    EventBridgeDeleteArchiveOperator,
)
from airflow_provider_jobs.operators.cancel_replay import EventBridgeCancelReplayOperator
from airflow_provider_jobs.operators.if_empty import IfEmpty, nothing_done, read_if_empty
from airflow_provider_jobs.operators.start import StartJobOperator
from airflow_provider_jobs.operators.temporary_rule import (
    EventBridgeCreateTemporaryRuleOperator,
    EventBridgeDeleteTemporaryRuleOperator,
)
from airflow_provider_jobs.parameters import Checked, Reader, optional, optional_count, text, truth
from airflow_provider_jobs.partitions import is_backfill, warn_of_future
from airflow_provider_jobs.windows import INTERVAL_END, INTERVAL_START, Window, parse_time

__all__ = [
    "EventBridgeCancelReplayOperator",
    "EventBridgeCreateArchiveOperator",
    "EventBridgeCreateTemporaryRuleOperator",
    "EventBridgeDeleteArchiveOperator",
    "EventBridgeDeleteTemporaryRuleOperator",
    "EventBridgeStartReplayOperator",
]

#: How long the figures may be unreadable before the task fails.
_PATIENCE = timedelta(hours=1)


class EventBridgeStartReplayOperator(StartJobOperator[EventBridgeReplayHook]):
    """Replay a window of an archive's events to the bus that they were archived from.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_StartReplay.html

    The result, which the asset events of ``outlets`` have in their ``extra``, is a dictionary; times are
    ISO 8601 strings in UTC.

    Takes the parameters of :class:`~airflow_provider_jobs.operators.start.StartJobOperator`, and:

    :param archive: name or ARN of the archive. (templated)
    :param event_start_time: the window's start, inclusive: an aware datetime or an ISO 8601 string with
        an offset; by default the start of the run's data interval. Whole seconds. (templated)
    :param event_end_time: the window's end; by default the end of the run's data interval. (templated)
    :param partition_window: as a timedelta or in seconds, how long a partition is. The default window of a
        run without a data interval begins at its ``partition_date`` (Airflow 3.3) and is that long, in
        elapsed time; None goes up to the next tick of a ``CronPartitionTimetable``.
    :param rule_arns: replay only to these rules of the bus, by ARN or by name; to all when None. Before the
        start, a rule that is missing is an error, and so are rules that are all disabled. (templated)
    :param replay_name: a name of your own, 1 to 64 letters, digits and ``.-_``; by default one that
        tells the task and its run. A replay that has to follow one that failed or was cleared gets
        ``.2``, ``.3`` and so on behind it. (templated)
    :param description: shown in the console beside the mark of the task's run. (templated)
    :param archive_delay: as a timedelta or in seconds, how long after the window's end the replay starts at
        the earliest: events reach an archive up to ten minutes late.
    :param if_empty: what becomes of the task if its replay completes without a single event: ``succeed``
        with a warning, ``skip`` or ``fail``.
    :param max_queue_depth: how many messages the queues that the rules fill may have before the replay
        starts; the task waits while one has more. None does not look.
    :param resume: whether a retry goes on where an earlier replay of the task has FAILED or was CANCELLED,
        one minute before its ``event_last_replayed_time``, in place of the whole window. A clear begins with
        the whole window. The result then has ``resumed``.
    :param check_delivery: whether to wait, after the replay has completed, until AWS's figures tell what its
        rules did with the events. The result then has ``delivery``, as that of
        :class:`~airflow_provider_jobs.sensors.eventbridge.EventBridgeReplayDeliverySensor`.
    :param max_failed: how many invocations of targets may fail for good, of all rules that live events cannot
        match; None for any number. Other rules fail nothing.
    :param delivery_delay: as a timedelta or in seconds, how long after the replay's end the figures are read:
        AWS has them minutes late.
    :result replay_name: the replay's name
    :result replay_arn: its ARN
    :result archive_arn: the archive's ARN
    :result event_start_time: the window's start
    :result event_end_time: the window's end
    :result event_last_replayed_time: the time of the last event that was replayed; None if none was
    :result replay_start_time: when the replay began
    :result replay_end_time: when it ended; None while it runs
    :result state: AWS's state, such as ``COMPLETED``
    :result resumed: where it went on, and after which replays; only after ``resume``
    :result delivery: what its rules did with the events; only with ``check_delivery``
    :raises JobInputError: for parameters that cannot work, before any call that starts something.
    :raises JobEndedError: if no event was replayed and ``if_empty`` is ``fail``, or if more invocations
        failed than ``max_failed``; without a retry.
    :raises JobError: if the figures cannot be read; a retry only reads again.
    """

    aws_hook_class = EventBridgeReplayHook
    template_fields: Sequence[str] = aws_template_fields(
        "archive",
        "botocore_config",
        "description",
        "event_end_time",
        "event_start_time",
        "replay_name",
        "rule_arns",
    )
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "archive": checked_archive,
        "description": optional(text),
        "event_end_time": parse_time,
        "event_start_time": parse_time,
        "replay_name": optional(checked_replay_name),
        "rule_arns": optional(checked_rules),
    }
    window_parameters: ClassVar[tuple[str, str]] = ("event_start_time", "event_end_time")
    name_parameter: ClassVar[str | None] = "replay_name"
    _narrowing: ClassVar[frozenset[str]] = frozenset({"rule_arns"})
    archive_delay = Checked(duration_or_zero)
    if_empty = Checked(read_if_empty)
    max_queue_depth = Checked(optional_count)
    resume = Checked(truth)
    check_delivery = Checked(truth)
    max_failed = Checked(optional_count)
    delivery_delay = Checked(duration_or_zero)
    #: What dead-letter queues had before the start, if that is known.
    _before: Mapping[str, int | None] | None = None
    #: The earlier replays after which the task's replay goes on, for the result.
    _resumed: Mapping[str, Any] | None = None
    ui_color: str = "#e7157b"
    ui_fgcolor: str = "#ffffff"
    operator_extra_links: Collection[BaseOperatorLink] = (EventBridgeReplayLink(),)
    job_link: ClassVar[type[JobLink] | None] = EventBridgeReplayLink

    def __init__(
        self,
        *,
        archive: str | XComArg,
        event_start_time: datetime | str | XComArg = INTERVAL_START,
        event_end_time: datetime | str | XComArg = INTERVAL_END,
        rule_arns: Sequence[str | XComArg] | XComArg | None = None,
        replay_name: str | XComArg | None = None,
        description: str | XComArg | None = None,
        archive_delay: timedelta | float = timedelta(minutes=10),
        partition_window: timedelta | float | None = None,
        if_empty: IfEmpty = "succeed",
        max_queue_depth: int | None = None,
        resume: bool = False,
        check_delivery: bool = False,
        max_failed: int | None = None,
        delivery_delay: timedelta | float = timedelta(minutes=10),
        **kwargs: Unpack[StartJobParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.archive = archive
        self.event_start_time = event_start_time
        self.event_end_time = event_end_time
        self.partition_window = partition_window
        self.rule_arns = rule_arns
        self.replay_name = replay_name
        self.description = description
        self.archive_delay = archive_delay
        self.if_empty = if_empty
        self.max_queue_depth = max_queue_depth
        self.resume = resume
        self.check_delivery = check_delivery
        self.max_failed = max_failed
        self.delivery_delay = delivery_delay
        if max_failed is not None and not check_delivery:
            raise JobInputError(f"max_failed={max_failed} has no effect without check_delivery=True.")
        if check_delivery and not self.wait_for_completion:
            raise JobInputError(
                "check_delivery=True needs wait_for_completion. Use EventBridgeReplayDeliverySensor to wait "
                "in another task."
            )
        self.finish_parameters()
        if self._is_literal((event_start_time, event_end_time)):
            self._window()

    def job_request(self, context: Context) -> ReplayRequest:
        """Return the replay that is asked for, checked."""
        window = self._window(context)
        self._warn_of_name()
        ti = context["ti"]
        return ReplayRequest(
            archive=self.read("archive"),
            start=window.start,
            end=window.end,
            rule_arns=tuple(self.read("rule_arns") or ()),
            replay_name=self.read("replay_name"),
            description=self.read("description")
            or f"Airflow task {ti.dag_id}.{ti.task_id}, run {context['run_id']}",
            backfill=is_backfill(context),
            check_delivery=self.check_delivery,
            resume=self.resume,
        )

    def start_not_before(self, request: ReplayRequest) -> datetime:
        """Return when the archive holds all of the window's events, and the targets' queues have room."""
        then = "the replay starts after it"
        warn_of_future(self.log, request.end, self.hook.clock.now(), self.archive_delay, then)
        now, at = self.hook.clock.now_or_local(), request.end + self.archive_delay
        if self.max_queue_depth is None or at > now:
            return at
        if full := full_queues(self.hook, request, self.max_queue_depth):
            self.log.info("More messages wait than max_queue_depth=%s: %s.", self.max_queue_depth, full)
            return self.hook.clock.now_or_local() + timedelta(seconds=self.poll_interval)
        return at

    def check_result(self, job: JobStatus) -> None:
        """Look whether any event was replayed, and what became of them if that is known.

        :raises AirflowSkipException: if none was and ``if_empty`` is ``skip``.
        :raises JobEndedError: if none was and ``if_empty`` is ``fail``, or if too many failed.
        """
        if delivery := job.details.get("delivery"):
            check_delivery(job.job_id, delivery, self.max_failed, self.log)
        # Where the event does not tell, as that of another release may, nothing is said.
        if job.details.get("event_last_replayed_time", "") is not None or self._resumed:
            return
        what = (
            f"Replay {job.job_id} has completed and replayed no event: the archive had none of "
            f"{job.details.get('event_start_time')} to {job.details.get('event_end_time')}."
        )
        advice = "Correct the archive or the window, then clear the task."
        nothing_done(self.if_empty, what, advice, self.log)

    def execute_complete(
        self,
        context: Context,
        event: Mapping[str, Any],
        try_number: int | None = None,
        asked: Mapping[str, Any] | None = None,
        before: Mapping[str, int | None] | None = None,
        resumed: Mapping[str, Any] | None = None,
        **_later: Any,
    ) -> dict[str, Any]:
        """Resume the task after the wait for the replay's end.

        :param before: what dead-letter queues had before the start.
        :param resumed: the earlier replays after which this one goes on, for the result.
        """
        self._before, self._resumed = before or self._before, resumed or self._resumed
        return super().execute_complete(context, event, try_number, asked)

    def execute_after_delivery(
        self,
        context: Context,
        event: Mapping[str, Any],
        try_number: int | None = None,
        before: Mapping[str, int | None] | None = None,
        resumed: Mapping[str, Any] | None = None,
        **_later: Any,
    ) -> dict[str, Any]:
        """Resume the task after the wait for the figures of its replay's rules.

        :param event: that of a trigger.
        :param try_number: the try that waited; the event of another try is ignored.
        :param before: what dead-letter queues had before the start.
        :param resumed: the earlier replays after which this one goes on, for the result.
        :param _later: arguments that a later release stored before a downgrade; ignored.
        :raises JobError: if the figures could not be read.
        """
        if try_number is not None and try_number != current_try(context):
            return self.execute(context)
        self._resumed = resumed or self._resumed
        return self._finish(context, delivered(event, before or {}))

    def _finish(self, context: Context, job: JobStatus) -> dict[str, Any]:
        done = job.state is not JobState.SUCCEEDED or "delivery" in job.details
        # Without an event there is nothing to look at.
        if done or not self.check_delivery or job.details.get("event_last_replayed_time", "") is None:
            return super()._finish(context, job)
        self._job = job
        self._job_id = None
        figures_at = self.hook.clock.now_or_local() + self.delivery_delay
        trigger = self._job_trigger(
            job.job_id,
            (figures_at + _PATIENCE).isoformat(),
            spec=delivery_spec(self._encoded(), self.delivery_delay),
            goes_on="It has completed",
        )
        kwargs: dict[str, Any] = {"try_number": current_try(context), **self._kept()}
        event = self._wait(trigger, "execute_after_delivery", kwargs)
        return self.execute_after_delivery(context, event, **kwargs)

    def _kept(self) -> dict[str, Any]:
        noted = {"before": self._counts_before(), "resumed": self._resumed}
        return {**super()._kept(), **{name: dict(value) for name, value in noted.items() if value}}

    def _record(self, context: Context, job: JobStatus) -> None:
        if self.resume:
            self._resumed = self.hook.sightings.told(job.job_id)
        super()._record(context, job)

    def job_result(self, job: JobStatus) -> dict[str, Any]:
        """Return the replay; one that goes on after others has the window of all of them."""
        if not self._resumed:
            return super().job_result(job)
        first = self._resumed["event_start_time"]
        last = job.details.get("event_last_replayed_time") or self._resumed["event_last_replayed_time"]
        told = {name: self._resumed[name] for name in ("from", "sent_twice", "replays")}
        whole = {"event_start_time": first, "event_last_replayed_time": last, "resumed": told}
        return {**super().job_result(job), **whole}

    def _counts_before(self) -> Mapping[str, int | None]:
        return self._before or (self.hook.dead_letters_before if self.check_delivery else None) or {}

    def lineage(self, job: JobStatus) -> Lineage:
        """Return the archive, and the event bus that it was made from."""
        archive = self.hook.describe_archive(job.details["archive_arn"])
        return Lineage(
            [DatasetName.of_arn(archive["ArchiveArn"])], [DatasetName.of_arn(archive["EventSourceArn"])]
        )

    def job_ids(self, job: JobStatus) -> dict[str, str]:
        """Return the replay's name."""
        return {"replay_name": job.job_id}

    def _window(self, context: Context | None = None) -> Window:
        """Return the window; of literals there is no need of a context."""
        bounds = self.event_start_time, self.event_end_time
        if context is not None:
            bounds = self.window_bounds(context)
        return Window.parse(*bounds, names=self.window_parameters)
