# SPDX-License-Identifier: Apache-2.0

"""CloudWatch's figures of rules follow from what the rules did, as late as is asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from testing.conftest import QUEUE_ARN, Cloud

pytestmark = pytest.mark.parametrize("cloud", ["in process"], indirect=True)
GONE, DEAD, THERE = (QUEUE_ARN.format(name) for name in ("gone", "dead", "there"))
NAMES = (
    "MatchedEvents",
    "TriggeredRules",
    "InvocationAttempts",
    "Invocations",
    "SuccessfulInvocationAttempts",
    "FailedInvocations",
    "InvocationsSentToDlq",
    "InvocationsFailedToBeSentToDlq",
)


def shown(cloud: Cloud, **dimensions: str) -> list[float]:
    """The sums of a rule's figures, in the order of NAMES; -1 for one that is not sent."""
    where = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    metrics = [{"Namespace": "AWS/Events", "MetricName": name, "Dimensions": where} for name in NAMES]
    now = cloud.aws.now()
    answer: Any = cloud.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Sum"}}
            for number, metric in enumerate(metrics)
        ],
        StartTime=now - timedelta(minutes=59),
        EndTime=now + timedelta(seconds=2),
    )
    return [sum(row["Values"]) if row["Values"] else -1 for row in answer["MetricDataResults"]]


@pytest.mark.parametrize("bus", ["default", "shop"])
def test_each_rule_has_the_figures_of_what_it_did(cloud: Cloud, bus: str) -> None:
    if bus != "default":
        cloud.events.create_event_bus(Name=bus)
    for queue in ("dead", "there"):
        cloud.sqs.create_queue(QueueName=queue)
    targets: dict[str, list[dict[str, Any]]] = {
        "good": [{"Id": "1", "Arn": THERE}, {"Id": "2", "Arn": THERE}],
        "kept": [{"Id": "1", "Arn": GONE, "DeadLetterConfig": {"Arn": DEAD}}],
        "lost": [{"Id": "1", "Arn": GONE}, {"Id": "2", "Arn": GONE, "DeadLetterConfig": {"Arn": GONE}}],
        "none": [],
    }
    for name, each in targets.items():
        source = "other" if name == "none" else "shop"
        cloud.events.put_rule(Name=name, EventBusName=bus, EventPattern=f'{{"source": ["{source}"]}}')
        if each:
            cloud.events.put_targets(Rule=name, EventBusName=bus, Targets=each)
    cloud.aws.set_figures(late=300)
    entry: Any = {"Source": "shop", "DetailType": "order", "Detail": "{}", "EventBusName": bus}
    cloud.events.put_events(Entries=[entry] * 3)
    where = {} if bus == "default" else {"EventBusName": bus}
    assert shown(cloud, **where, RuleName="good") == [-1] * 8
    cloud.aws.set_clock_skew(301)
    assert shown(cloud, **where, RuleName="good") == [3, 3, 6, 6, 6, -1, -1, -1]
    assert shown(cloud, **where, RuleName="kept") == [3, 3, 3, 3, -1, 3, 3, -1]
    assert shown(cloud, **where, RuleName="lost") == [3, 3, 6, 6, -1, 6, -1, 3]
    assert shown(cloud, **where, RuleName="none") == [-1] * 8
    with pytest.raises(ValueError, match="late must not be negative"):
        cloud.aws.set_figures(late=-1)
