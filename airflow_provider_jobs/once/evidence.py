# SPDX-License-Identifier: Apache-2.0

"""Evidence: whose the jobs are that AWS shows, by their marks, the attempt log and AWS's own times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from airflow_provider_jobs.job import JobState
from airflow_provider_jobs.once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs.once.decision import Evidence, KnownJob, Sighting
from airflow_provider_jobs.once.fingerprint import Fingerprint, Likeness
from airflow_provider_jobs.once.identity import Identity, Life, Place, Relation
from airflow_provider_jobs.once.mark import Mark

__all__ = ["Marking", "SeenJob", "Sight", "Task", "Weighed", "weigh"]

#: How far the clock that AWS's answers tell may be from the one that dates its jobs.
_APART = timedelta(seconds=5)
_SIGHTINGS = {
    JobState.RUNNING: Sighting.IN_FLIGHT,
    JobState.STOPPING: Sighting.STOPPING,
    JobState.SUCCEEDED: Sighting.SUCCEEDED,
    JobState.FAILED: Sighting.ENDED,
    JobState.CANCELLED: Sighting.ENDED,
}
_OF_RELATION = {
    Relation.SAME: Evidence.THIS_LIFE,
    Relation.IN_DOUBT: Evidence.IN_DOUBT,
    Relation.EARLIER: Evidence.EARLIER_LIFE,
}


class Marking(StrEnum):
    """By what a service's jobs are told apart."""

    #: A job carries our mark, in its name or a text beside it, and is found by it.
    NAME = "name"
    #: A start call carries a token of ours, and AWS answers a repeated one with the same job.
    TOKEN = "token"
    #: Neither: a job is known by the id in AWS's answer alone.
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Task:
    """The task instance as it is now, and how its jobs may be handled.

    :param identity: which task instance.
    :param life: which life of it.
    :param try_number: Airflow's number of the try, from 1.
    :param fingerprint: of the request.
    :param marking: by what the service's jobs are told apart.
    :param scope: what the job shares with others of which few may run.
    :param given: the user's own name or token for the job; empty for one made from the mark.
    :param dag_version: of the DAG and of the task in it, where it is known.
    :param may_stop: whether the jobs can be stopped, and are to be.
    :param settling: how long AWS may take to show what was started.
    :param call_limit: how long a start call may take before the client gives it up.
    :param place: where its jobs are started; None if that makes no difference.
    :param asked: what the result has to tell of the request, as JSON.
    """

    identity: Identity
    life: Life
    try_number: int
    fingerprint: Fingerprint
    marking: Marking
    scope: str = ""
    given: str = ""
    dag_version: str | None = None
    may_stop: bool = True
    settling: timedelta = timedelta(seconds=60)
    call_limit: timedelta = timedelta(seconds=60)
    place: Place | None = None
    asked: str = ""


