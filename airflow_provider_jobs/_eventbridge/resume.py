# SPDX-License-Identifier: Apache-2.0

"""Where a replay goes on that follows one of the same life, and what the result says of both.

It decides nothing about which job is the task's: every replay of a life keeps the request's whole window in
its fingerprint, and only the start of what AWS is asked to replay moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_jobs._eventbridge.replay import ReplayRequest, seen_replay
from airflow_provider_jobs._once.identity import Relation
from airflow_provider_jobs.job import utc_text

if TYPE_CHECKING:
    from airflow_provider_jobs._once.evidence import SeenJob
    from airflow_provider_jobs._once.mark import Mark

__all__ = ["Resumption", "Sightings", "resumption"]

#: AWS replays minute by minute, in any order within one: what came before the last minute is sent.
_MINUTE = timedelta(minutes=1)
_ENDED = ("FAILED", "CANCELLED")


@dataclass(frozen=True, slots=True)
class Resumption:
    """Where a replay goes on.

    :param start: the start of what is still to be replayed, aware, in whole seconds.
    :param reached: the time of the last event that was replayed before.
    :param replays: the replays before it that count, the oldest first, as AWS tells of them.
    """

    start: datetime
    reached: datetime
    replays: tuple[Mapping[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the result's part."""
        return {
            "from": utc_text(self.start),
            # At most: the last event need not have been the latest of its minute.
            "sent_twice": {"start": utc_text(self.start), "end": utc_text(self.reached + _MINUTE)},
            "replays": [
                {
                    "replay_name": replay["ReplayName"],
                    "state": replay["State"],
                    "event_start_time": utc_text(replay["EventStartTime"]),
                    "event_last_replayed_time": utc_text(replay["EventLastReplayedTime"]),
                }
                for replay in self.replays
            ],
        }


def resumption(replays: Iterable[Mapping[str, Any]], start: datetime, end: datetime) -> Resumption | None:
    """Return where to go on after replays of one window.

    A replay counts only if it began where those before it had come to, so that nothing is left out.

    :param replays: earlier ones that have ended without success, the oldest first, as AWS tells of them.
    :param start: the window's start, aware.
    :param end: the window's end, aware.
    :return: None if the whole window is still to be replayed.
    """
    covered, reached, counted = start, start, []
    for replay in replays:
        last = replay.get("EventLastReplayedTime")
        if last is None or replay.get("EventEndTime") != end or replay["EventStartTime"] > covered:
            continue
        counted.append(replay)
        reached = max(reached, last)
        covered = max(covered, (last - _MINUTE).replace(microsecond=0))
    return Resumption(covered, reached, tuple(counted)) if covered > start else None


class Sightings:
    """The replays of a task that AWS has shown, with their marks."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Mark | None, Mapping[str, Any]]] = {}

    def note(self, replay: Mapping[str, Any], mark: Mark | None) -> SeenJob:
        """Keep a replay, and return it as the core weighs it.

        :param replay: its description, or a list's row.
        :param mark: the mark that it carries.
        """
        self._seen[replay["ReplayName"]] = (mark, replay)
        return seen_replay(replay, mark)

    def before(self, mark: Mark) -> list[Mapping[str, Any]]:
        """Return the ended replays of the same life and request that came before one, the oldest first.

        A life that is in doubt is another one: its replays do not count.

        :param mark: that of the one.
        """
        earlier = {
            each.number: replay
            for each, replay in self._seen.values()
            if each is not None
            and each.number < mark.number
            and each.fingerprint == mark.fingerprint
            and each.life.clear_number is not None
            and each.life.relation(mark.life) is Relation.SAME
            and replay["State"] in _ENDED
        }
        return [earlier[number] for number in sorted(earlier)]

    def start_of(self, request: ReplayRequest, mark: Mark, log: Any) -> datetime:
        """Return the start of what is to be replayed: the window's, or where earlier replays had come to.

        :param request: what is asked for.
        :param mark: that of the replay to start.
        :param log: the task's.
        """
        earlier = self.before(mark) if request.resume else []
        found = resumption(earlier, request.start, request.end)
        if found is None:
            return request.start
        log.info(
            "The replay goes on from %s, a minute before the last event that %s has replayed. Events of two "
            "minutes from then on may be sent twice.",
            found.start.isoformat(),
            found.replays[-1]["ReplayName"],
        )
        return found.start

    def told(self, replay_name: str) -> dict[str, Any] | None:
        """Return what the result says of a replay that goes on after others; None if it does not.

        :param replay_name: one that AWS has shown or has just started.
        """
        mark, replay = self._seen.get(replay_name, (None, {}))
        earlier = self.before(mark) if mark is not None else []
        start, end = replay.get("EventStartTime"), replay.get("EventEndTime")
        if not (earlier and start and end):
            return None
        first: datetime = earlier[0]["EventStartTime"]
        found = resumption(earlier, first, end)
        if found is None or start <= first:
            return None
        return {
            "event_start_time": utc_text(first),
            "event_last_replayed_time": utc_text(found.reached),
            **found.to_json(),
            "from": utc_text(start),
        }
