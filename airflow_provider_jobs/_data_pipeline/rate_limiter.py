# SPDX-License-Identifier: Apache-2.0

"""Keeping to a service's rate limits from this side: a call waits rather than being refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable

__all__ = ["RATE_LIMITER", "RateLimiter", "call_rate"]

#: Calls per second that AWS allows an account for each operation.
#: https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-limits.html
_RATE = 1.0
_RATES = {"describe_objects": 2.0, "query_objects": 2.0}
#: Calls of an operation that a process may make at once; AWS allows an account 100.
_BURST = 25


class RateLimiter:
    """Lets calls of a kind go at a rate, after a burst; shared by all threads of a process.

    :param burst: how many calls may go at once after a rest.
    :param clock: seconds that pass steadily.
    :param sleep: waits for seconds.
    """

    def __init__(
        self,
        burst: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.burst = burst
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        #: For each kind, how many calls are left, and when that was so; fewer than none are owed.
        self._left: dict[Hashable, tuple[float, float]] = {}

    def wait(self, kind: Hashable, per_second: float) -> None:
        """Take a call, and wait until it may go. Those that come together go one after the other.

        :param kind: what is limited together.
        :param per_second: the rate.
        """
        with self._lock:
            now = self._clock()
            left, since = self._left.get(kind, (float(self.burst), now))
            left = min(self.burst, left + (now - since) * per_second) - 1
            self._left[kind] = (left, now)
        if left < 0:
            self._sleep(-left / per_second)


def call_rate(operation: str) -> float:
    """Return how many calls of an operation AWS allows an account per second."""
    return _RATES.get(operation, _RATE)


#: One for all hooks of the process, by connection, Region and operation.
RATE_LIMITER = RateLimiter(_BURST)
