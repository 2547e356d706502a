# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from airflow_provider_jobs._data_pipeline.rate_limiter import RateLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    clock = Clock()
    limiter = RateLimiter(3, clock, clock.sleep)
    for _ in range(6):
        limiter.wait("describe", 2.0)
    # The clock stands still, as for calls that come together.
    assert clock.slept == [0.5, 1.0, 1.5]


def test_a_rest_allows_another_burst_but_no_greater_one() -> None:
    clock = Clock()
    limiter = RateLimiter(2, clock, clock.sleep)
    for _ in range(2):
        limiter.wait("describe", 1.0)
    clock.now = 100.0
    for _ in range(3):
        limiter.wait("describe", 1.0)
    assert clock.slept == [1.0]


def test_kinds_do_not_wait_for_each_other() -> None:
    clock = Clock()
    limiter = RateLimiter(1, clock, clock.sleep)
    limiter.wait("describe", 1.0)
    limiter.wait("query", 1.0)
    assert clock.slept == []
