# SPDX-License-Identifier: Apache-2.0

"""What happened in the shop: some days of made-up events, always the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from demo.bus import entry
from demo.tally import Window

SOURCE = "shop.orders"
#: Each branch of the shop has a rule and a queue. With a single queue the count would take minutes: moto
#: walks through all of a queue's messages for every message that is received.
BRANCHES = (
    *("aachen", "basel", "bergen", "bilbao", "bremen", "cork", "delft", "gent", "graz", "lille"),
    *("linz", "lyon", "malmo", "milano", "porto", "siena", "tartu", "turku", "ulm", "zagreb"),
)

_DAY = timedelta(days=1)
_FIRST = datetime(2026, 1, 8, tzinfo=UTC)
#: Events on each day from the first on; the shop is closed on Sunday.
COUNTS = (520, 610, 830, 0, 470, 390)

WINDOWS = [Window(_FIRST + n * _DAY, _FIRST + (n + 1) * _DAY) for n in range(len(COUNTS))]


@dataclass(frozen=True)
class ShopEvent:
    """Something that happened in the shop.

    :param id: the shop's own; EventBridge gives a replayed event a new one
    :param kind: Order Placed, Order Shipped or Order Returned
    :param order: the order's number
    :param time: aware, in whole seconds
    """

    id: str
    kind: str
    order: int
    time: datetime

    def entry(self) -> dict[str, Any]:
        """Return the event as PutEvents takes it."""
        branch = BRANCHES[self.order % len(BRANCHES)]
        detail = {"event": self.id, "order": self.order, "branch": branch}
        return entry("default", SOURCE, self.kind, self.time, **detail)


def shop_events() -> list[ShopEvent]:
    """Return the same plausible events every time, in order.

    Every open day has an event in its first and one in its last second, and two events lie just outside
    of all days: a window that is off by a second, at either end, is found out.
    """
    chance = random.Random(20260108)
    return [
        ShopEvent(f"event-{number:04}", kind, order, time)
        for number, (time, (kind, order)) in enumerate(
            zip(_times(chance), _order_flow(chance), strict=False), start=1
        )
    ]


def _times(chance: random.Random) -> Iterator[datetime]:
    second = timedelta(seconds=1)
    yield _FIRST - second
    for window, count in zip(WINDOWS, COUNTS, strict=True):
        if count:
            # Busiest in the evening.
            hours = sorted(chance.triangular(6, 24, 19) for _ in range(count - 2))
            yield window.start
            yield from (window.start + timedelta(seconds=int(hour * 3600)) for hour in hours)
            yield window.end - second
    yield WINDOWS[-1].end


def _order_flow(chance: random.Random) -> Iterator[tuple[str, int]]:
    """Give kinds of events with order numbers, without end: nothing is shipped before it is placed."""
    number, placed, shipped = 1000, list[int](), list[int]()
    while True:
        dice = chance.random()
        if shipped and dice < 0.06:
            yield "Order Returned", shipped.pop(chance.randrange(len(shipped)))
        elif placed and dice < 0.5:
            shipped.append(placed.pop(0))
            yield "Order Shipped", shipped[-1]
        else:
            number += 1
            placed.append(number)
            yield "Order Placed", number
