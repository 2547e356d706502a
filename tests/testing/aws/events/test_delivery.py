# SPDX-License-Identifier: Apache-2.0

"""What a replay delivers, when, and to which rules and targets."""

from __future__ import annotations

from datetime import datetime, timedelta

from testing.conftest import QUEUE_ARN, Cloud

from .replays import BUS_ARN, at


def test_delivers_the_window_once_and_in_order(cloud: Cloud) -> None:
    cloud.archive()
    cloud.put(40, -1, 0, 59.5, 60, 10, 10, 61)
    cloud.rule("all")
    cloud.start()
    assert cloud.minutes("all") == []
    first = cloud.describe()
    assert first["EventLastReplayedTime"] == at(10)
    assert cloud.minutes("all") == [0, 10, 10]
    last = cloud.describe()
    assert last["EventLastReplayedTime"] == at(59.5)
    cloud.describe()
    assert cloud.minutes("all") == [40, 59.5], "the start is part of the window, the end is not"


def test_goes_by_whole_minutes(cloud: Cloud) -> None:
    cloud.archive()
    cloud.put(0, 1, 2, 2.5)
    cloud.rule("all")
    cloud.start(minutes=5)
    cloud.describe()
    assert cloud.minutes("all") == [0, 1], "half of 5 minutes is 2 slices"


def test_by_hand_delivers_at_once(cloud: Cloud) -> None:
    cloud.aws.set_pace()
    cloud.archive()
    cloud.put(0, 15, 30, 45)
    cloud.rule("all")
    cloud.start()
    cloud.aws.advance("replay", to=0.5)
    assert cloud.minutes("all") == [0, 15]
    assert cloud.describe()["State"] == "RUNNING"
    cloud.aws.advance("replay")
    assert cloud.minutes("all") == [30, 45]
    assert cloud.aws.jobs("events")[0]["events_replayed"] == 4


def test_moves_by_the_clock_when_another_is_read(cloud: Cloud) -> None:
    cloud.archive()
    cloud.put(0, 30)
    cloud.rule("all")
    cloud.aws.set_pace("events", seconds=0)
    cloud.start()
    cloud.events.list_rules()
    assert cloud.minutes("all") == [0, 30]


def test_a_replayed_event(cloud: Cloud) -> None:
    cloud.archive()
    cloud.put(1.5)
    cloud.rule("all")
    cloud.start()
    cloud.describe()
    [event] = cloud.received("all")
    assert event.pop("id")
    assert event == {
        "version": "0",
        "detail-type": "order",
        "source": "shop",
        "account": "123456789012",
        "time": "2026-11-01T00:01:30Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {"minute": 1.5},
        "replay-name": "replay",
    }


def test_is_never_archived_again(cloud: Cloud) -> None:
    cloud.archive()
    cloud.archive("second")
    cloud.put(1, 2)
    cloud.start()
    cloud.describe()
    cloud.describe()
    counts = {row["ArchiveName"]: row["EventCount"] for row in cloud.events.list_archives()["Archives"]}
    assert counts == {"orders": 2, "second": 2}


def test_nothing_to_replay(cloud: Cloud) -> None:
    cloud.archive()
    cloud.put(-5, 90)
    cloud.start()
    assert "EventLastReplayedTime" not in cloud.describe()
    ended = cloud.describe()
    assert ended["State"] == "COMPLETED"
    assert "EventLastReplayedTime" not in ended


def test_only_the_rules_asked_for(cloud: Cloud) -> None:
    cloud.archive(bus="sales")
    cloud.put(1, bus="sales")
    wanted = cloud.rule("wanted", bus="sales")
    cloud.rule("other", bus="sales")
    cloud.start(Destination={"Arn": BUS_ARN.format("sales"), "FilterArns": [wanted]})
    assert [cloud.state(), cloud.state()] == ["RUNNING", "COMPLETED"]
    assert (cloud.minutes("wanted"), cloud.minutes("other")) == ([1], [])


def test_only_rules_that_match_and_are_enabled(cloud: Cloud) -> None:
    cloud.archive()
    cloud.put(1)
    cloud.rule("other", pattern='{"source": ["bank"]}')
    cloud.rule("disabled")
    cloud.events.disable_rule(Name="disabled")
    cloud.start()
    cloud.describe()
    assert (cloud.minutes("other"), cloud.minutes("disabled")) == ([], [])


def test_other_targets(cloud: Cloud) -> None:
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="audit")
    cloud.archive()
    cloud.put(1)
    cloud.rule("all")
    for name, target in {
        "audit": "arn:aws:logs:us-east-1:123456789012:log-group:audit",
        "a-lambda": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "gone": QUEUE_ARN.format("gone"),
    }.items():
        cloud.events.put_rule(Name=name, EventPattern='{"source": ["shop"]}')
        cloud.events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": target}])
    cloud.start()
    assert [cloud.state(), cloud.state()] == ["RUNNING", "COMPLETED"]
    [event] = logs.filter_log_events(logGroupName="audit")["events"]
    assert '"replay-name": "replay"' in event["message"]
    assert cloud.minutes("all") == [1], "one rule is served whatever becomes of another's targets"


