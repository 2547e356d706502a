# SPDX-License-Identifier: Apache-2.0

"""Waits for a replay's delivery: its end, the time until figures show, then the figures."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_jobs._eventbridge.delivery import Span
from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.job import JobState, JobStatus, utc_text

__all__ = ["ReplayDeliveryHook"]


class ReplayDeliveryHook(EventBridgeReplayHook):
    """Watches replays until the figures of their rules can be read; a completed replay is one in flight here.

    Takes the parameters of :class:`~airflow_provider_jobs.hooks.eventbridge.EventBridgeReplayHook`, and:

    :param figures_after: seconds from a replay's end to the reading of its figures.
    """

    def __init__(self, *args: Any, figures_after: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._figures_after = timedelta(seconds=figures_after)

    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """Describe the replays that have not completed; read the figures of those whose time has come."""
        known: dict[str, JobStatus] = self.memory.get("completed", {})
        completed = {job_id: known[job_id] for job_id in job_ids if job_id in known}
        self.memory["completed"] = completed
        missing = [job_id for job_id in job_ids if job_id not in completed]
        found = super().describe_jobs(missing) if missing else {}
        for job_id, status in list(found.items()):
            if isinstance(status, JobStatus) and status.state is JobState.SUCCEEDED:
                completed[job_id] = status
                del found[job_id]
        return self.describe_each(job_ids, found, lambda job_id: self._delivery(completed[job_id]))

    def _delivery(self, replay: JobStatus) -> JobStatus:
        """Return a completed replay with its figures, or as one in flight while it is too early for them."""
        now = self.clock.now_or_local()
        ended = _time(replay.details["replay_end_time"]) or now
        # It says nothing of how long the delivery took.
        replay = replace(replay, started_at=None, speed=None)
        # AWS tells its time in whole seconds: once it is time for a replay, it stays so.
        due: set[str] = self.memory.setdefault("due", set())
        if now < ended + self._figures_after and replay.job_id not in due:
            note = f"figures are read at {utc_text(ended + self._figures_after)}"
            return replace(replay, state=JobState.RUNNING, note=note)
        due.add(replay.job_id)
        span = Span.of(_time(replay.details["replay_start_time"]) or ended, ended + self._figures_after, now)
        return replace(replay, details={**replay.details, "delivery": self._read(replay.job_id, span)})

    def _read(self, replay_name: str, span: Span) -> dict[str, Any]:
        destination = self.describe_replay(replay_name)["Destination"]
        only = destination.get("FilterArns") or ()
        rules = self.observer.rules(destination["Arn"], only)
        rows = self.observer.figures(rules, span)
        reached = [row for row in rows if only or row["shown"]]
        names = {row["rule_arn"] for row in reached}
        queues = self.observer.dead_letters(rule for rule in rules if rule.arn in names)
        return {
            "from": utc_text(span.start),
            "to": utc_text(span.end),
            "rules": reached,
            "dead_letter_queues": [
                {"queue_arn": arn, "messages_before": None, "messages_after": depth}
                for arn, depth in queues.items()
            ],
        }


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
