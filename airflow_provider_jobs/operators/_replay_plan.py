# SPDX-License-Identifier: Apache-2.0

"""The tasks before and after a replay in parts: what is to be replayed, and what was delivered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import AirflowSkipException, BaseOperator, Context, XComArg

from airflow_provider_jobs._airflow_parameters import TaskParameters
from airflow_provider_jobs._eventbridge.archive import doubts, expected_events
from airflow_provider_jobs._eventbridge.delivery import Span, remarks
from airflow_provider_jobs._eventbridge.parameters import checked_archive, checked_rules
from airflow_provider_jobs.aws import AwsOperator, aws_template_fields
from airflow_provider_jobs.durations import duration
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.hooks._classes import EventBridgeReplayHook
from airflow_provider_jobs.job import one_line, utc_text
from airflow_provider_jobs.operator_parameters import AwsOperatorParameters
from airflow_provider_jobs.operators._handed import PushesIds
from airflow_provider_jobs.parameters import Checked, Reader, optional
from airflow_provider_jobs.windows import INTERVAL_END, INTERVAL_START, parse_time, split_window

__all__ = [
    "EventBridgePlanReplayOperator",
    "EventBridgeReportReplayOperator",
    "SkipWithoutDeadLettersOperator",
]

_COLOR, _TEXT = "#e7157b", "#ffffff"


def _results(value: Any, name: str) -> list[Mapping[str, Any]]:
    given = [value] if isinstance(value, Mapping) else value
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise JobInputError(f"{name}={value!r} must be results of replays, such as .output of their task.")
    results = [each for each in given if isinstance(each, Mapping) and each.get("replay_start_time")]
    if not results:
        raise JobInputError(f"{name} has no result of a replay that has ended.")
    return results


class EventBridgePlanReplayOperator(PushesIds, AwsOperator[EventBridgeReplayHook]):
    """Look at an archive before a replay, and split the window into parts.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeArchive.html

    It starts nothing. The result is the list of the parts, each with ``event_start_time`` and
    ``event_end_time``, for ``.expand_kwargs``. Further XComs are ``expected_events`` (roughly how many events
    the window has, or None), ``dead_letters`` (how many messages the dead-letter queues of the rules have, by
    their ARNs), ``last_start`` and ``last_end`` (the last part).

    :param archive: name or ARN of the archive. (templated)
    :param event_start_time: the window's start; by default that of the run's data interval. (templated)
    :param event_end_time: the window's end; by default that of the run's data interval. (templated)
    :param part: the length of a part, as a timedelta or in seconds.
    :param rule_arns: the rules that the replay is limited to. (templated)
    :param aws_conn_id: the Airflow connection; None for boto3's own credentials.
    :param region_name: the AWS Region; by default the connection's.
    :param verify: whether to verify TLS certificates, or the path of a CA bundle.
    :param botocore_config: parameters of botocore's ``Config``.
    :raises JobInputError: for parameters that cannot work.
    :raises JobNotFoundError: if the archive is missing.
    """

    aws_hook_class = EventBridgeReplayHook
    template_fields: Sequence[str] = aws_template_fields(
        "archive", "botocore_config", "event_end_time", "event_start_time", "rule_arns"
    )
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "archive": checked_archive,
        "event_end_time": parse_time,
        "event_start_time": parse_time,
        "rule_arns": optional(checked_rules),
    }
    part = Checked(duration)
    ui_color: str = _COLOR
    ui_fgcolor: str = _TEXT

    def __init__(
        self,
        *,
        archive: str | XComArg,
        event_start_time: datetime | str | XComArg = INTERVAL_START,
        event_end_time: datetime | str | XComArg = INTERVAL_END,
        part: timedelta | float = timedelta(hours=1),
        rule_arns: Sequence[str | XComArg] | XComArg | None = None,
        **kwargs: Unpack[AwsOperatorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.archive = archive
        self.event_start_time = event_start_time
        self.event_end_time = event_end_time
        self.part = part
        self.rule_arns = rule_arns
        self.finish_parameters()

    def execute(self, context: Context) -> list[dict[str, str]]:
        """Look at the archive and the rules' dead-letter queues; return the parts."""
        start, end = self.read("event_start_time"), self.read("event_end_time")
        parts = split_window(start, end, self.part)
        archive = self.hook.describe_archive(self.read("archive"))
        now = self.hook.clock.now()
        for doubt in doubts(archive, start, end, now):
            self.log.warning("%s", one_line(doubt))
        count = expected_events(archive, start, end, now)
        if count is not None:
            self.log.info("About %s events in %s parts, if they came evenly.", f"{count:,}", len(parts))
        rules = self.hook.observer.rules(archive["EventSourceArn"], self.read("rule_arns") or ())
        told = {
            "expected_events": count,
            "dead_letters": self.hook.observer.dead_letters(rules),
            "last_start": parts[-1]["event_start_time"],
            "last_end": parts[-1]["event_end_time"],
        }
        self.hand_on(context, told)
        return parts