def test_a_target_that_fails_keeps_nothing_from_the_others(cloud: Cloud) -> None:
    cloud.archive()
    cloud.rule("all")
    arns = ["arn:aws:lambda:us-east-1:123456789012:function:f", QUEUE_ARN.format("gone")]
    targets = [{"Id": str(number), "Arn": arn} for number, arn in enumerate(arns)]
    cloud.events.remove_targets(Rule="all", Ids=["queue"])
    cloud.events.put_targets(Rule="all", Targets=[*targets, {"Id": "queue", "Arn": QUEUE_ARN.format("all")}])
    cloud.put(1)
    assert cloud.minutes("all") == [1], "live"
    cloud.start()
    cloud.aws.advance("replay")
    assert cloud.minutes("all") == [1], "replayed"


def test_a_replay_goes_on_to_another_bus_as_one(cloud: Cloud) -> None:
    cloud.archive()
    cloud.archive("sales", bus="sales")
    cloud.put(1)
    cloud.rule("all", bus="sales")
    cloud.events.put_rule(Name="on", EventPattern='{"source": ["shop"]}')
    cloud.events.put_targets(Rule="on", Targets=[{"Id": "bus", "Arn": BUS_ARN.format("sales")}])
    cloud.start()
    cloud.aws.advance("replay")
    assert [event["replay-name"] for event in cloud.received("all")] == ["replay"]
    assert cloud.events.describe_archive(ArchiveName="sales")["EventCount"] == 0, (
        "a replayed event is not archived"
    )


def test_what_the_rule_asks_for_is_sent_to_a_log_group(cloud: Cloud) -> None:
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="audit")
    cloud.events.put_rule(Name="all", EventPattern='{"source": ["shop"]}')
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:audit:*"
    cloud.events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": arn, "InputPath": "$.detail"}])
    cloud.put(7)
    assert [event["message"] for event in logs.filter_log_events(logGroupName="audit")["events"]] == [
        '{"minute": 7}'
    ]


def test_an_event_without_a_time_has_aws_time(cloud: Cloud) -> None:
    cloud.aws.set_clock_skew(7200)
    cloud.rule("all")
    cloud.events.put_events(Entries=[{"Source": "shop", "DetailType": "order", "Detail": "{}"}])
    [event] = cloud.received("all")
    assert abs(datetime.fromisoformat(event["time"]) - cloud.aws.now()) < timedelta(minutes=1)


def test_fifo_queue(cloud: Cloud) -> None:
    cloud.archive()
    cloud.put(1, 2)
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    cloud.sqs.create_queue(QueueName="all.fifo", Attributes=attributes)
    cloud.events.put_rule(Name="all", EventPattern='{"source": ["shop"]}')
    target = {"Id": "1", "Arn": QUEUE_ARN.format("all.fifo"), "SqsParameters": {"MessageGroupId": "one"}}
    cloud.events.put_targets(Rule="all", Targets=[target])
    cloud.start()
    cloud.aws.advance("replay")
    assert cloud.minutes("all.fifo") == [1, 2]


def test_archive_as_moto_keeps_it(cloud: Cloud) -> None:
    cloud.archive()
    cloud.put(1, 2)
    assert cloud.events.describe_archive(ArchiveName="orders")["EventCount"] == 2
    cloud.events.delete_archive(ArchiveName="orders")
    cloud.put(3)
    assert cloud.events.list_archives()["Archives"] == []
    assert cloud.events.list_rules()["Rules"] == []


def test_archive_with_a_pattern(cloud: Cloud) -> None:
    cloud.events.create_archive(
        ArchiveName="orders", EventSourceArn=BUS_ARN.format("default"), EventPattern='{"source": ["bank"]}'
    )
    cloud.put(1)
    assert cloud.events.describe_archive(ArchiveName="orders")["EventCount"] == 0


def test_thousands_of_events_are_replayed(cloud: Cloud) -> None:
    cloud.archive()
    cloud.rule("all", pattern='{"replay-name": [{"exists": true}]}')
    cloud.put(*range(3000))
    cloud.start(minutes=3000)
    cloud.aws.advance("replay")
    assert cloud.aws.jobs("events")[0]["events_replayed"] == 3000


def test_targets_after_one_that_is_gone_or_that_moto_does_not_have(cloud: Cloud) -> None:
    cloud.archive()
    cloud.rule("shop")
    stream = "arn:aws:kinesis:us-east-1:123456789012:stream/none"
    targets = [
        {"Id": "another", "Arn": stream},
        {"Id": "gone", "Arn": QUEUE_ARN.format("gone")},
        {"Id": "queue", "Arn": QUEUE_ARN.format("shop")},
    ]
    cloud.events.remove_targets(Rule="shop", Ids=["queue"])
    cloud.put(1)
    cloud.events.put_targets(Rule="shop", Targets=targets)
    cloud.aws.set_pace("events", seconds=0)
    cloud.start()
    assert cloud.state() == "COMPLETED"
    assert cloud.minutes("shop") == [1]


def test_a_replayed_event_that_goes_on_to_another_bus(cloud: Cloud) -> None:
    bus = cloud.events.create_event_bus(Name="other")["EventBusArn"]
    cloud.events.create_archive(ArchiveName="others", EventSourceArn=bus)
    cloud.rule("replayed", bus="other", pattern='{"replay-name": ["replay"]}')
    cloud.archive()
    cloud.put(1)
    cloud.events.put_rule(Name="on", EventPattern='{"source": ["shop"]}')
    cloud.events.put_targets(Rule="on", Targets=[{"Id": "bus", "Arn": bus}])
    cloud.aws.set_pace("events", seconds=0)
    cloud.start()
    [event] = cloud.received("replayed")
    assert (event["replay-name"], event["time"]) == ("replay", "2026-11-01T00:01:00Z")
    assert cloud.events.describe_archive(ArchiveName="others")["EventCount"] == 0
