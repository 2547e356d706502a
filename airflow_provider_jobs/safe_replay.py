# SPDX-License-Identifier: Apache-2.0

"""A replay in steps: an estimate, a trial, an approval, parts at a pace, the delivery, a redrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Unpack

from airflow.providers.common.compat.sdk import BaseOperator, TaskGroup, XComArg, chain

from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.operator_parameters import AwsParameters
from airflow_provider_jobs.operators._replay_plan import (
    EventBridgePlanReplayOperator,
    EventBridgeReportReplayOperator,
    SkipWithoutDeadLettersOperator,
)
from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator
from airflow_provider_jobs.operators.sqs import SqsStartMessageMoveTaskOperator
from airflow_provider_jobs.operators.temporary_rule import EventBridgeTemporaryRule
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplayDeliverySensor
from airflow_provider_jobs.windows import INTERVAL_END, INTERVAL_START

__all__ = ["safe_replay"]

_HOUR, _TEN_MINUTES = timedelta(hours=1), timedelta(minutes=10)


def safe_replay(
    group_id: str = "safe_replay",
    *,
    archive: str,
    event_start_time: datetime | str = INTERVAL_START,
    event_end_time: datetime | str = INTERVAL_END,
    rule_arns: Sequence[str] | None = None,
    event_bus_name: str = "default",
    part: timedelta | float = _HOUR,
    at_once: int = 1,
    max_queue_depth: int | None = None,
    trial_target_arn: str | None = None,
    event_pattern: Mapping[str, Any] | str | None = None,
    max_failed: int | None = 0,
    delivery_delay: timedelta | float = _TEN_MINUTES,
    approval: bool | None = None,
    redrive_arn: str | None = None,
    resume: bool = False,
    deferrable: bool = True,
    **aws: Unpack[AwsParameters],
) -> TaskGroup:
    """Make a task group that replays a window step by step.

    ``plan`` looks at the archive and splits the window; with a target for a trial, ``create_trial``,
    ``trial`` and ``delete_trial`` replay the last part to a rule of its own; ``approve`` asks a person;
    ``replay`` is mapped over the parts; ``delivery`` waits for the figures of each; ``report`` has the
    result. With ``redrive_arn``, ``dead_letters``, ``approve_redrive`` and ``redrive`` follow: if the queue
    has messages and a person has approved, they go back.

    :param group_id: the group's name.
    :param archive: name or ARN of the archive; templates are rendered, here and below.
    :param event_start_time: the window's start; by default that of the run's data interval.
    :param event_end_time: the window's end; by default that of the run's data interval.
    :param rule_arns: the rules to replay to, by ARN or name; all when None.
    :param event_bus_name: the archive's event bus, for the trial's rule.
    :param part: the length of a part, as a timedelta or in seconds.
    :param at_once: how many parts are replayed at a time, in a run of the DAG.
    :param max_queue_depth: how many messages the queues of the rules' targets may have when a part starts.
    :param trial_target_arn: where the trial's events go; None for no trial.
    :param event_pattern: which events the trial takes; all when None.
    :param max_failed: how many invocations may fail in the trial; None for any number.
    :param delivery_delay: how long after a replay's end the figures are read.
    :param approval: whether a person approves the replay. None does so where Airflow has approvals, from 3.1
        with the standard provider; True requires them.
    :param redrive_arn: the dead-letter queue to redrive once a person has approved that.
    :param resume: whether a retry of a part goes on where an earlier replay has failed.
    :param deferrable: whether the tasks wait in the triggerer.
    :param aws: the AWS parameters of all tasks.
    :return: the group, in the current DAG.
    :raises JobInputError: if a parameter cannot work, or an approval is needed and Airflow has none.
    """
    can_ask = _approval_operator() is not None
    if not can_ask and (approval or redrive_arn):
        needed = "approval=True" if approval else "redrive_arn"
        raise JobInputError(
            f"{needed} needs Airflow's ApprovalOperator: Airflow 3.1 or later with "
            "apache-airflow-providers-standard 1.4 or later."
        )
    if at_once < 1:
        raise JobInputError(f"at_once={at_once} must be 1 or more.")
    window: dict[str, Any] = {"event_start_time": event_start_time, "event_end_time": event_end_time}
    whole: dict[str, Any] = {"archive": archive, "rule_arns": rule_arns, **aws}
    with TaskGroup(group_id) as group:
        plan = EventBridgePlanReplayOperator(task_id="plan", part=part, **window, **whole)
        before: list[BaseOperator] = [plan]
        if trial_target_arn is not None:
            before.append(
                _trial(
                    plan,
                    EventBridgeTemporaryRule(
                        "trial",
                        target_arn=trial_target_arn,
                        event_pattern=event_pattern,
                        event_bus_name=event_bus_name,
                        **aws,
                    ),
                    archive=archive,
                    max_failed=max_failed,
                    delivery_delay=delivery_delay,
                    deferrable=deferrable,
                    **aws,
                )
            )
        if approval is not False and can_ask:
            events = f"{{{{ ti.xcom_pull(task_ids={plan.task_id!r}, key='expected_events') }}}}"
            before.append(_approve("approve", f"Replay about {events} events of {archive}?"))
        replay: Any = EventBridgeStartReplayOperator.partial(
            task_id="replay",
            max_active_tis_per_dagrun=at_once,
            max_queue_depth=max_queue_depth,
            resume=resume,
            deferrable=deferrable,
            **whole,
        ).expand_kwargs(plan.output)
        delivery: Any = EventBridgeReplayDeliverySensor.partial(
            task_id="delivery", delivery_delay=delivery_delay, deferrable=deferrable, **aws
        ).expand(replay_name=replay.output)
        report = EventBridgeReportReplayOperator(
            task_id="report", replays=replay.output, dead_letters=plan.output["dead_letters"], **aws
        )
        chain(*before, replay, delivery, report)
        if redrive_arn is not None:
            chain(*_redrive(report, redrive_arn, deferrable=deferrable, **aws))
    return group


def _trial(plan: EventBridgePlanReplayOperator, rule: EventBridgeTemporaryRule, **given: Any) -> BaseOperator:
    """Return the task that replays the last part to a temporary rule."""
    plan >> rule.create
    with rule:
        return EventBridgeStartReplayOperator(
            task_id="trial",
            event_start_time=plan.output["last_start"],
            event_end_time=plan.output["last_end"],
            rule_arns=[rule.rule_arn],
            check_delivery=True,
            **given,
        )


def _redrive(
    report: EventBridgeReportReplayOperator, queue_arn: str, **given: Any
) -> Sequence[BaseOperator | XComArg]:
    """Return the tasks that move dead letters back, in their order."""
    look = SkipWithoutDeadLettersOperator(task_id="dead_letters", report=report.output, queue_arn=queue_arn)
    ask = _approve("approve_redrive", f"Is the consumer repaired? Move the messages of {queue_arn} back?")
    redrive = SqsStartMessageMoveTaskOperator(task_id="redrive", source_arn=queue_arn, **given)
    return look, ask, redrive


def _approve(task_id: str, subject: str) -> BaseOperator:
    operator: Any = _approval_operator()
    made: BaseOperator = operator(task_id=task_id, subject=subject, ignore_downstream_trigger_rules=True)
    return made


def _approval_operator() -> Any:
    """Return Airflow's operator for approvals; None where it has none."""
    try:
        return import_module("airflow.providers.standard.operators.hitl").ApprovalOperator
    except Exception:
        return None
