# SPDX-License-Identifier: Apache-2.0

"""Which task instance a job belongs to, and which life of it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Identity", "Life", "Place", "Relation"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A task instance by what nothing changes; its jobs are found by this.

    :param dag_id: the DAG.
    :param run_id: the run.
    :param task_id: the task.
    :param map_index: the mapped task's index; -1 for a task that is not mapped.
    :param site: the name of this Airflow, where a database was copied to another one; else empty.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    site: str = ""

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits of it."""
        parts = [self.dag_id, self.run_id, self.task_id, str(self.map_index)]
        if self.site:
            parts.append(self.site)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]

    @property
    def words(self) -> str:
        """DAG, task and map index for a reader of a job's name in AWS."""
        index = f".{self.map_index}" if self.map_index >= 0 else ""
        return re.sub(r"[^._A-Za-z0-9-]", "_", f"{self.dag_id}.{self.task_id}{index}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job is started; another Region or another connection's account shows nothing of it.

    :param region: the AWS Region.
    :param connection: the Airflow connection; None for boto3's own credentials.
    """

    region: str
    connection: str | None

    def __str__(self) -> str:
        return f"Region {self.region} over connection {self.connection!r}"


class Relation(StrEnum):
    """How the life in which an attempt was noted relates to the life of now."""

    SAME = "the same life"
    #: Only the run's ``clear_number`` differs: this task was cleared, or another of the run.
    IN_DOUBT = "this life or an earlier one"
    EARLIER = "an earlier life"


@dataclass(frozen=True, slots=True)
class Life:
    """What tells one life of a task from the next; a person's clear begins another one.

    No single value does: see the table of events in ``docs/architecture.md``.

    :param started: the run's ``start_date``, as six letters and digits that are equal for equal times.
    :param max_tries: the task instance's ``max_tries``.
    :param clear_number: the run's ``clear_number``; None if Airflow does not give it.
    """

    started: str
    max_tries: int
    clear_number: int | None

    @classmethod
    def of(cls, start_date: str, max_tries: int, clear_number: int | None) -> Life:
        """Build it from Airflow's values.

        :param start_date: the run's start in UTC, as ISO 8601 text; empty if it has none.
        """
        digest = hashlib.sha256(start_date.encode()).digest()
        return cls(base64.b32encode(digest)[:6].decode().lower(), max_tries, clear_number)

    def relation(self, now: Life) -> Relation:
        """Compare the life of an attempt that is certainly this task's with the life of now."""
        if self.max_tries != now.max_tries:
            return Relation.EARLIER
        if self.clear_number == now.clear_number:
            # A PATCH of the run to queued gives it another start_date, and is no clear.
            return Relation.SAME
        return Relation.IN_DOUBT if self.started == now.started else Relation.EARLIER
