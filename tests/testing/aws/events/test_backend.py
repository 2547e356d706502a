# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from testing.conftest import QUEUE_ARN, T0, Cloud

ARCHIVE_ARN = "arn:aws:events:us-east-1:123456789012:archive/{}"
BUS_ARN = "arn:aws:events:us-east-1:123456789012:event-bus/{}"


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def error(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    details = caught.value.response["Error"]
    return details["Code"], details["Message"]


def test_states(cloud: Cloud) -> None:
    cloud.archive()
    started = cloud.start()
    assert started["State"] == "STARTING"
    assert started["ReplayArn"] == "arn:aws:events:us-east-1:123456789012:replay/replay"
    assert "ReplayStartTime" in started
    assert cloud.aws.jobs("events")[0]["state"] == "STARTING"
    first, second = cloud.describe(), cloud.describe()
    assert first["State"] == "RUNNING"
    assert "ReplayEndTime" not in first
    assert second["State"] == "COMPLETED"
    assert second["ReplayEndTime"] >= second["ReplayStartTime"] == started["ReplayStartTime"]


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


def test_failure(cloud: Cloud) -> None:
    cloud.archive()
    cloud.put(0, 45)
    cloud.rule("all")
    cloud.aws.fail_next("events", "The bus is gone.", at=0.5)
    cloud.start()
    failed = cloud.describe()
    assert (failed["State"], failed["StateReason"]) == ("FAILED", "The bus is gone.")
    assert failed["EventLastReplayedTime"] == T0
    assert "ReplayEndTime" in failed
    assert cloud.describe()["State"] == "FAILED"
    assert cloud.minutes("all") == [0]
    cloud.start("next")
    assert [cloud.state("next"), cloud.state("next")] == ["RUNNING", "COMPLETED"]
    assert "StateReason" not in cloud.describe("next")


def test_cancel(cloud: Cloud) -> None:
    cloud.aws.set_pace(reads=4)
    cloud.archive()
    cloud.put(0, 20, 40)
    cloud.rule("all")
    cloud.start()
    cloud.describe()
    cancelled = cloud.events.cancel_replay(ReplayName="replay")
    assert cancelled["State"] == "CANCELLING"
    assert cancelled["ReplayArn"].endswith(":replay/replay")
    assert cloud.aws.jobs("events")[0]["state"] == "CANCELLING"
    with pytest.raises(ClientError) as caught:
        cloud.events.cancel_replay(ReplayName="replay")
    assert error(caught) == (
        "IllegalStatusException",
        "Replay replay is not in a valid state for this operation.",
    )
    ended = cloud.describe()
    assert ended["State"] == "CANCELLED"
    assert "ReplayEndTime" in ended
    assert cloud.minutes("all") == [0], "what was delivered is not undone, and no more is"


def test_cancel_before_it_runs(cloud: Cloud) -> None:
    cloud.archive()
    cloud.start()
    cloud.events.cancel_replay(ReplayName="replay")
    assert cloud.state() == "CANCELLED"


def test_cancel_after_its_end(cloud: Cloud) -> None:
    cloud.archive()
    cloud.start()
    cloud.aws.advance("replay")
    with pytest.raises(ClientError) as caught:
        cloud.events.cancel_replay(ReplayName="replay")
    assert error(caught)[0] == "IllegalStatusException"


@pytest.mark.parametrize("operation", ["describe_replay", "cancel_replay"])
def test_unknown_replay(cloud: Cloud, operation: str) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(cloud.events, operation)(ReplayName="nope")
    assert error(caught) == ("ResourceNotFoundException", "Replay nope does not exist.")


VIOLATION = "1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: {}"
NOT_VALID = "Parameter {} is not valid. Reason: {}"
NOT_BEFORE = NOT_VALID.format("EventEndTime", "EventStartTime must be before EventEndTime.")
PATTERN = r"Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+"


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        pytest.param(
            {"EventSourceArn": ARCHIVE_ARN.format("nope")},
            "ValidationException",
            NOT_VALID.format("EventSourceArn", "Archive nope does not exist."),
            id="no such archive",
        ),
        pytest.param(
            {"Destination": {"Arn": BUS_ARN.format("other")}},
            "ValidationException",
            NOT_VALID.format("Destination.Arn", "Cross event bus replay is not permitted."),
            id="another bus",
        ),
        pytest.param(
            {"Destination": {"Arn": BUS_ARN.format("nope")}},
            "ResourceNotFoundException",
            "Event bus nope does not exist.",
            id="no such bus",
        ),
        pytest.param(
            {"Destination": {"Arn": "default"}},
            "ValidationException",
            NOT_VALID.format("Destination.Arn", "Must contain an event bus ARN."),
            id="a bus name",
        ),
        pytest.param({"EventEndTime": at(-1)}, "ValidationException", NOT_BEFORE, id="end before start"),
        pytest.param(
            {"EventEndTime": T0 + timedelta(milliseconds=900)},
            "ValidationException",
            NOT_BEFORE,
            id="end equal to the second",
        ),
        pytest.param(
            {"ReplayName": "a b"},
            "ValidationException",
            VIOLATION.format("a b", "replayName", PATTERN),
            id="name with a space",
        ),
        pytest.param(
            {"ReplayName": "a" * 65},
            "ValidationException",
            VIOLATION.format("a" * 65, "replayName", "Member must have length less than or equal to 64"),
            id="long name",
        ),
        pytest.param(
            {"Description": "a" * 513},
            "ValidationException",
            VIOLATION.format("a" * 513, "description", "Member must have length less than or equal to 512"),
            id="long description",
        ),
        pytest.param(
            {"ReplayName": "taken"},
            "ResourceAlreadyExistsException",
            "Replay taken already exists.",
            id="name taken",
        ),
    ],
)
def test_start_is_refused(cloud: Cloud, changes: dict[str, Any], code: str, message: str) -> None:
    cloud.archive()
    cloud.events.create_event_bus(Name="other")
    cloud.start("taken")
    with pytest.raises(ClientError) as caught:
        cloud.start(**changes)
    assert error(caught) == (code, message)
    assert [job["id"] for job in cloud.aws.jobs("events")] == ["taken"]


