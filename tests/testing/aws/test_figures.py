# SPDX-License-Identifier: Apache-2.0

"""Figures that mocked services tell moto's CloudWatch."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from testing.conftest import Cloud

from airflow_provider_jobs.testing import AwsJobs
from airflow_provider_jobs.testing.aws.figures import Figure, put_figures

pytestmark = pytest.mark.parametrize("cloud", ["in process"], indirect=True)
RULE = {"RuleName": "orders"}


def put(value: float, at: datetime | None = None, late: float = 0.0, **where: str) -> None:
    given = {"account": "123456789012", "region": "us-east-1", **where}
    figures = [Figure("Invocations", value, RULE), Figure("Latency", 1.5, RULE, "Milliseconds")]
    put_figures(given["account"], given["region"], "AWS/Events", figures, at, late)


def shown(cloud: Cloud, since: datetime | None = None, region: str = "us-east-1") -> list[float]:
    """The sums of the minutes of an hour."""
    begins = since or cloud.aws.now() - timedelta(minutes=30)
    metric = {
        "Namespace": "AWS/Events",
        "MetricName": "Invocations",
        "Dimensions": [{"Name": name, "Value": value} for name, value in RULE.items()],
    }
    answer: Any = cloud.client("cloudwatch", region=region).get_metric_data(
        MetricDataQueries=[{"Id": "sent", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}],
        StartTime=begins,
        EndTime=begins + timedelta(hours=1),
        ScanBy="TimestampAscending",
    )
    return [float(value) for value in answer["MetricDataResults"][0]["Values"]]


def test_a_figure_shows_at_its_time_in_its_account_and_region(cloud: Cloud) -> None:
    now = cloud.aws.now()
    put(2)
    put(3, at=now - timedelta(minutes=10))
    put(5, region="eu-west-1")
    put(7, account="210987654321")
    assert shown(cloud) == [3, 2]
    assert shown(cloud, since=now - timedelta(minutes=5)) == [2]
    assert shown(cloud, region="eu-west-1") == [5]


def test_a_late_figure_shows_late_and_at_its_own_time(cloud: Cloud) -> None:
    now = cloud.aws.now()
    put(1, at=now - timedelta(seconds=290), late=300)
    put(2, at=now, late=300)
    assert shown(cloud) == []
    cloud.aws.set_clock_skew(60)
    assert shown(cloud, since=now - timedelta(minutes=10)) == [1]
    cloud.aws.set_clock_skew(360)
    assert shown(cloud, since=now - timedelta(minutes=10)) == [1, 2]


def test_a_reset_forgets_late_figures(cloud: Cloud) -> None:
    aws: AwsJobs = cloud.aws
    put(1, late=60)
    aws.reset()
    aws.set_clock_skew(120)
    assert shown(cloud) == []


def test_dimensions_in_any_order_and_what_moto_answers_otherwise(cloud: Cloud) -> None:
    """Each query has its own figures: of a metric with these dimensions, or of one with any."""
    names = {"Subscriber": "arn:s", "EventBus": "arn:b"}
    put_figures("123456789012", "us-east-1", "AWS/EventsV2", [Figure("Invocations", 3, names)])
    put(2)
    put(5)
    metrics: list[dict[str, Any]] = [
        {"Namespace": "AWS/EventsV2", "Dimensions": [{"Name": name, "Value": names[name]} for name in order]}
        for order in (["EventBus", "Subscriber"], ["Subscriber", "EventBus"], ["EventBus"], [])
    ]
    metrics += [{"Namespace": "AWS/Events", "Dimensions": [{"Name": "RuleName", "Value": "orders"}]}]
    now = cloud.aws.now()
    answer = cloud.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {**metric, "MetricName": "Invocations"},
                    "Period": 3600,
                    "Stat": "Sum",
                },
            }
            for number, metric in enumerate(metrics)
        ],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
    )
    found = {row["Id"]: row["Values"] for row in answer["MetricDataResults"]}
    assert found == {"m0": [3], "m1": [3], "m2": [], "m3": [3], "m4": [7]}
