# SPDX-License-Identifier: Apache-2.0

"""A day's exports, one for each hour: together they have each change of the table, in its hour."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from job_cases import client
from one_task import OneTask

from airflow_provider_jobs.testing import AwsJobs

from .conftest import HOUR, changes, read

Item = dict[str, Any]
HOURS = 24
KEYS = [f"order {number}" for number in range(12)]


class Orders:
    """The table's items as its writers know them, without AWS."""

    def __init__(self, seed: int) -> None:
        self.items: dict[str, Item] = {}
        self._random = random.Random(seed)
        self._version = 0

    def write(self) -> set[str]:
        """Make a few changes by each kind of call; returns the keys that were written to."""
        api = client("dynamodb")
        keys = self._random.sample(KEYS, 6)
        put, batched, gone, updated, transacted, twice = keys
        api.put_item(TableName="orders", Item=self._new(put))
        requests: list[Any] = [{"PutRequest": {"Item": self._new(batched)}}]
        if self.items.pop(gone, None):
            requests.append({"DeleteRequest": {"Key": _key(gone)}})
        api.batch_write_item(RequestItems={"orders": requests})
        value = self._new(updated)["version"]
        api.update_item(
            TableName="orders",
            Key=_key(updated),
            UpdateExpression="SET version = :version",
            ExpressionAttributeValues={":version": value},
        )
        api.transact_write_items(
            TransactItems=[{"Put": {"TableName": "orders", "Item": self._new(transacted)}}]
        )
        api.put_item(TableName="orders", Item=self._new(twice))
        if self._random.random() < 0.5:
            api.delete_item(TableName="orders", Key=_key(twice))
            del self.items[twice]
        return set(keys)

    def _new(self, key: str) -> Item:
        self._version += 1
        self.items[key] = {**_key(key), "version": {"N": str(self._version)}}
        return self.items[key]


def _key(key: str) -> Item:
    return {"id": {"S": key}}


def test_an_export_of_each_hour_has_the_hour_s_changes(
    aws: AwsJobs, hour: datetime, at: Callable[[datetime], None], make_task: Callable[..., OneTask]
) -> None:
    day, orders = hour, Orders(seed=7)
    at(day - timedelta(minutes=30))
    orders.write()
    before = dict(orders.items)
    expected = []
    for number in range(HOURS):
        start = dict(orders.items)
        touched: set[str] = set()
        # The last second of an hour is still in it.
        for minute in (0, 20, 59.99):
            at(day + number * HOUR + timedelta(minutes=minute))
            touched |= orders.write()
        images = {key: (start.get(key), orders.items.get(key)) for key in touched}
        expected.append({key: image for key, image in images.items() if image != (None, None)})
    aws.set_clock_skew(0)

    state = before
    for number, images in enumerate(expected):
        task = make_task({"run_id": f"hour {number}"}, **changes(day + number * HOUR))
        lines = read(task.run())
        found = {line["Keys"]["id"]["S"]: (line.get("OldImage"), line.get("NewImage")) for line in lines}
        assert found == images
        assert len(lines) == len(found)
        for line in lines:
            micros = int(line["Metadata"]["WriteTimestampMicros"]["N"])
            assert (
                day + number * HOUR
                <= datetime.fromtimestamp(micros / 1e6, day.tzinfo)
                < day + (number + 1) * HOUR
            )
        for key, (_, new) in found.items():
            state = {name: item for name, item in state.items() if name != key} | ({key: new} if new else {})
    assert state == orders.items
    full = read(make_task({"run_id": "full"}, export_time=day + HOURS * HOUR).run())
    assert {line["Item"]["id"]["S"]: line["Item"] for line in full} == state
    first = read(make_task({"run_id": "first"}, export_time=day).run())
    assert {line["Item"]["id"]["S"]: line["Item"] for line in first} == before