@dataclass(frozen=True, slots=True)
class SeenJob:
    """A job that AWS shows.

    :param job_id: the service's id of it.
    :param state: its state.
    :param created: when AWS made it; None if AWS does not tell.
    :param mark: the mark that it carries, if this release can read it.
    :param number: its number where its name has one that is no mark's.
    :param claimed: whether it carries this task's identity, in a mark that this release cannot read.
    :param ran: seconds that it ran, where it has ended and AWS tells.
    :param place: where it was seen; None where the task starts its jobs now.
    """

    job_id: str
    state: JobState
    created: datetime | None = None
    mark: Mark | None = None
    number: int = 0
    claimed: bool = False
    ran: float = 0.0
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What AWS has shown of the jobs that may be the task's.

    :param at: AWS's own time of it; None if AWS did not tell.
    :param jobs: the jobs.
    """

    at: datetime | None
    jobs: tuple[SeenJob, ...] = ()


@dataclass(frozen=True, slots=True)
class Weighed:
    """The jobs that bear on the decision.

    :param jobs: the jobs.
    :param absence_settled: whether it is certain that there is no other.
    :param settled_at: AWS's time at which all doubt is over that only time can end; None if unknown.
    :param last: the highest number that any attempt or job has.
    """

    jobs: tuple[KnownJob, ...]
    absence_settled: bool
    settled_at: datetime | None
    last: int


@dataclass(slots=True)
class _Weighing:
    task: Task
    log: AttemptLog
    sight: Sight
    stopped: Mapping[str, bool]
    first_at: datetime | None
    settles: list[datetime] = field(default_factory=list)
    #: The numbers of the attempts whose jobs AWS shows.
    shown: set[int] = field(default_factory=set)

    def sighting(self, seen: SeenJob) -> Sighting:
        """What AWS shows of a job; a stop's answer is newer than a list that lags.

        AWS says "not running" of a job that is being stopped too, so its end is waited for either way.
        """
        found = _SIGHTINGS[seen.state]
        stopped = seen.job_id in self.stopped and found is Sighting.IN_FLIGHT
        return Sighting.STOPPING if stopped else found

    def likeness(self, fingerprint: Fingerprint, attempt: Attempt | None, place: Place | None) -> Likeness:
        if place is not None and place != self.task.place:
            # What is done elsewhere is another request, whatever it says.
            return Likeness.CHANGED
        version = attempt.dag_version if attempt else None
        return fingerprint.likeness(self.task.fingerprint, version, self.task.dag_version)

    def known(self, seen: SeenJob) -> KnownJob | None:
        """Weigh a job that AWS shows; None if only time tells whose it is."""
        mark, attempt = seen.mark, self.log.of_job(seen.job_id)
        if attempt is not None and not self.near(seen, attempt):
            attempt = None
        if attempt is None and mark is not None and mark.digest == self.task.identity.digest:
            noted = self.log.get(mark.number)
            own = noted and noted.mark(self.task.identity) == mark and self.near(seen, noted)
            attempt = noted if own else None
        if attempt is not None:
            self.shown.add(attempt.number)
            evidence = _OF_RELATION[attempt.life.relation(self.task.life)]
            likeness = self.likeness(attempt.fingerprint, attempt, seen.place)
            if attempt.shared and (evidence is Evidence.EARLIER_LIFE or likeness is not Likeness.SAME):
                evidence = Evidence.NOT_OURS
            ran = attempt.spent or seen.ran
            return KnownJob(attempt.number, seen.job_id, evidence, self.sighting(seen), likeness, ran=ran)
        if mark is not None or seen.claimed or seen.number:
            return self._marked(seen, mark)
        return self._unmarked(seen)

    def _marked(self, seen: SeenJob, mark: Mark | None) -> KnownJob:
        """Weigh a job whose mark is not in the log."""
        likeness = Likeness.UNCLEAR
        evidence = Evidence.COULD_BE if self._early(seen) else Evidence.NOT_OURS
        number = mark.number if mark else seen.number
        if (mark and mark.digest != self.task.identity.digest) or not (mark or seen.claimed):
            evidence = Evidence.NOT_OURS
        elif mark is not None:
            likeness = self.likeness(mark.fingerprint, None, seen.place)
            # The start of a run tells it from every other: only with another one it may be another Airflow's,
            # or a run's of the same id that was deleted. A site's own name rules out the former.
            relation = mark.life.relation(self.task.life)
            known = None not in (mark.life.clear_number, self.task.life.clear_number)
            if mark.life.started == self.task.life.started or (
                self.task.identity.site and known and relation is Relation.EARLIER
            ):
                evidence = _OF_RELATION[relation]
        return KnownJob(number, seen.job_id, evidence, self.sighting(seen), likeness, ran=seen.ran)

    def _unmarked(self, seen: SeenJob) -> KnownJob | None:
        """Weigh a job of the scope that carries no mark and is not in the log."""
        could_be = not self.log.whole and self.task.marking is Marking.NONE and self._early(seen)
        could_be |= any(self.candidate(seen, attempt) for attempt in self.log.attempts)
        evidence = Evidence.COULD_BE if could_be else Evidence.NOT_OURS
        return KnownJob(0, seen.job_id, evidence, self.sighting(seen), Likeness.UNCLEAR)

    def _early(self, seen: SeenJob) -> bool:
        """Whether a job is from before this try, or from a call that an earlier one may have left behind."""
        if seen.created is None or self.first_at is None:
            return True
        return seen.created <= self.first_at + self.task.settling + self.task.call_limit + _APART

    def near(self, seen: SeenJob, attempt: Attempt) -> bool:
        """Whether a job was seen where an attempt's may be: two connections may lead to one account."""
        place = seen.place or self.task.place
        return place is None or attempt.place is None or place.region == attempt.place.region

    def candidate(self, seen: SeenJob, attempt: Attempt) -> bool:
        """Whether a job may be what an attempt has started whose call got no answer."""
        if self.task.marking is Marking.NAME or attempt.job_id or seen.job_id in attempt.before:
            return False
        if not self.near(seen, attempt):
            return False
        if self.repeatable(attempt):
            # Its repeated call tells which job it is.
            return False
        last = attempt.at or self.first_at
        if seen.created is None or last is None:
            return True
        first = attempt.since or datetime.min.replace(tzinfo=UTC) + _APART
        return first - _APART <= seen.created <= self.end_of_doubt(last)

    def repeatable(self, attempt: Attempt) -> bool:
        """Whether the attempt's call can be made again, and AWS answers with the job of the first."""
        earlier = attempt.life.relation(self.task.life) is Relation.EARLIER
        same = self.likeness(attempt.fingerprint, attempt, attempt.place) is Likeness.SAME
        return self.task.marking is not Marking.NONE and same and not earlier

    def end_of_doubt(self, at: datetime) -> datetime:
        """Return when AWS shows what a call has started, or will never show it.

        :param at: AWS's time of the look before the call, which is made within the settling time of it.
        """
        return at + self.task.settling + self.task.call_limit + self.task.settling

    def open(self, until: datetime | None) -> bool:
        """Whether a doubt is not over yet; also notes when it will be."""
        if until is None or self.sight.at is None:
            return True
        if self.sight.at > until:
            return False
        self.settles.append(until)
        return True

    def unshown(self, attempt: Attempt) -> KnownJob | None:
        """Weigh an attempt of which AWS shows no job; None if it has started nothing."""
        at = attempt.at or self.first_at
        until = at and self.end_of_doubt(at)
        if attempt.job_id:
            sighting = Sighting.UNSEEN if self.open(until) else Sighting.GONE
        elif self.repeatable(attempt) or self.open(until):
            # However old it is: to repeat the call is to ask, and a new number would be a new job.
            sighting = Sighting.UNANSWERED
        else:
            return None
        return KnownJob(
            attempt.number,
            attempt.job_id,
            _OF_RELATION[attempt.life.relation(self.task.life)],
            sighting,
            self.likeness(attempt.fingerprint, attempt, attempt.place),
            repeatable=self.repeatable(attempt),
            place=attempt.place,
        )


