# SPDX-License-Identifier: Apache-2.0

"""Replay a window of a Custom Event Bus by a subscriber; cancel, pause and resume such replays."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, Unpack

from airflow.providers.common.compat.sdk import AirflowSkipException, BaseOperatorLink, Context, XComArg

from airflow_provider_jobs._event_bus.parameters import (
    checked_arn,
    checked_filters,
    checked_settings,
    checked_transformer,
)
from airflow_provider_jobs._event_bus.replay import SubscriberRequest
from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.durations import duration_or_zero
from airflow_provider_jobs.exceptions import JobEndedError, JobError, JobInputError
from airflow_provider_jobs.hooks._classes import EventBusReplayHook
from airflow_provider_jobs.job import JobStatus, utc_text
from airflow_provider_jobs.lineage import DatasetName, Lineage
from airflow_provider_jobs.links.base import JobLink
from airflow_provider_jobs.links.event_bus import EventBusLink
from airflow_provider_jobs.operator_parameters import StartJobParameters
from airflow_provider_jobs.operators._context import identity, record_end
from airflow_provider_jobs.operators.if_empty import IfEmpty, nothing_done, read_if_empty
from airflow_provider_jobs.operators.start import StartJobOperator
from airflow_provider_jobs.operators.subscribers import (
    EventBridgeCancelReplaySubscriberOperator,
    EventBridgePauseReplaySubscriberOperator,
    EventBridgeResumeReplaySubscriberOperator,
)
from airflow_provider_jobs.parameters import Checked, Reader, optional, optional_count, text, truth
from airflow_provider_jobs.partitions import warn_of_future
from airflow_provider_jobs.windows import INTERVAL_END, INTERVAL_START, Window, parse_time

__all__ = [
    "EventBridgeCancelReplaySubscriberOperator",
    "EventBridgeCreateReplaySubscriberOperator",
    "EventBridgePauseReplaySubscriberOperator",
    "EventBridgeResumeReplaySubscriberOperator",
]

#: AWS takes no starting point that is nearer than this.
_NEAREST = timedelta(minutes=5)


class EventBridgeCreateReplaySubscriberOperator(StartJobOperator[EventBusReplayHook]):
    """Replay a window of the events that a Custom Event Bus retains to a target, by a subscriber.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-replay.html

    AWS does not say when such a replay is done. The task ends when the window is delivered as far as
    CloudWatch's figures show: all events that matched were delivered or given up, AWS shows no backlog, and
    nothing has moved for ``quiet_period``. ``job_timeout`` is a day by default.

    The result, which the asset events of ``outlets`` have in their ``extra``, is a dictionary; times are
    ISO 8601 strings in UTC.

    Takes the parameters of :class:`~airflow_provider_jobs.operators.start.StartJobOperator`, and:

    :param event_bus_arn: ARN of the bus. (templated)
    :param target_arn: ARN of what gets the events. (templated)
    :param role_arn: ARN of the role that delivers them. (templated)
    :param dead_letter_arn: ARN of the SQS queue for events that cannot be delivered; None only with
        ``allow_drops``. (templated)
    :param allow_drops: whether AWS may drop what cannot be delivered.
    :param event_start_time: the window's start: an aware datetime or an ISO 8601 string with an offset; by
        default the start of the run's data interval. Whole seconds. (templated)
    :param event_end_time: the window's end; by default the end of the run's data interval. (templated)
    :param wait_for_window: whether the task waits until the window has ended, and began five minutes ago;
        otherwise it fails.
    :param partition_window: as a timedelta or in seconds, how long a partition is. The default window of a
        run without a data interval begins at its ``partition_date`` (Airflow 3.3) and is that long, in
        elapsed time; None goes up to the next tick of a ``CronPartitionTimetable``.
    :param filters: event patterns by their scope (``DATA``, ``METADATA``, ``SYSTEM_METADATA``), as
        dictionaries or JSON text; an event has to match all. All events when None. (templated)
    :param transformer: ``RAW``, ``WITH_METADATA`` or an expression of JSONata; None for AWS's default.
    :param target_parameters: how the target is invoked, with AWS's names, such as
        ``{"SqsParameters": {"MessageGroupId": "orders"}}``.
    :param delivery_retries: AWS's ``MaxRetryAttempts`` and ``MaxEventAgeInSeconds``; None for AWS's default,
        which gives an event up after five retries or five minutes.
    :param ordering: ``FIFO`` or ``UNORDERED``; None for AWS's default.
    :param tags: tags of the subscriber.
    :param description: shown in the console. (templated)
    :param quiet_period: for how long nothing must have moved, as a timedelta or in seconds.
    :param startup_time: how long AWS may take until it shows the first figures: its startup delay, and
        CloudWatch's.
    :param expected_events: how many events match, if you know: the replay then ends when as many have come to
        an end and nothing has moved for ``quiet_period``, whatever the backlog's age.
    :param max_failed: how many of the events that matched may be undelivered in the end; None for any
        number.
    :param if_empty: what becomes of the task if no event matched, or AWS shows no figures at all:
        ``succeed`` with a warning, ``skip`` or ``fail``.
    :param delete_subscriber: whether the subscriber is deleted when the task has succeeded. Below Airflow
        3.3 it stays, since nothing else would tell a retry of the success.
    :result subscriber_name: the subscriber's name
    :result subscriber_arn: its ARN
    :result event_bus_arn: the bus's ARN
    :result target_arn: ARN of what got the events
    :result dead_letter_arn: ARN of the queue for events that could not be delivered; None without one
    :result event_start_time: the window's start
    :result event_end_time: the window's end
    :result created_at: when the subscriber was created
    :result state: ``DELIVERED``, or what became of it otherwise
    :result events_evaluated: how many events were evaluated
    :result events_matched: how many matched
    :result events_delivered: how many were delivered
    :result delivery_attempts: how many attempts were made
    :result dead_letter_records: how many records went to the dead-letter queue; one may hold several events
    :result dead_letter_failures: how many could not be put there
    :result events_dropped: how many were dropped
    :result transformation_failures: how many could not be transformed
    :raises JobInputError: for parameters that cannot work, before any call that starts something.
    :raises JobEndedError: if too many events failed, or there was none and ``if_empty`` is ``fail``; without
        a retry.
    """

    aws_hook_class = EventBusReplayHook
    template_fields: Sequence[str] = aws_template_fields(
        "botocore_config",
        "dead_letter_arn",
        "description",
        "event_bus_arn",
        "event_end_time",
        "event_start_time",
        "filters",
        "role_arn",
        "target_arn",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"filters": "json"}
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "dead_letter_arn": optional(checked_arn),
        "description": optional(text),
        "event_bus_arn": checked_arn,
        "event_end_time": parse_time,
        "event_start_time": parse_time,
        "filters": optional(checked_filters),
        "role_arn": checked_arn,
        "target_arn": checked_arn,
    }
    window_parameters: ClassVar[tuple[str, str]] = ("event_start_time", "event_end_time")
    _narrowing: ClassVar[frozenset[str]] = frozenset({"filters"})
    wait_for_window = Checked(truth)
    quiet_period = Checked(duration_or_zero)
    startup_time = Checked(duration_or_zero)
    expected_events = Checked(optional_count)
    max_failed = Checked(optional_count)
    if_empty = Checked(read_if_empty)
    delete_subscriber = Checked(truth)
    transformer = Checked(optional(checked_transformer))
    target_parameters = Checked(optional(checked_settings))
    delivery_retries = Checked(optional(checked_settings))
    tags = Checked(optional(checked_settings))
    ui_color: str = "#e7157b"
    ui_fgcolor: str = "#ffffff"
    operator_extra_links: Collection[BaseOperatorLink] = (EventBusLink(),)
    job_link: ClassVar[type[JobLink] | None] = EventBusLink

    def __init__(
        self,
        *,
        event_bus_arn: str | XComArg,
        target_arn: str | XComArg,
        role_arn: str | XComArg,
        dead_letter_arn: str | XComArg | None,
        allow_drops: bool = False,
        event_start_time: datetime | str | XComArg = INTERVAL_START,
        event_end_time: datetime | str | XComArg = INTERVAL_END,
        wait_for_window: bool = True,
        partition_window: timedelta | float | None = None,
        filters: Mapping[str, Any] | XComArg | None = None,
        transformer: str | None = None,
        target_parameters: Mapping[str, Any] | None = None,
        delivery_retries: Mapping[str, int] | None = None,
        ordering: Literal["FIFO", "UNORDERED"] | None = None,
        tags: Mapping[str, str] | None = None,
        description: str | XComArg | None = None,
        quiet_period: timedelta | float = timedelta(minutes=5),
        startup_time: timedelta | float = timedelta(minutes=15),
        expected_events: int | None = None,
        max_failed: int | None = 0,
        if_empty: IfEmpty = "fail",
        delete_subscriber: bool = True,
        **kwargs: Unpack[StartJobParameters],
    ) -> None:
        kwargs.setdefault("job_timeout", timedelta(days=1))
        super().__init__(**kwargs)
        self.event_bus_arn = event_bus_arn
        self.target_arn = target_arn
        self.role_arn = role_arn
        self.dead_letter_arn = dead_letter_arn
        self.allow_drops = truth(allow_drops, "allow_drops")
        self.event_start_time = event_start_time
        self.event_end_time = event_end_time
        self.wait_for_window = wait_for_window
        self.partition_window = partition_window
        self.filters = filters
        self.transformer = transformer
        self.target_parameters = target_parameters
        self.delivery_retries = delivery_retries
        self.ordering = ordering
        self.tags = tags
        self.description = description
        self.quiet_period = quiet_period
        self.startup_time = startup_time
        self.expected_events = expected_events
        self.max_failed = max_failed
        self.if_empty = if_empty
        self.delete_subscriber = delete_subscriber
        self.finish_parameters()
        if dead_letter_arn is None:
            self._dead_letter()
        if self._is_literal((event_start_time, event_end_time)):
            Window.parse(event_start_time, event_end_time, names=self.window_parameters)

    def job_request(self, context: Context) -> SubscriberRequest:
        """Return the replay that is asked for, checked."""
        window = Window.parse(*self.window_bounds(context), names=self.window_parameters)
        ti = context["ti"]
        return SubscriberRequest(
            event_bus_arn=self.read("event_bus_arn"),
            target_arn=self.read("target_arn"),
            role_arn=self.read("role_arn"),
            start=window.start,
            end=window.end,
            dead_letter_arn=self._dead_letter(),
            filters=self.read("filters") or {},
            transformer=self.transformer,
            target_parameters=self.target_parameters or {},
            retry_policy=self.delivery_retries or {},
            ordering=self.ordering,
            tags=self.tags or {},
            description=self.read("description")
            or f"Airflow task {ti.dag_id}.{ti.task_id}, run {context['run_id']}",
            quiet=self.quiet_period,
            startup=self.startup_time,
            expected=self.expected_events,
        )

    def _dead_letter(self) -> str | None:
        """Return the dead-letter queue's ARN.

        :raises JobInputError: if there is none, and AWS must not drop events.
        """
        queue: str | None = self.read("dead_letter_arn")
        if queue is None and not self.allow_drops:
            raise JobInputError(
                "dead_letter_arn is None, so AWS would drop each event that cannot be delivered. Give an SQS "
                "queue, or allow_drops=True."
            )
        return queue

    def start_not_before(self, request: SubscriberRequest) -> datetime:
        """Return when the window has ended, and is as old as AWS requires.

        :raises JobInputError: if that is yet to come, and the task must not wait.
        """
        earliest = max(request.end, request.start + _NEAREST)
        now = self.hook.clock.now_or_local()
        if earliest > now and not self.wait_for_window:
            raise JobInputError(
                f"The window can be replayed from {utc_text(earliest)}: it has to end first, and to begin "
                "five minutes before. Replay an earlier window, or set wait_for_window=True."
            )
        warn_of_future(self.log, request.end, now, timedelta(0), "the replay starts after it")
        return earliest

    def check_result(self, job: JobStatus) -> None:
        """Check how many events were delivered.

        :raises AirflowSkipException: if there was none and ``if_empty`` is ``skip``.
        :raises JobEndedError: if there was none and ``if_empty`` is ``fail``, or if too many failed.
        """
        found = job.details
        matched = found.get("events_matched", 0)
        failed = max(
            matched - found.get("events_delivered", 0),
            sum(found.get(each, 0) for each in ("dead_letter_records", "events_dropped")),
        )
        if self.max_failed is not None and failed > self.max_failed:
            raise JobEndedError(
                f"Replay {job.job_id} did not deliver {failed:,} of {matched:,} events: "
                f"{found.get('dead_letter_records'):,} records are in the dead-letter queue "
                f"({found.get('dead_letter_arn')}), {found.get('events_dropped'):,} events were dropped, "
                f"{found.get('transformation_failures'):,} could not be transformed. max_failed is "
                f"{self.max_failed}. Correct the target, then clear the task."
            )
        if not matched:
            what = (
                f"Replay {job.job_id} has delivered no event of {found.get('event_start_time')} to "
                f"{found.get('event_end_time')}: AWS's figures show none that matched."
            )
            nothing_done(
                self.if_empty, what, "Correct the window or the filters, then clear the task.", self.log
            )

    def lineage(self, job: JobStatus) -> Lineage:
        """Return the event bus, and the target."""
        found = job.details
        return Lineage(
            [DatasetName.of_arn(found["event_bus_arn"])], [DatasetName.of_arn(found["target_arn"])]
        )

    def job_ids(self, job: JobStatus) -> dict[str, str]:
        """Return the subscriber's name."""
        return {"subscriber_name": job.job_id}

    def _finish(self, context: Context, job: JobStatus) -> dict[str, Any]:
        try:
            result = super()._finish(context, job)
        except AirflowSkipException:
            self._tidy(context, job)
            raise
        self._tidy(context, job)
        return result

    def _tidy(self, context: Context, job: JobStatus) -> None:
        """Delete the task's subscribers, which count against quotas; what fails is logged."""
        if not self.delete_subscriber or job.shared:
            return
        if not record_end(context, job, self.log):
            self.log.info("Subscriber %s stays: it is what tells a retry of the success.", job.job_id)
            return
        try:
            self.hook.delete_ended(identity(context))
        except (JobError, JobInputError) as error:
            self.log.warning("Subscriber %s could not be deleted and stays: %s", job.job_id, error)
