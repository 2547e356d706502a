# SPDX-License-Identifier: Apache-2.0

"""CloudWatch's figures of EventBridge's rules: what each rule has matched, and what became of its targets.

Models https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html. The figures do not tell
replayed events from live ones, as on AWS. An archive's own rule has none here. Assumptions: an invocation
that goes to a dead-letter queue counts as failed too; nothing is retried, so each invocation is one attempt.
"""

from __future__ import annotations

from collections.abc import Iterable

from moto.events.models import Rule

from airflow_provider_jobs.testing.aws.figures import Figure, put_figures
from airflow_provider_jobs.testing.control import CONTROL

NAMESPACE = "AWS/Events"
#: Of an event that a rule has matched.
MATCHED = ("MatchedEvents", "TriggeredRules")
#: Of each target that is then invoked.
INVOKED = ("InvocationAttempts", "Invocations")
TAKEN = ("SuccessfulInvocationAttempts",)
LOST = ("FailedInvocations",)
DEAD_LETTER = (*LOST, "InvocationsSentToDlq")
NO_DEAD_LETTER = (*LOST, "InvocationsFailedToBeSentToDlq")


def count(rule: Rule, names: Iterable[str]) -> None:
    """Count one for each of a rule's figures; ``AwsJobs.set_figures`` says how late they show.

    :param rule: a bus's rule
    :param names: the figures
    """
    bus = {} if rule.event_bus_name == "default" else {"EventBusName": rule.event_bus_name}
    figures = [Figure(name, 1, {**bus, "RuleName": rule.name}) for name in names]
    put_figures(rule.account_id, rule.region_name, NAMESPACE, figures, late=CONTROL.figures_late)