def weigh(
    task: Task,
    log: AttemptLog,
    sight: Sight,
    *,
    stopped: Mapping[str, bool],
    first_at: datetime | None,
) -> Weighed:
    """Say of each job that AWS shows, and of each attempt that it does not show, what is known of it.

    :param task: the task instance as it is now.
    :param log: its attempts.
    :param sight: what AWS shows.
    :param stopped: the jobs that were told to stop in this try.
    :param first_at: AWS's time when this try first looked.
    """
    weighing = _Weighing(task, log, sight, stopped, first_at)
    seen = [replace(known, place=job.place) for job in sight.jobs if (known := weighing.known(job))]
    unshown = [
        known
        for attempt in log.attempts
        if attempt.number not in weighing.shown and (known := weighing.unshown(attempt))
    ]
    # A token answers for its own job, and finds room only where no other job of the scope runs.
    settled = (
        log.whole
        or task.marking is Marking.TOKEN
        or not weighing.open(first_at and weighing.end_of_doubt(first_at))
    )
    last = max([*_numbers(seen), *(attempt.number for attempt in log.attempts)], default=0)
    return Weighed((*seen, *unshown), settled, max(weighing.settles, default=None), last)


def _numbers(jobs: Iterable[KnownJob]) -> set[int]:
    return {job.number for job in jobs if job.number}
