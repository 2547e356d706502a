# SPDX-License-Identifier: Apache-2.0

"""What subscribers of the mocked Custom Event Bus deliver, when, and which figures follow from it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from testing.conftest import QUEUE_ARN

from .orders import FUNCTION, Orders

DEAD = {"Arn": QUEUE_ARN.format("dead")}
TARGET = QUEUE_ARN.format("orders")
ENDS = ("EventsDelivered", "OnFailureDestinationDelivered", "OnFailureDestinationFailed", "EventsDropped")


def test_a_replay_delivers_its_window_and_no_more(orders: Orders) -> None:
    orders.aws.set_pace()
    orders.put(60)
    orders.aws.set_clock_skew(0)
    orders.subscribe()
    assert orders.numbers() == []
    orders.aws.advance("replay", to=0.04)  # of an hour
    assert orders.numbers() == [0, 1]
    assert orders.job()["undelivered"] == 3
    orders.aws.advance("replay")
    orders.put_now(7)
    assert orders.numbers() == [2, 3, 4]
    assert (orders.job()["phase"], orders.job()["delivered"]) == ("succeeded", 5)


def test_without_an_end_it_goes_on_live(orders: Orders) -> None:
    orders.subscribe(ends=False, Transformer={"Type": "WITH_METADATA"})
    orders.put_now(5)
    found = orders.cloud.received("orders")
    assert [each["Data"]["detail"]["number"] for each in found] == [0, 1, 2, 3, 4, 5]
    assert [each["SystemMetadata"]["aws:DeliveryType"] for each in found[4:]] == ["REPLAY", "LIVE"]
    assert found[0]["SystemMetadata"]["aws:Source"] == "shop"


def test_one_from_now_on_gets_nothing_of_the_past(orders: Orders) -> None:
    orders.subscribe(StartingPosition=None, PointInTimeConfiguration=None)
    orders.put_now(5, 6)
    assert orders.numbers() == [5, 6]
    assert orders.aws.jobs("eventbridgev2") == []


def test_retention_ends(orders: Orders) -> None:
    orders.aws.set_clock_skew(22 * 3600 + 130)
    orders.subscribe(ends=False, PointInTimeConfiguration={"PointType": "HORIZON"})
    assert orders.numbers() == [2, 3, 4]


def test_an_event_matches_all_filters(orders: Orders) -> None:
    orders.api.put_raw_events(
        EventBusArn=orders.bus,
        Entries=[
            {
                "Data": json.dumps({"number": number}).encode(),
                "Metadata": {"tenant": "one" if number < 8 else "two"},
                "SystemMetadata": {"ContentType": "application/json", "EventGroupId": "g"},
            }
            for number in range(5, 11)
        ],
    )
    filters = [
        {"Scope": "DATA", "Pattern": '{"number": [{"numeric": [">", 6]}]}'},
        {"Scope": "METADATA", "Pattern": '{"tenant": [{"anything-but": {"prefix": "t"}}]}'},
        {"Scope": "SYSTEM_METADATA", "Pattern": '{"aws:DeliveryType": ["REPLAY"], "EventGroupId": ["g"]}'},
    ]
    arn = orders.subscribe(ends=False, FilterConfiguration={"Filters": filters})
    assert [body["number"] for body in orders.cloud.received("orders")] == [7]
    assert orders.sums(arn, "FilterEvaluated", "FilterMatched") == {"FilterEvaluated": 11, "FilterMatched": 1}


def test_it_starts_late(orders: Orders) -> None:
    orders.aws.set_pace(seconds=0)
    orders.aws.set_subscribers(startup_delay=180)
    arn = orders.subscribe()
    orders.aws.set_clock_skew(179)
    assert (orders.numbers(), orders.job()["phase"]) == ([], "running")
    assert orders.sums(arn, "FilterEvaluated", "ApproximateBacklogAge") == {}
    orders.aws.set_clock_skew(180)
    assert (len(orders.numbers()), orders.job()["phase"]) == (5, "succeeded")


def test_a_consumer_that_fails_for_four_minutes(orders: Orders) -> None:
    """The time jumps over all tries, and each has its own time all the same."""
    orders.aws.set_pace(seconds=0)
    orders.aws.set_target(TARGET, "SERVICE_UNAVAILABLE", seconds=240)
    began = orders.aws.now().timestamp()
    policy = {"MaxRetryAttempts": 185, "MaxEventAgeInSeconds": 3600}
    arn = orders.subscribe(RetryPolicy=policy, OnFailureConfiguration=DEAD)
    orders.aws.set_clock_skew(235)
    assert (orders.numbers(), orders.job()["phase"], orders.job()["undelivered"]) == ([], "running", 5)
    assert orders.sums(arn, *ENDS) == {}
    orders.aws.set_clock_skew(600)
    assert orders.job()["phase"] == "succeeded"
    assert sorted(orders.numbers()) == [0, 1, 2, 3, 4]
    assert 240 < orders.job()["last_delivered"] - began < 300
    assert orders.sums(arn, *ENDS) == {"EventsDelivered": 5}
    ages = orders.figures(arn, "ApproximateBacklogAge", stat="Maximum")["ApproximateBacklogAge"]
    assert [round(age / 60_000) for age in ages] == [120, 121, 122, 123, 124, 0]


@pytest.mark.parametrize(
    ("dead_letters", "works", "expected"),
    [
        (True, True, {"dead_lettered": 5, "dropped": 0, "lost": 0, "OnFailureDestinationDelivered": 1}),
        (True, False, {"dead_lettered": 0, "dropped": 0, "lost": 5, "OnFailureDestinationFailed": 1}),
        (False, True, {"dead_lettered": 0, "dropped": 5, "lost": 0, "EventsDropped": 5}),
    ],
)
def test_what_no_retry_delivers(
    orders: Orders, dead_letters: bool, works: bool, expected: dict[str, int]
) -> None:
    """A record in the dead-letter queue counts once, for all events of the call."""
    orders.aws.set_pace(seconds=0)
    orders.aws.set_target(TARGET, "ACCESS_DENIED")
    if not works:
        orders.aws.set_target(DEAD["Arn"], "ACCESS_DENIED")
    arn = orders.subscribe(
        OnFailureConfiguration=DEAD if dead_letters else None,
        BatchConfiguration={"MaxBatchSize": 5},
        RetryPolicy={"MaxRetryAttempts": 2},
    )
    orders.aws.set_clock_skew(30)
    job = orders.job()
    assert (job["phase"], job["delivered"], job["undelivered"]) == ("succeeded", 0, 0)
    found = {name: job[name] for name in ("dead_lettered", "dropped", "lost")} | orders.sums(arn, *ENDS)
    assert found == expected
    tries = ("EventDeliveryAttempts", "TargetInvocations", "RetryInvocationAttempts")
    assert orders.sums(arn, *tries) == dict(zip(tries, (15, 3, 1 + 2), strict=True))


def test_a_transformer_that_fails(orders: Orders) -> None:
    """What fails so is retried and given up as any other failure, so it is counted twice."""
    orders.aws.set_pace(seconds=0)
    orders.aws.set_target(TARGET, "EVENT_TRANSFORMATION_FAILURE")
    arn = orders.subscribe(RetryPolicy={"MaxRetryAttempts": 1})
    orders.aws.set_clock_skew(10)
    expected = {"FilterMatched": 5, "EventTransformationFailures": 10, "EventsDropped": 5}
    assert orders.sums(arn, *expected, "TargetInvocations") == expected


def test_a_dead_letter_record(orders: Orders) -> None:
    orders.aws.set_pace(seconds=0)
    orders.cloud.sqs.delete_queue(QueueUrl=orders.cloud.sqs.get_queue_url(QueueName="orders")["QueueUrl"])
    policy = {"MaxRetryAttempts": 185, "MaxEventAgeInSeconds": 60}
    arn = orders.subscribe(
        OnFailureConfiguration=DEAD, BatchConfiguration={"MaxBatchSize": 5}, RetryPolicy=policy
    )
    orders.aws.set_clock_skew(60)
    (record,) = orders.cloud.received("dead")
    messages = record.pop("failedMessages")
    assert record.pop("errorMessage")
    assert record == {
        "version": "1.0",
        "busArn": orders.bus,
        "subscriberArn": arn,
        "targetArn": TARGET,
        "errorCode": "CUSTOMER_VALIDATION",
        "exhaustedRetryCondition": "MaximumEventAgeInSeconds",
        "retryAttempts": 3,
    }
    names = {"eventId", "eventGroupId", "deduplicationId", "timestamp", "targetRequestId"}
    assert [set(message) for message in messages] == [names] * 5


def test_a_fifo_subscriber_waits_for_what_fails(orders: Orders) -> None:
    orders.aws.set_pace(seconds=0)
    orders.aws.set_target(TARGET, "SERVICE_UNAVAILABLE", seconds=20)
    orders.subscribe(Type="FIFO")
    orders.aws.set_clock_skew(19)
    assert orders.job()["evaluated"] == 1
    orders.aws.set_clock_skew(60)
    assert orders.numbers() == [0, 1, 2, 3, 4]


def test_a_pause_and_what_comes_after_it(orders: Orders) -> None:
    orders.aws.set_pace()
    arns = {position: orders.subscribe(position) for position in ("LAST_PROCESSED", "LATEST")}
    for name, arn in arns.items():
        orders.aws.advance(name, to=0.04)
        orders.api.update_subscriber(SubscriberArn=arn, State="STOPPED")
        orders.aws.advance(name)
        assert orders.numbers() == [0, 1]
        assert (orders.job(name)["phase"], orders.job(name)["state"]) == ("stopped", "STOPPED")
    for name, arn in arns.items():
        orders.api.update_subscriber(SubscriberArn=arn, State="RUNNING", ResumePosition=name)
        assert orders.numbers() == ([2, 3, 4] if name == "LAST_PROCESSED" else [])
        assert orders.job(name)["phase"] == "succeeded"


def test_a_deleted_and_a_revoked_one_deliver_nothing_more(orders: Orders) -> None:
    orders.aws.set_pace()
    deleted, revoked = orders.subscribe("deleted"), orders.subscribe("revoked")
    orders.aws.set_target(TARGET, "SERVICE_UNAVAILABLE", seconds=5)
    for name in ("deleted", "revoked"):
        orders.aws.advance(name, to=0.01)
    orders.api.delete_subscriber(SubscriberArn=deleted)
    orders.api.revoke_resource(Arn=revoked)
    orders.aws.set_clock_skew(600)
    assert orders.numbers() == []
    assert [orders.job(name)["phase"] for name in ("deleted", "revoked")] == ["stopped", "failed"]
    described = orders.api.describe_subscriber(SubscriberArn=revoked)
    assert (described["State"], described["Revoked"]) == ("RUNNING", True)


def test_a_job_that_fails_is_revoked(orders: Orders) -> None:
    orders.aws.fail_next("eventbridgev2", "Too loud", at=0.5)
    arn = orders.subscribe()
    for _ in range(2):
        described = orders.api.describe_subscriber(SubscriberArn=arn)
    assert described["Revoked"]


def test_figures_come_late(orders: Orders) -> None:
    orders.aws.set_pace(seconds=0)
    orders.aws.set_subscribers(metrics_late=360)
    arn = orders.subscribe()
    orders.aws.set_clock_skew(359)
    assert (len(orders.numbers()), orders.sums(arn, "EventsDelivered")) == (5, {})
    orders.aws.set_clock_skew(361)
    assert orders.sums(arn, "EventsDelivered") == {"EventsDelivered": 5}


def test_figures_by_name_and_id(orders: Orders) -> None:
    orders.aws.set_pace(seconds=0)
    orders.aws.set_subscribers(dimensions="name")
    arn = orders.subscribe()
    assert orders.sums(arn, "EventsDelivered") == {}
    names = {"EventBus": orders.bus.partition("/")[2], "Subscriber": arn.partition("/")[2]}
    assert orders.figures(arn, "EventsDelivered", **names) == {"EventsDelivered": [5]}


def test_a_function_gets_batches(orders: Orders) -> None:
    calls = []

    def handler(events: list[dict[str, Any]], context: Any) -> list[dict[str, Any]]:
        calls.append([event["detail"]["number"] for event in events])
        if len(calls) == 1:
            raise RuntimeError("Not yet")
        return []

    orders.aws.set_pace(seconds=0)
    orders.aws.set_lambda("take", handler)
    orders.subscribe(target=FUNCTION.format("take"), BatchConfiguration={"MaxBatchSize": 3})
    orders.aws.set_clock_skew(60)
    assert calls == [[0, 1, 2], [3, 4], [0, 1, 2]]
    orders.subscribe("missing", target=FUNCTION.format("none"), RetryPolicy={"MaxRetryAttempts": 0})
    assert orders.job("missing")["dropped"] == 5
