# SPDX-License-Identifier: Apache-2.0

"""A replay's states, its cancel, what is refused, and how many there may be at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from testing.conftest import T0, Cloud

from .replays import ARCHIVE_ARN, BUS_ARN, VIOLATION, at, error


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
    stopping = cloud.describe()
    assert stopping["State"] == "CANCELLING"
    assert "ReplayEndTime" not in stopping
    ended = cloud.describe()
    assert ended["State"] == "CANCELLED"
    assert "ReplayEndTime" in ended
    assert cloud.minutes("all") == [0], "what was delivered is not undone, and no more is"


def test_cancel_before_it_runs(cloud: Cloud) -> None:
    cloud.archive()
    cloud.start()
    cloud.events.cancel_replay(ReplayName="replay")
    assert [cloud.state(), cloud.state()] == ["CANCELLING", "CANCELLED"]


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
    assert [cloud.state(), cloud.state()] == ["CANCELLING", "CANCELLED"]
    cloud.start("second")
