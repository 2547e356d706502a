# SPDX-License-Identifier: Apache-2.0

"""A task instance's attempts. Each is recorded before its start call, and gets the job's id after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from airflow_provider_jobs._once.fingerprint import Fingerprint
from airflow_provider_jobs._once.identity import Identity, Life, Place
from airflow_provider_jobs._once.mark import Mark

__all__ = ["Attempt", "AttemptLog"]

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of a job, recorded before the call.

    :param number: its number among the task instance's attempts, counted from 1.
    :param life: the life in which it was made.
    :param fingerprint: the fingerprint of its request.
    :param dag_version: the version of the DAG and of the task in it; None if unknown.
    :param scope: the resource for which AWS runs only a few jobs at once, such as a dataset; may be empty.
    :param given: the name or token that the user chose for the job; empty if it is made from the mark.
    :param at: AWS's time before the call, or before the last one if there were several; None if unknown.
    :param since: AWS's time before the first call.
    :param before: the ids of the scope's jobs that AWS showed before the call.
    :param job_id: the job's id, once AWS has answered.
    :param shared: whether its job existed before the task, which then never stops it.
    :param spent: seconds that its job ran, as far as is known.
    :param place: where it was started; None if that was not recorded.
    :param asked: the parts of the request that belong in its result, as JSON; empty if not recorded.
    :param ended: how its job has ended, as JSON, if AWS may not show that any longer; otherwise empty.
    """

    number: int
    life: Life
    fingerprint: Fingerprint
    dag_version: str | None = None
    scope: str = ""
    given: str = ""
    at: datetime | None = None
    since: datetime | None = None
    before: frozenset[str] = frozenset()
    job_id: str | None = None
    shared: bool = False
    spent: float = 0.0
    place: Place | None = None
    asked: str = ""
    ended: str = ""

    def mark(self, identity: Identity) -> Mark:
        """Return the mark that its job carries."""
        return Mark(identity.digest, self.life, self.number, self.fingerprint)

    def token(self, identity: Identity, longest: int) -> str:
        """Return the token that goes into a start call, the same in each call of this attempt.

        It leaves the run's ``clear_number`` out, which the clear of another task changes too. It has at least
        38 characters: letters, digits, ``.``, ``-`` and ``_``. Nothing reads it, so a service that allows
        less may get a digest of it.

        :param longest: how many characters the service allows in a token, 48 or more.
        """
        life = replace(self.life, clear_number=None)
        return Mark(identity.digest, life, self.number, self.fingerprint).name(identity, longest)

    def to_json(self) -> dict[str, Any]:
        """Return its row."""
        return {
            "number": self.number,
            "started": self.life.started,
            "max_tries": self.life.max_tries,
            "clear_number": self.life.clear_number,
            "fingerprint": self.fingerprint.text,
            "dag_version": self.dag_version,
            "scope": self.scope,
            "given": self.given,
            "at": self.at.isoformat() if self.at else None,
            "since": self.since.isoformat() if self.since else None,
            # Only needed while the job's id is unknown; a store may limit the size of a value.
            "before": [] if self.job_id else sorted(self.before),
            "job_id": self.job_id,
            "shared": self.shared,
            "spent": self.spent,
            **({"region": self.place.region, "connection": self.place.connection} if self.place else {}),
            **({"asked": self.asked} if self.asked else {}),
            **({"ended": self.ended} if self.ended else {}),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """Read a row, ignoring keys of a later release."""
        at, since = row.get("at"), row.get("since")
        return cls(
            number=row["number"],
            life=Life(row["started"], row["max_tries"], row["clear_number"]),
            fingerprint=Fingerprint(row["fingerprint"]),
            dag_version=row.get("dag_version"),
            scope=row.get("scope", ""),
            given=row.get("given", ""),
            at=datetime.fromisoformat(at) if at else None,
            since=datetime.fromisoformat(since) if since else None,
            before=frozenset(row.get("before", ())),
            job_id=row.get("job_id"),
            shared=row.get("shared", False),
            spent=row.get("spent", 0.0),
            place=Place(row["region"], row.get("connection")) if row.get("region") else None,
            asked=row.get("asked", ""),
            ended=row.get("ended", ""),
        )


@dataclass(frozen=True, slots=True)
class AttemptLog:
    """The attempts of one task instance, over all of its lives, oldest first.

    :param attempts: the attempts.
    :param identity: the digest of the task instance's identity at the time of writing.
    :param whole: whether it has all attempts; False if it was lost or never stored.
    """

    attempts: tuple[Attempt, ...] = ()
    whole: bool = True
    identity: str = ""

    @classmethod
    def open(cls, rows: Any, first_try: bool, identity: str = "") -> AttemptLog:
        """Read the stored log.

        Rows with another identity come from a copied database; their jobs are not this task's.

        :param rows: the value from :meth:`to_json`; None if nothing is stored.
        :param first_try: whether this is the run's first try of the task, so that no attempt can be missing.
        :param identity: the digest of the task instance's identity.
        """
        if isinstance(rows, Mapping) and rows.get("version") == _VERSION:
            if rows["identity"] == identity:
                attempts = tuple(Attempt.from_json(row) for row in rows["attempts"])
                return cls(attempts, rows["whole"], identity)
            return cls(identity=identity)
        return cls(whole=rows is None and first_try, identity=identity)

    def to_json(self) -> dict[str, Any]:
        """Return the value to store."""
        return {
            "version": _VERSION,
            "identity": self.identity,
            "whole": self.whole,
            "attempts": [attempt.to_json() for attempt in self.attempts],
        }

    def recorded(self, attempt: Attempt) -> AttemptLog:
        """Return the log with an attempt, which replaces the one with the same number."""
        others = [each for each in self.attempts if each.number != attempt.number]
        return replace(self, attempts=tuple(sorted([*others, attempt], key=lambda each: each.number)))

    def without(self, number: int) -> AttemptLog:
        """Return the log without an attempt that certainly started nothing."""
        return replace(self, attempts=tuple(each for each in self.attempts if each.number != number))

    def get(self, number: int) -> Attempt | None:
        """Return the attempt with a number."""
        return next((each for each in self.attempts if each.number == number), None)

    def of_job(self, job_id: str) -> Attempt | None:
        """Return the attempt that has a job's id."""
        return next((each for each in self.attempts if each.job_id == job_id), None)

    def own_token(self, given: str, clears: int) -> str:
        """Return the base of numbered tokens for a token that the user chose.

        Without a record of earlier lives the numbers would begin again, and a used token stays used.

        :param given: the user's token.
        :param clears: how many tries earlier lives took, as far as Airflow knows.
        """
        known = any(each.given == given for each in self.attempts)
        return f"{given}.c{clears}" if clears and not known else given

    def spent(self, life: Life, but: int | None = None) -> float:
        """Return the seconds that a life's jobs ran, as far as is known.

        :param but: the number of an attempt to leave out.
        """
        of_life: Sequence[Attempt] = [
            each for each in self.attempts if each.life == life and each.number != but
        ]
        return sum(each.spent for each in of_life)
