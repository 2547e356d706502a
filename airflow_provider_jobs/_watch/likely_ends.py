# SPDX-License-Identifier: Apache-2.0

"""Estimates when jobs will end, from how long earlier ones ran."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from statistics import median

from airflow_provider_jobs.job import JobStatus

__all__ = ["LikelyEnds"]

#: How many jobs' run times are kept.
_KEPT = 20
#: The next poll comes at most this many times sooner than usual.
_FASTER = 4


class LikelyEnds:
    """Learns how long jobs run from those that end; makes no calls and reads no clock."""

    def __init__(self) -> None:
        self._lengths: dict[str, float] = {}

    def learn(self, jobs: Iterable[JobStatus], now: datetime | None) -> None:
        """Record how long the ended jobs ran, up to the poll that sees their end.

        :param now: AWS's time, aware; None if it is not known.
        """
        for job in jobs:
            if job.state.ended and job.started_at and now and job.job_id not in self._lengths:
                self._lengths[job.job_id] = (now - job.started_at).total_seconds()
        for job_id in [*self._lengths][:-_KEPT]:
            del self._lengths[job_id]

    def pause(self, jobs: Iterable[JobStatus], now: datetime | None, interval: float) -> float:
        """Return the seconds until the next poll; fewer than usual near a likely end.

        :param jobs: the jobs that tasks wait for.
        :param now: AWS's time, aware; None if it is not known.
        :param interval: the usual seconds between polls.
        """
        if not self._lengths or now is None:
            return interval
        length = median(self._lengths.values())
        left = [
            length - (now - job.started_at).total_seconds()
            for job in jobs
            if job.started_at and not job.state.ended
        ]
        near = [seconds for seconds in left if abs(seconds) <= interval]
        return min(max(min(near), interval / _FASTER), interval) if near else interval
