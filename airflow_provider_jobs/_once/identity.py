# SPDX-License-Identifier: Apache-2.0

"""Which task instance, and which life of it, a job belongs to."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Identity", "Life", "Place", "Relation"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A task instance, by attributes that never change; its jobs are found by this.

    :param dag_id: the DAG.
    :param run_id: the run.
    :param task_id: the task.
    :param map_index: the mapped task's index; -1 for a task that is not mapped.
    :param site: the name of this Airflow, if its database was copied to another one; otherwise empty.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    site: str = ""

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that stand for it."""
        parts = [self.dag_id, self.run_id, self.task_id, str(self.map_index)]
        if self.site:
            parts.append(self.site)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]

    @property
    def words(self) -> str:
        """DAG, task and map index, for people who read a job's name at AWS."""
        index = f".{self.map_index}" if self.map_index >= 0 else ""
        return re.sub(r"[^._A-Za-z0-9-]", "_", f"{self.dag_id}.{self.task_id}{index}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job is started; it is not visible in another Region or another account.

    :param region: the AWS Region.
    :param connection: the Airflow connection; None for boto3's own credentials.
    """

    region: str
    connection: str | None

    def __str__(self) -> str:
        return f"Region {self.region} over connection {self.connection!r}"


class Relation(StrEnum):
    """How an attempt's life relates to the current life."""

    SAME = "the same life"
    #: Only the run's ``clear_number`` differs: this task or another one of the run was cleared.
    IN_DOUBT = "this life or an earlier one"
    EARLIER = "an earlier life"


@dataclass(frozen=True, slots=True)
class Life:
    """The values that tell one life of a task from the next; a clear begins a new life.

    None of them is enough by itself: see the table of events in ``docs/architecture.md``.

    :param started: six letters and digits that stand for the run's ``start_date``.
    :param max_tries: the task instance's ``max_tries``.
    :param clear_number: the run's ``clear_number``; None if Airflow does not provide it.
    """

    started: str
    max_tries: int
    clear_number: int | None

    @classmethod
    def of(cls, start_date: str, max_tries: int, clear_number: int | None) -> Life:
        """Build it from Airflow's values.

        :param start_date: the run's start in UTC, in ISO 8601; empty if it has none.
        """
        digest = hashlib.sha256(start_date.encode()).digest()
        return cls(base64.b32encode(digest)[:6].decode().lower(), max_tries, clear_number)

    def relation(self, now: Life) -> Relation:
        """Compare the life of an attempt that is certainly this task's with the current life."""
        if self.max_tries != now.max_tries:
            return Relation.EARLIER
        if self.clear_number == now.clear_number:
            # A PATCH of the run to queued changes its start_date, and is not a clear.
            return Relation.SAME
        return Relation.IN_DOUBT if self.started == now.started else Relation.EARLIER