def test_eleventh_at_once(cloud: Cloud) -> None:
    cloud.archive()
    for number in range(10):
        cloud.start(f"replay-{number}")
    with pytest.raises(ClientError) as caught:
        cloud.start("eleventh")
    assert error(caught) == (
        "LimitExceededException",
        "The requested resource exceeds the maximum number allowed.",
    )
    with pytest.raises(ClientError) as caught:
        cloud.start("replay-0")
    assert error(caught)[0] == "ResourceAlreadyExistsException", "a known name comes before the quota"
    cloud.aws.advance("replay-3")
    cloud.start("eleventh")
    assert cloud.aws.max_active("events") == 10


def test_quota_is_settable_and_per_region(cloud: Cloud) -> None:
    cloud.archive()
    cloud.aws.set_quota("events", 1)
    cloud.start()
    with pytest.raises(ClientError) as caught:
        cloud.start("second")
    assert error(caught)[0] == "LimitExceededException"
    assert cloud.client("events", region="eu-west-1").list_replays()["Replays"] == []


def test_a_cancelling_replay_holds_its_place(cloud: Cloud) -> None:
    cloud.archive()
    cloud.aws.set_quota("events", 1)
    cloud.start()
    cloud.events.cancel_replay(ReplayName="replay")
    with pytest.raises(ClientError):
        cloud.start("second")
    cloud.describe()
    cloud.start("second")


def test_list_pages(cloud: Cloud) -> None:
    cloud.archive()
    cloud.aws.set_quota("events", 100)
    names = [f"replay-{number:02}" for number in range(25)]
    for name in names:
        cloud.start(name)
    pages = []
    token: dict[str, str] = {}
    while True:
        page = cloud.events.list_replays(NamePrefix="replay-", Limit=10, **token)
        pages.append([row["ReplayName"] for row in page["Replays"]])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert pages == [names[:10], names[10:20], names[20:]]
    assert {job["fraction"] for job in cloud.aws.jobs("events")} == {0.5}, "each was read once"
    assert "NextToken" not in cloud.events.list_replays(Limit=25)


def test_list_rows(cloud: Cloud) -> None:
    cloud.archive()
    cloud.start(Description="again")
    [row] = cloud.events.list_replays()["Replays"]
    assert set(row) == {
        "ReplayName",
        "EventSourceArn",
        "State",
        "EventStartTime",
        "EventEndTime",
        "ReplayStartTime",
    }
    described = cloud.describe()
    assert described["Description"] == "again"
    assert described["Destination"] == {"Arn": BUS_ARN.format("default")}
    assert described["ReplayArn"].endswith(":replay/replay")
    assert (described["EventStartTime"], described["EventEndTime"]) == (T0, at(60))


def test_list_filters(cloud: Cloud) -> None:
    cloud.aws.set_pace()
    cloud.archive()
    cloud.archive("others")
    cloud.start("a-1")
    cloud.start("a-2")
    cloud.start("b-1", EventSourceArn=ARCHIVE_ARN.format("others"))
    cloud.aws.advance("a-2", to=0.5)

    def listed(**filters: str) -> list[str]:
        return [row["ReplayName"] for row in cloud.events.list_replays(**filters)["Replays"]]

    assert listed() == ["a-1", "a-2", "b-1"]
    assert listed(NamePrefix="a-") == ["a-1", "a-2"]
    assert listed(EventSourceArn=ARCHIVE_ARN.format("others")) == ["b-1"]
    assert listed(State="STARTING") == ["a-1", "b-1"]
    assert listed(State="RUNNING") == ["a-2"]
    assert listed(State="FAILED") == []


def test_list_by_a_state_that_the_read_ends(cloud: Cloud) -> None:
    cloud.archive()
    cloud.start()
    cloud.describe()
    assert cloud.events.list_replays(State="RUNNING")["Replays"] == []
    assert [row["State"] for row in cloud.events.list_replays(State="COMPLETED")["Replays"]] == ["COMPLETED"]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            {"NamePrefix": "a", "State": "RUNNING"},
            "At most one filter is allowed for ListReplays. "
            "Use either : State, EventSourceArn, or NamePrefix.",
        ),
        (
            {"State": "DONE"},
            VIOLATION.format(
                "DONE",
                "state",
                "Member must satisfy enum value set: "
                "[CANCELLED, CANCELLING, COMPLETED, FAILED, RUNNING, STARTING]",
            ),
        ),
        ({"Limit": 101}, VIOLATION.format(101, "limit", "Member must have value less than or equal to 100")),
        ({"NextToken": "nonsense"}, "Parameter NextToken is not valid."),
    ],
)
def test_list_is_refused(cloud: Cloud, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError) as caught:
        cloud.events.list_replays(**request_)
    assert error(caught) == ("ValidationException", message)


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
