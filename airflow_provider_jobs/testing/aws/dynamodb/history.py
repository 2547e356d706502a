# SPDX-License-Identifier: Apache-2.0

"""The changes of a table since its point-in-time recovery was turned on.

A change is what differs between two looks at moto's table, so nothing of moto has to be replaced: a write
that changes nothing is none, and of two writes within one call only the last is seen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import uuid4

from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import dynamo_json_dump

Item: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """An item as it is since a time.

    :param at: the time by AWS's clock
    :param key: tells the item from others
    :param old: what it was; None if it was not there
    :param new: what it is; None if it is gone
    """

    at: datetime
    key: str
    old: Item | None
    new: Item | None


@dataclass(frozen=True)
class NetChange:
    """What became of an item in a window.

    :param at: the time of its last change
    :param keys: its key attributes
    :param old: what it was before; None if it was not there
    :param new: what it is after; None if it is gone
    """

    at: datetime
    keys: Item
    old: Item | None
    new: Item | None


class History:
    """A table's items when its point-in-time recovery was turned on, and each change since.

    :param table: moto's table
    :param since: when that was, by AWS's clock
    """

    def __init__(self, table: Table, since: datetime) -> None:
        self.since, self.table_id = since, str(uuid4())
        self._names = [each["AttributeName"] for each in table.schema]
        self._first = self._last = self._look(table)
        self._changes: list[Change] = []

    def note(self, table: Table, at: datetime) -> None:
        """Remember what has changed since the last look.

        :param table: moto's table; a transaction that fails puts another object in its place
        :param at: the time by AWS's clock
        """
        before, self._last = self._last, self._look(table)
        for key in sorted(before.keys() | self._last.keys()):
            old, new = before.get(key), self._last.get(key)
            if old != new:
                self._changes.append(Change(at, key, old, new))

    def state(self, at: datetime) -> list[Item]:
        """Return the items as they were at a time, that time's changes included."""
        items = dict(self._first)
        for change in self._changes:
            if change.at > at:
                break
            if change.new is None:
                items.pop(change.key, None)
            else:
                items[change.key] = change.new
        return [items[key] for key in sorted(items)]

    def changes(self, start: datetime, end: datetime) -> list[NetChange]:
        """Return each item that is another than before a window, once.

        :param start: the window's start, inclusive
        :param end: its end, exclusive
        """
        first: dict[str, Change] = {}
        last: dict[str, Change] = {}
        for change in self._changes:
            if start <= change.at < end:
                first.setdefault(change.key, change)
                last[change.key] = change
        # What was neither there before nor is after has no line.
        return [
            NetChange(last[key].at, json.loads(key), first[key].old, last[key].new)
            for key in sorted(first)
            if first[key].old is not None or last[key].new is not None
        ]

    def _look(self, table: Table) -> dict[str, Item]:
        items = [json.loads(dynamo_json_dump(item.to_json()))["Attributes"] for item in table.all_items()]
        return {json.dumps({name: item[name] for name in self._names}): item for item in items}