class EventBridgeReportReplayOperator(AwsOperator[EventBridgeReplayHook]):
    """Tell what replays have delivered together: what their rules did, and how full dead-letter queues are.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html

    The result is a dictionary: ``replays`` (their names), ``event_start_time``, ``event_end_time``, and
    ``from``, ``to``, ``rules`` and ``dead_letter_queues`` as in the ``delivery`` of
    :class:`~airflow_provider_jobs.sensors.eventbridge.EventBridgeReplayDeliverySensor`. Nothing that it
    finds fails the task.

    :param replays: the results of the replays, of one archive. (templated)
    :param dead_letters: how many messages dead-letter queues had before, by their ARNs, as
        :class:`EventBridgePlanReplayOperator` tells it. (templated)
    :param aws_conn_id: the Airflow connection; None for boto3's own credentials.
    :param region_name: the AWS Region; by default the connection's.
    :param verify: whether to verify TLS certificates, or the path of a CA bundle.
    :param botocore_config: parameters of botocore's ``Config``.
    :raises JobInputError: if there is no result of a replay.
    """

    aws_hook_class = EventBridgeReplayHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "dead_letters", "replays")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"replays": _results}
    ui_color: str = _COLOR
    ui_fgcolor: str = _TEXT

    def __init__(
        self,
        *,
        replays: Sequence[Mapping[str, Any]] | XComArg,
        dead_letters: Mapping[str, int | None] | XComArg | None = None,
        **kwargs: Unpack[AwsOperatorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.replays = replays
        self.dead_letters = dead_letters
        self.finish_parameters()

    def execute(self, context: Context) -> dict[str, Any]:
        """Read the figures of all of the replays' time."""
        results = self.read("replays")
        replay = self.hook.describe_replay(results[0]["replay_name"])
        now = self.hook.clock.now_or_local()
        start = min(datetime.fromisoformat(each["replay_start_time"]) for each in results)
        observer, destination = self.hook.observer, replay["Destination"]
        span, only = Span.of(start, now, now), destination.get("FilterArns") or ()
        rules = observer.rules(destination["Arn"], only)
        rows = [row for row in observer.figures(rules, span) if only or row["shown"]]
        before: Any = self.dead_letters or {}
        report = {
            "replays": [each["replay_name"] for each in results],
            "event_start_time": min(each["event_start_time"] for each in results),
            "event_end_time": max(each["event_end_time"] for each in results),
            "from": utc_text(span.start),
            "to": utc_text(span.end),
            "rules": rows,
            "dead_letter_queues": [
                {"queue_arn": arn, "messages_before": before.get(arn), "messages_after": depth}
                for arn, depth in observer.dead_letters(rules).items()
            ],
        }
        for _, text in remarks(report):
            self.log.info("%s", one_line(text))
        return report


class SkipWithoutDeadLettersOperator(BaseOperator):
    """Skip what follows if a dead-letter queue has no messages after a replay.

    :param report: the result of :class:`EventBridgeReportReplayOperator`. (templated)
    :param queue_arn: the queue's ARN.
    :raises AirflowSkipException: if it has none; a queue that could not be counted may have some.
    """

    template_fields: Sequence[str] = ("queue_arn", "report")
    ui_color: str = _COLOR
    ui_fgcolor: str = _TEXT

    def __init__(
        self, *, report: Mapping[str, Any] | XComArg, queue_arn: str, **kwargs: Unpack[TaskParameters]
    ) -> None:
        super().__init__(**kwargs)
        self.report = report
        self.queue_arn = queue_arn

    def execute(self, context: Context) -> int | None:
        """Return how many messages the queue has; None if it is not known."""
        report: Any = self.report
        counts = {row["queue_arn"]: row["messages_after"] for row in report["dead_letter_queues"]}
        count: int | None = counts.get(self.queue_arn)
        if count == 0:
            raise AirflowSkipException(f"{self.queue_arn} has no messages: there is nothing to redrive.")
        return count
