# SPDX-License-Identifier: Apache-2.0

"""ListReplays: pages, rows and filters."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from testing.conftest import T0, Cloud

from .replays import ARCHIVE_ARN, BUS_ARN, VIOLATION, at, error


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
