# SPDX-License-Identifier: Apache-2.0

"""A rule for the trial of a replay, created by a setup and deleted by its teardown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any, ClassVar, Self, Unpack

from airflow.providers.common.compat.sdk import Context, XComArg

from airflow_provider_jobs._eventbridge.pattern import checked_pattern, pattern_text, replayed_only
from airflow_provider_jobs._eventbridge.rule import (
    TemporaryRule,
    checked_bus,
    checked_queue,
    checked_role,
    checked_target,
    checked_temporary_rule_name,
    temporary_name,
    temporary_prefix,
)
from airflow_provider_jobs.aws import AwsOperator, aws_template_fields
from airflow_provider_jobs.durations import duration
from airflow_provider_jobs.hooks._classes import EventBridgeReplayHook
from airflow_provider_jobs.operator_parameters import AwsOperatorParameters, AwsParameters
from airflow_provider_jobs.operators._context import identity
from airflow_provider_jobs.operators._handed import AbsentIds, PushesIds
from airflow_provider_jobs.parameters import Checked, JobReference, Reader, optional

__all__ = [
    "EventBridgeCreateTemporaryRuleOperator",
    "EventBridgeDeleteTemporaryRuleOperator",
    "EventBridgeTemporaryRule",
]

_COLOR, _TEXT = "#e7157b", "#ffffff"
_DAY = timedelta(days=1)


def _trial_pattern(value: Any, name: str) -> dict[str, Any]:
    return replayed_only(None if value is None else checked_pattern(value, name), name)


class EventBridgeCreateTemporaryRuleOperator(PushesIds, AwsOperator[EventBridgeReplayHook]):
    """Create a rule that only replayed events match, with a target of your own.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html

    A replay with ``rule_arns`` of this rule alone reaches nobody else. The name of the rule comes from the
    DAG, the task, the run and the map index: a retry finds the rule of an earlier try. It is handed on as
    ``rule_name`` before the rule is created, so that a teardown deletes what a killed task may have left.

    The result is a dictionary.

    :param target_arn: where the events go: a queue of SQS, a Lambda function, a log group, a state machine of
        Step Functions, or another target of EventBridge. The policy of the queue, function or log group must
        allow EventBridge to send to it. (templated)
    :param event_pattern: which of the replayed events, as a dictionary or JSON text; all when None. A
        condition of yours on ``replay-name`` must match replayed events only. (templated)
    :param event_bus_name: name or ARN of the archive's event bus. (templated)
    :param role_arn: the role with which EventBridge sends; needed for Step Functions, Kinesis and Firehose.
        (templated)
    :param dead_letter_arn: a standard queue of SQS for events that the target does not take. (templated)
    :param keep_for: as a timedelta or in seconds, how long the rule is needed at most. If no teardown has
        deleted it by then, this task deletes it in a later run of its DAG.
    :param aws_conn_id: the Airflow connection; None for boto3's own credentials.
    :param region_name: the AWS Region; by default the connection's.
    :param verify: whether to verify TLS certificates, or the path of a CA bundle.
    :param botocore_config: parameters of botocore's ``Config``.
    :result rule_name: the rule's name
    :result rule_arn: its ARN
    :result event_bus_name: its event bus
    :raises JobInputError: for parameters that cannot work, before any call.
    :raises JobNotFoundError: if the event bus is missing.
    :raises JobQuotaError: if the event bus has as many rules as it may.
    """

    aws_hook_class = EventBridgeReplayHook
    template_fields: Sequence[str] = aws_template_fields(
        "botocore_config", "dead_letter_arn", "event_bus_name", "event_pattern", "role_arn", "target_arn"
    )
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "dead_letter_arn": optional(checked_queue),
        "event_bus_name": checked_bus,
        "event_pattern": _trial_pattern,
        "role_arn": optional(checked_role),
        "target_arn": checked_target,
    }
    template_fields_renderers: ClassVar[dict[str, str]] = {"event_pattern": "json"}
    #: Without it the target would get more than with it.
    _narrowing: ClassVar[frozenset[str]] = frozenset({"event_pattern"})
    keep_for = Checked(duration)
    ui_color: str = _COLOR
    ui_fgcolor: str = _TEXT

    def __init__(
        self,
        *,
        target_arn: str | XComArg,
        event_pattern: Mapping[str, Any] | str | XComArg | None = None,
        event_bus_name: str | XComArg = "default",
        role_arn: str | XComArg | None = None,
        dead_letter_arn: str | XComArg | None = None,
        keep_for: timedelta | float = _DAY,
        **kwargs: Unpack[AwsOperatorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.target_arn = target_arn
        self.event_pattern = event_pattern
        self.event_bus_name = event_bus_name
        self.role_arn = role_arn
        self.dead_letter_arn = dead_letter_arn
        self.keep_for = keep_for
        self.finish_parameters()
        if self._is_literal((target_arn, event_pattern, event_bus_name, role_arn, dead_letter_arn)):
            self._rule("checked")

    def execute(self, context: Context) -> dict[str, Any]:
        """Create the rule, or put it as it should be."""
        key = identity(context)
        rule = self._rule(temporary_name(key))
        # Before the call, so that a teardown finds what a call without an answer has created.
        self.hand_on(context, {"rule_name": rule.name})
        rules = self.hook.rules
        rules.delete_expired(temporary_prefix(key), rule.bus, besides=rule.name)
        task = f"Airflow task {key.dag_id}.{key.task_id}, run {key.run_id}"
        arn = rules.put(rule, rule.description(task, rules.until(self.keep_for)))
        self.hand_on(context, {"rule_arn": arn})
        self.log.info("Rule %s sends replayed events to %s.", rule.name, rule.target_arn)
        return {"rule_name": rule.name, "rule_arn": arn, "event_bus_name": rule.bus}

    def _rule(self, name: str) -> TemporaryRule:
        return TemporaryRule(
            name=name,
            bus=self.read("event_bus_name"),
            pattern=pattern_text(self.read("event_pattern")),
            target_arn=self.read("target_arn"),
            role_arn=self.read("role_arn"),
            dead_letter_arn=self.read("dead_letter_arn"),
        )


class EventBridgeDeleteTemporaryRuleOperator(AbsentIds, AwsOperator[EventBridgeReplayHook]):
    """Delete a temporary rule with its target; one that is gone already counts as deleted.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html

    It deletes rules that :class:`EventBridgeCreateTemporaryRuleOperator` creates, and no others. Where that
    task has handed on no name, there is nothing to delete, and the task succeeds.

    :param rule_name: the rule's name, or the create's ``.output``. (templated)
    :param event_bus_name: name or ARN of its event bus. (templated)
    :param aws_conn_id: the Airflow connection; None for boto3's own credentials.
    :param region_name: the AWS Region; by default the connection's.
    :param verify: whether to verify TLS certificates, or the path of a CA bundle.
    :param botocore_config: parameters of botocore's ``Config``.
    :raises JobInputError: for the name of another rule, and if somebody has added a target to the rule.
    """

    aws_hook_class = EventBridgeReplayHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "event_bus_name", "rule_name")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "event_bus_name": checked_bus,
        "rule_name": checked_temporary_rule_name,
    }
    id_parameters: ClassVar[tuple[str, ...]] = ("rule_name",)
    ui_color: str = _COLOR
    ui_fgcolor: str = _TEXT

    def __init__(
        self,
        *,
        rule_name: JobReference,
        event_bus_name: str | XComArg = "default",
        **kwargs: Unpack[AwsOperatorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.rule_name = rule_name
        self.event_bus_name = event_bus_name
        self.finish_parameters()

    def execute(self, context: Context) -> None:
        """Delete the rule."""
        if self.nothing_handed_on():
            self.log.info("There is no rule to delete: no rule_name was handed on.")
            return
        name, bus = self.read("rule_name"), self.read("event_bus_name")
        gone = "is deleted" if self.hook.rules.delete(name, bus) else "is gone already"
        self.log.info("Rule %s %s.", name, gone)


class EventBridgeTemporaryRule:
    """A temporary rule for the tasks of a ``with`` block: a setup creates it, and its teardown deletes it.

    The tasks of the block run after ``create_NAME`` and before ``delete_NAME``, which runs whatever becomes
    of them. Replay to :attr:`rule_arn` alone::

        with EventBridgeTemporaryRule("trial", target_arn=QUEUE) as trial:
            EventBridgeStartReplayOperator(task_id="try", archive="orders", rule_arns=[trial.rule_arn])

    What both tasks share with all tasks of the DAG, such as ``retries``, comes from its ``default_args``.

    :param name: what both tasks are named after.
    :param target_arn: as that of :class:`EventBridgeCreateTemporaryRuleOperator`, and so are the others.
    :param event_pattern: which of the replayed events.
    :param event_bus_name: name or ARN of the archive's event bus.
    :param role_arn: the role with which EventBridge sends.
    :param dead_letter_arn: a queue for events that the target does not take.
    :param keep_for: how long the rule is needed at most.
    :param aws: the AWS parameters of both tasks.
    :raises JobInputError: for parameters that cannot work.
    """

    def __init__(
        self,
        name: str,
        *,
        target_arn: str | XComArg,
        event_pattern: Mapping[str, Any] | str | XComArg | None = None,
        event_bus_name: str | XComArg = "default",
        role_arn: str | XComArg | None = None,
        dead_letter_arn: str | XComArg | None = None,
        keep_for: timedelta | float = _DAY,
        **aws: Unpack[AwsParameters],
    ) -> None:
        self.create = EventBridgeCreateTemporaryRuleOperator(
            task_id=f"create_{name}",
            target_arn=target_arn,
            event_pattern=event_pattern,
            event_bus_name=event_bus_name,
            role_arn=role_arn,
            dead_letter_arn=dead_letter_arn,
            keep_for=keep_for,
            **aws,
        )
        self.delete = EventBridgeDeleteTemporaryRuleOperator(
            task_id=f"delete_{name}",
            rule_name=self.create.output["rule_name"],
            event_bus_name=event_bus_name,
            **aws,
        )
        self.delete.as_teardown(setups=self.create)

    @property
    def rule_arn(self) -> XComArg:
        """The rule's ARN, for ``rule_arns``."""
        return self.create.output["rule_arn"]

    def __enter__(self) -> Self:
        self.delete.__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.delete.__exit__(kind, error, trace)  # type: ignore[no-untyped-call]
