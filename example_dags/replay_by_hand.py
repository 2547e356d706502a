# SPDX-License-Identifier: Apache-2.0

"""Keep payments in an archive; replay a span of them by hand, to one consumer, after a trial.

Trigger ``keep_payments`` once: the archive has the payments from then on. If the consumer has missed some,
trigger ``try_payments`` with a part of that time, and read what comes into the trial's queue; nobody else
gets it. If it is right, trigger ``replay_payments`` with all of the time. COMPLETED says that the events were
sent: trigger ``check_payments`` with the replay's name, and its result tells what the rule did with them, and
how many messages are in the consumer's dead-letter queue. ``sqs_redrive`` moves these back once the consumer
is repaired.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param

from airflow_provider_jobs.operators.eventbridge import (
    EventBridgeCreateArchiveOperator,
    EventBridgeStartReplayOperator,
)
from airflow_provider_jobs.operators.temporary_rule import EventBridgeTemporaryRule
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplayDeliverySensor

ARCHIVE, BUS, PAYMENTS = "payments", "shop", {"source": ["shop.payments"]}
# The consumer's rule; the bus has others, which are not to get the payments again.
RULE = "payments"
# Its policy allows EventBridge (events.amazonaws.com) to send messages.
TRIAL_QUEUE = "arn:aws:sqs:us-east-1:123456789012:payments-trial"

SPAN = {
    name: Param(type="string", format="date-time", description=f"the {name}, with an offset or Z")
    for name in ("start", "end")
}
START, END = "{{ params.start }}", "{{ params.end }}"

with DAG("keep_payments", schedule=None, doc_md=__doc__):
    EventBridgeCreateArchiveOperator(
        task_id="keep", archive_name=ARCHIVE, event_bus_name=BUS, event_pattern=PAYMENTS, retention_days=30
    )

with (
    DAG("try_payments", schedule=None, params=SPAN, doc_md=__doc__),
    EventBridgeTemporaryRule(
        "trial", target_arn=TRIAL_QUEUE, event_pattern=PAYMENTS, event_bus_name=BUS
    ) as trial,
):
    EventBridgeStartReplayOperator(
        task_id="try",
        archive=ARCHIVE,
        event_start_time=START,
        event_end_time=END,
        rule_arns=[trial.rule_arn],
        if_empty="fail",
        deferrable=True,
    )

with DAG("replay_payments", schedule=None, params=SPAN, doc_md=__doc__):
    EventBridgeStartReplayOperator(
        task_id="replay",
        archive=ARCHIVE,
        event_start_time=START,
        event_end_time=END,
        rule_arns=[RULE],
        if_empty="fail",
        deferrable=True,
    )

with DAG("check_payments", schedule=None, params={"replay_name": Param(type="string")}, doc_md=__doc__):
    EventBridgeReplayDeliverySensor(
        task_id="check", replay_name="{{ params.replay_name }}", poke_interval=60, deferrable=True
    )
