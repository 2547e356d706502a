# SPDX-License-Identifier: Apache-2.0

"""EventBridge archives: late events, retention, states, pages, and the order of a replay."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from testing.conftest import Cloud


def refused(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    details = caught.value.response["Error"]
    return details["Code"], details["Message"]


def described(cloud: Cloud, name: str = "orders") -> dict[str, Any]:
    return dict(cloud.events.describe_archive(ArchiveName=name))


def replayed(cloud: Cloud, name: str = "replay") -> list[float]:
    """Replay the first hour; the minutes of the events in the order of their delivery."""
    cloud.start(name)
    cloud.aws.advance(name)
    return cloud.minutes("all")


def test_an_event_is_late_in_one_archive_only(cloud: Cloud) -> None:
    cloud.aws.set_archive("orders", delay=3600)
    cloud.archive()
    cloud.archive("prompt")
    cloud.put(1)
    assert [described(cloud, name)["EventCount"] for name in ("orders", "prompt")] == [0, 1]


def test_a_replay_has_only_what_had_arrived_at_its_start(cloud: Cloud) -> None:
    cloud.archive()
    cloud.rule("all", pattern='{"replay-name": [{"exists": true}]}')
    cloud.put(1)
    cloud.aws.set_archive(delay=3600)
    cloud.put(2)
    assert replayed(cloud) == [1]
    cloud.aws.set_archive(delay=0)
    cloud.put(3)
    assert replayed(cloud, "second") == [1, 3]


def test_a_late_event_arrives(cloud: Cloud) -> None:
    cloud.aws.set_archive(delay=0.3)
    cloud.archive()
    cloud.put(1)
    sent = cloud.aws.now()
    while not described(cloud)["EventCount"]:
        assert cloud.aws.now() < sent + timedelta(seconds=30)
    assert cloud.aws.now() >= sent + timedelta(seconds=0.2)
    assert described(cloud)["SizeBytes"] > 0


def test_retention_drops_by_the_events_own_time(cloud: Cloud) -> None:
    bus = cloud.events.describe_event_bus()["Arn"]
    for name, days in (("day", 1), ("week", 7), ("ever", 0)):
        cloud.events.create_archive(ArchiveName=name, EventSourceArn=bus, RetentionDays=days)
    now = cloud.aws.now()
    entries = [
        {"Source": "shop", "DetailType": "order", "Detail": "{}", "Time": now - timedelta(hours=hours)}
        for hours in (1, 23, 25, 167, 169)
    ]
    assert cloud.events.put_events(Entries=entries)["FailedEntryCount"] == 0
    counts = {row["ArchiveName"]: row["EventCount"] for row in cloud.events.list_archives()["Archives"]}
    assert counts == {"day": 2, "week": 4, "ever": 5}
    cloud.events.update_archive(ArchiveName="week", RetentionDays=1)
    assert described(cloud, "week")["EventCount"] == 2
    cloud.events.update_archive(ArchiveName="week", RetentionDays=0)
    assert described(cloud, "week")["EventCount"] == 2, "what is dropped is gone"


@pytest.mark.parametrize("state", ["DISABLED", "CREATING", "UPDATING", "CREATE_FAILED", "UPDATE_FAILED"])
def test_states(cloud: Cloud, state: str) -> None:
    cloud.archive()
    cloud.archive("other")
    cloud.aws.set_archive("orders", state=state, reason="a reason")
    cloud.put(1)
    shown = described(cloud)
    assert (shown["State"], shown["StateReason"]) == (state, "a reason")
    assert shown["EventCount"] == (1 if state in ("UPDATING", "UPDATE_FAILED") else 0)
    rows = cloud.events.list_archives(State=state)["Archives"]
    assert [row["ArchiveName"] for row in rows] == ["orders"]
    with pytest.raises(ClientError) as caught:
        cloud.start()
    reason = f"Archive orders is not in a valid state: {state}."
    message = f"Parameter EventSourceArn is not valid. Reason: {reason}"
    assert refused(caught) == ("ValidationException", message)
    assert cloud.aws.jobs("events") == []
    cloud.aws.set_archive(state="ENABLED")
    assert cloud.start()["State"] == "STARTING"
    assert "StateReason" not in described(cloud)


def test_an_archive_is_created_in_a_state(cloud: Cloud) -> None:
    cloud.aws.set_archive("orders", state="CREATING")
    bus = cloud.events.describe_event_bus()["Arn"]
    assert cloud.events.create_archive(ArchiveName="orders", EventSourceArn=bus)["State"] == "CREATING"
    assert cloud.events.create_archive(ArchiveName="other", EventSourceArn=bus)["State"] == "ENABLED"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"delay": -1}, "delay must not be negative, got -1."),
        ({"state": "GONE"}, "state is one of ENABLED, DISABLED, "),
        ({"reason": "why"}, "reason goes with a state."),
        ({"name": "orders", "seed": 1}, "seed is of all replays, not of one archive."),
    ],
)
def test_settings_that_cannot_be(cloud: Cloud, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cloud.aws.set_archive(**settings)


def test_reset_forgets_the_settings(cloud: Cloud) -> None:
    cloud.aws.set_archive(delay=3600, state="UPDATING")
    cloud.aws.reset()
    cloud.archive()
    cloud.put(1)
    assert (described(cloud)["State"], described(cloud)["EventCount"]) == ("ENABLED", 1)


def test_the_order_within_a_minute_is_any(cloud: Cloud) -> None:
    cloud.archive()
    cloud.rule("all", pattern='{"replay-name": [{"exists": true}]}')
    tenths = [number / 10 for number in range(30)]
    cloud.put(*tenths)
    first = replayed(cloud)
    assert [int(minute) for minute in first] == [0] * 10 + [1] * 10 + [2] * 10, "minute by minute"
    assert sorted(first) == tenths
    assert all(first[at : at + 10] != tenths[at : at + 10] for at in (0, 10, 20))
    cloud.aws.set_archive(seed=1)
    assert replayed(cloud, "other") != first
    last = cloud.describe("other")["EventLastReplayedTime"]
    assert last >= cloud.describe("other")["EventStartTime"] + timedelta(minutes=2)


def test_the_order_is_that_of_the_seed() -> None:
    from airflow_provider_jobs.testing import mock_aws_jobs

    orders = []
    for seed in (5, 5, 6):
        with mock_aws_jobs() as aws:
            cloud = Cloud(aws, None)
            with cloud.closing:
                aws.set_archive(seed=seed)
                cloud.archive()
                cloud.rule("all", pattern='{"replay-name": [{"exists": true}]}')
                cloud.put(*(number / 10 for number in range(10)))
                orders.append(replayed(cloud))
    assert orders[0] == orders[1] != orders[2]


def test_an_updated_pattern_is_the_one_that_selects(cloud: Cloud) -> None:
    cloud.archive()
    pattern = json.dumps({"source": ["bank"]})
    assert cloud.events.update_archive(ArchiveName="orders", EventPattern=pattern)["State"] == "ENABLED"
    cloud.put(1)
    assert (described(cloud)["EventPattern"], described(cloud)["EventCount"]) == (pattern, 0)


def test_pages(cloud: Cloud) -> None:
    names = [f"archive-{number}" for number in range(5)]
    for name in reversed(names):
        cloud.archive(name)
    pages: list[list[str]] = []
    token: dict[str, str] = {}
    while True:
        page = cloud.events.list_archives(Limit=2, **token)
        pages.append([row["ArchiveName"] for row in page["Archives"]])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
        cloud.events.delete_archive(ArchiveName=pages[-1][-1])
    assert pages == [names[:2], names[2:4], names[4:]]
