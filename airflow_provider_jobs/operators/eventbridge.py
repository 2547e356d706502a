# SPDX-License-Identifier: Apache-2.0

"""Start and cancel EventBridge replays, create and delete archives and temporary rules."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperatorLink, Context, XComArg

from airflow_provider_jobs._eventbridge.archive import ARCHIVE_NAME
from airflow_provider_jobs._eventbridge.replay import ReplayRequest, checked_replay_name
from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.durations import duration
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.hooks._classes import EventBridgeReplayHook
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.lineage import DatasetName, Lineage
from airflow_provider_jobs.links.base import JobLink
from airflow_provider_jobs.links.eventbridge import EventBridgeReplayLink
from airflow_provider_jobs.operator_parameters import JobOperatorParameters, StartJobParameters
from airflow_provider_jobs.operators.archives import (
    EventBridgeCreateArchiveOperator,
    EventBridgeDeleteArchiveOperator,
)
from airflow_provider_jobs.operators.if_empty import IfEmpty, nothing_done, read_if_empty
from airflow_provider_jobs.operators.start import StartJobOperator
from airflow_provider_jobs.operators.stop import StopJobOperator
from airflow_provider_jobs.operators.temporary_rule import (
    EventBridgeCreateTemporaryRuleOperator,
    EventBridgeDeleteTemporaryRuleOperator,
)
from airflow_provider_jobs.parameters import Checked, JobReference, Reader, optional, text, texts
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

_ARCHIVE = re.compile(rf"(arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{{12}}:archive/)?{ARCHIVE_NAME}")
_RULE_ARN = re.compile(
    r"arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:rule/(?:[/.\-_A-Za-z0-9]+/)?[.\-_A-Za-z0-9]+"
)
_RULE_NAME = re.compile(r"[.\-_A-Za-z0-9]{1,64}")


def _archive(value: Any, name: str) -> str:
    archive = text(value, name)
    if not _ARCHIVE.fullmatch(archive):
        raise JobInputError(
            f"{name}={archive!r} is neither an archive's name (1 to 48 letters, digits and .-_) "
            "nor its ARN (arn:aws:events:REGION:ACCOUNT:archive/NAME)."
        )
    return archive


def _delay(value: Any, name: str) -> timedelta:
    return duration(value, name, zero=True)


def _rules(value: Any, name: str) -> list[str]:
    rules = texts(value, name)
    if not rules:
        raise JobInputError(f"{name} is empty. Leave it out to reach all rules of the bus.")
    buses = {}
    for rule in rules:
        if _RULE_NAME.fullmatch(rule):
            continue
        if not _RULE_ARN.fullmatch(rule):
            raise JobInputError(
                f"{name}: {rule!r} is neither a rule's name (1 to 64 letters, digits and .-_) nor a rule's "
                "ARN (arn:aws:events:REGION:ACCOUNT:rule/NAME or …:rule/BUS/NAME)."
            )
        buses[rule.rpartition("/")[0]] = rule
    if len(buses) > 1:
        raise JobInputError(
            f"{name} are on several event buses: {', '.join(buses.values())}. A replay reaches only "
            "rules of the bus that the archive was made from; use a task for each archive."
        )
    return rules


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
    :result replay_name: the replay's name
    :result replay_arn: its ARN
    :result archive_arn: the archive's ARN
    :result event_start_time: the window's start
    :result event_end_time: the window's end
    :result event_last_replayed_time: the time of the last event that was replayed; None if none was
    :result replay_start_time: when the replay began
    :result replay_end_time: when it ended; None while it runs
    :result state: AWS's state, such as ``COMPLETED``
    :raises JobInputError: for parameters that cannot work, before any call that starts something.
    :raises JobEndedError: if no event was replayed and ``if_empty`` is ``fail``; without a retry.
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
        "archive": _archive,
        "description": optional(text),
        "event_end_time": parse_time,
        "event_start_time": parse_time,
        "replay_name": optional(checked_replay_name),
        "rule_arns": optional(_rules),
    }
    window_parameters: ClassVar[tuple[str, str]] = ("event_start_time", "event_end_time")
    name_parameter: ClassVar[str | None] = "replay_name"
    _narrowing: ClassVar[frozenset[str]] = frozenset({"rule_arns"})
    archive_delay = Checked(_delay)
    if_empty = Checked(read_if_empty)
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
        )

    def start_not_before(self, request: ReplayRequest) -> datetime:
        """Return when the archive holds all of the window's events."""
        then = "the replay starts after it"
        warn_of_future(self.log, request.end, self.hook.clock.now(), self.archive_delay, then)
        return request.end + self.archive_delay

    def check_result(self, job: JobStatus) -> None:
        """Look whether any event was replayed.

        :raises AirflowSkipException: if none was and ``if_empty`` is ``skip``.
        :raises JobEndedError: if none was and ``if_empty`` is ``fail``.
        """
        # Where the event does not tell, as that of another release may, nothing is said.
        if job.details.get("event_last_replayed_time", "") is not None:
            return
        what = (
            f"Replay {job.job_id} has completed and replayed no event: the archive had none of "
            f"{job.details.get('event_start_time')} to {job.details.get('event_end_time')}."
        )
        advice = "Correct the archive or the window, then clear the task."
        nothing_done(self.if_empty, what, advice, self.log)

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


class EventBridgeCancelReplayOperator(StopJobOperator[EventBridgeReplayHook]):
    """Cancel a replay and wait until it is cancelled; a replay that has already ended counts as cancelled.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CancelReplay.html

    Events that were replayed stay delivered. The result is that of
    :class:`EventBridgeStartReplayOperator`. Takes the parameters of
    :class:`~airflow_provider_jobs.operators.base.JobOperator`, and:

    :param replay_name: the replay's name, or the start's ``.output``. (templated)
    """

    aws_hook_class = EventBridgeReplayHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "replay_name")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"replay_name": checked_replay_name}
    id_parameters: ClassVar[tuple[str, ...]] = ("replay_name",)
    ui_color: str = EventBridgeStartReplayOperator.ui_color
    ui_fgcolor: str = EventBridgeStartReplayOperator.ui_fgcolor
    operator_extra_links: Collection[BaseOperatorLink] = (EventBridgeReplayLink(),)
    job_link: ClassVar[type[JobLink] | None] = EventBridgeReplayLink

    def __init__(self, *, replay_name: JobReference, **kwargs: Unpack[JobOperatorParameters]) -> None:
        super().__init__(**kwargs)
        self.replay_name = replay_name
        self.finish_parameters()

    @property
    def target_id(self) -> str:
        """The replay's name."""
        name: str = self.read("replay_name")
        return name

    def job_ids(self, job: JobStatus) -> dict[str, str]:
        """Return the replay's name."""
        return {"replay_name": job.job_id}
