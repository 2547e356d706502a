# SPDX-License-Identifier: Apache-2.0

"""Works out whose the jobs are that AWS shows, from their marks, the attempt log and AWS's own times."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from airflow_provider_jobs._once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs._once.decision import Evidence, KnownJob, Sighting
from airflow_provider_jobs._once.fingerprint import Fingerprint, Likeness
from airflow_provider_jobs._once.identity import Identity, Life, Place, Relation
from airflow_provider_jobs._once.mark import Mark
from airflow_provider_jobs.job import JobState

__all__ = ["Marking", "SeenJob", "Sight", "Task", "Weighed", "weigh"]

#: How far the clock in AWS's answers may differ from the one that dates its jobs.
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
    """How a service's jobs are told apart."""

    #: A job carries our mark, in its name or its description, and is found by it.
    NAME = "name"
    #: The same, but AWS starts another job if the call is repeated: names need not be unique.
    LABEL = "label"
    #: A start call carries our token, and AWS answers a repeated call with the same job.
    TOKEN = "token"
    #: Neither: only the id in AWS's answer identifies a job.
    NONE = "none"

    @property
    def shown(self) -> bool:
        """Whether a job shows whose it is."""
        return self in (Marking.NAME, Marking.LABEL)

    @property
    def repeatable(self) -> bool:
        """Whether AWS answers a repeated call with the job of the first one."""
        return self in (Marking.NAME, Marking.TOKEN)


@dataclass(frozen=True, slots=True)
class Task:
    """The current task instance, and how to handle its jobs.

    :param identity: the task instance.
    :param life: its current life.
    :param try_number: Airflow's number of the try, from 1.
    :param fingerprint: the fingerprint of the request.
    :param marking: how the service's jobs are told apart.
    :param scope: the resource for which AWS runs only a few jobs at once, such as a dataset; may be empty.
    :param given: the name or token that the user chose for the job; empty if it is made from the mark.
    :param dag_version: the version of the DAG and of the task in it; None if unknown.
    :param may_stop: whether the jobs can be stopped, and should be.
    :param settling: how long AWS may take to show a started job.
    :param call_limit: how long a start call may take before the client gives up.
    :param place: where its jobs are started; None if that makes no difference.
    :param asked: the parts of the request that belong in the result, as JSON.
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

    :param job_id: its id in the service.
    :param state: its state.
    :param created: when AWS created it; None if unknown.
    :param mark: the mark that it carries, if this release can read it.
    :param number: its number, if its name has one that does not belong to a mark.
    :param claimed: whether it carries this task's identity in a mark that this release cannot read.
    :param ran: seconds that it ran, if it has ended and AWS reports that.
    :param place: where it was seen; None if that is where the task starts its jobs now.
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
    """The jobs that AWS shows and that may be the task's.

    :param at: the time of the answer by AWS's clock; None if unknown.
    :param jobs: the jobs.
    """

    at: datetime | None
    jobs: tuple[SeenJob, ...] = ()


@dataclass(frozen=True, slots=True)
class Weighed:
    """The jobs that affect the decision.

    :param jobs: the jobs.
    :param absence_settled: whether it is certain that there are no others.
    :param settled_at: AWS's time by which every doubt that only time resolves is over; None if unknown.
    :param last: the highest number of any attempt or job.
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
        """Return what AWS shows of a job; the answer to a stop is newer than a list that lags.

        AWS also says "not running" about a job that is being stopped, so its end is waited for either way.
        """
        found = _SIGHTINGS[seen.state]
        stopped = seen.job_id in self.stopped and found is Sighting.IN_FLIGHT
        return Sighting.STOPPING if stopped else found

    def likeness(self, fingerprint: Fingerprint, attempt: Attempt | None, place: Place | None) -> Likeness:
        if place is not None and place != self.task.place:
            # A job in another Region or account counts as another request, whatever it does.
            return Likeness.CHANGED
        version = attempt.dag_version if attempt else None
        return fingerprint.likeness(self.task.fingerprint, version, self.task.dag_version)

    def known(self, seen: SeenJob) -> KnownJob | None:
        """Weigh a job that AWS shows; None if only time can tell whose it is."""
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
            # A run's start identifies it. With another start the job may belong to another Airflow, or to a
            # deleted run with the same id. A site's own name rules out the former.
            relation = mark.life.relation(self.task.life)
            known = None not in (mark.life.clear_number, self.task.life.clear_number)
            if mark.life.started == self.task.life.started or (
                self.task.identity.site and known and relation is Relation.EARLIER
            ):
                evidence = _OF_RELATION[relation]
        return KnownJob(number, seen.job_id, evidence, self.sighting(seen), likeness, ran=seen.ran)

    def _unmarked(self, seen: SeenJob) -> KnownJob | None:
        """Weigh a job of the scope that has no mark and is not in the log."""
        could_be = not self.log.whole and self.task.marking is Marking.NONE and self._early(seen)
        could_be |= any(self.candidate(seen, attempt) for attempt in self.log.attempts)
        evidence = Evidence.COULD_BE if could_be else Evidence.NOT_OURS
        return KnownJob(0, seen.job_id, evidence, self.sighting(seen), Likeness.UNCLEAR)

    def _early(self, seen: SeenJob) -> bool:
        """Whether a job is from before this try, or from a call that an earlier try may have left behind."""
        if seen.created is None or self.first_at is None:
            return True
        return seen.created <= self.first_at + self.task.settling + self.task.call_limit + _APART

    def near(self, seen: SeenJob, attempt: Attempt) -> bool:
        """Whether a job is in an attempt's Region; two connections may lead to one account."""
        place = seen.place or self.task.place
        return place is None or attempt.place is None or place.region == attempt.place.region

    def candidate(self, seen: SeenJob, attempt: Attempt) -> bool:
        """Whether a job may have been started by an attempt whose call got no answer."""
        if self.task.marking.shown or attempt.job_id or seen.job_id in attempt.before:
            return False
        if not self.near(seen, attempt):
            return False
        if self.repeatable(attempt):
            # Repeating its call shows which job it is.
            return False
        last = attempt.at or self.first_at
        if seen.created is None or last is None:
            return True
        first = attempt.since or datetime.min.replace(tzinfo=UTC) + _APART
        return first - _APART <= seen.created <= self.end_of_doubt(last)

    def repeatable(self, attempt: Attempt) -> bool:
        """Whether the attempt's call can be repeated and AWS then answers with the same job."""
        earlier = attempt.life.relation(self.task.life) is Relation.EARLIER
        same = self.likeness(attempt.fingerprint, attempt, attempt.place) is Likeness.SAME
        return self.task.marking.repeatable and same and not earlier

    def end_of_doubt(self, at: datetime) -> datetime:
        """Return when it is certain that a job which AWS does not show was never started.

        :param at: AWS's time of the list before the call; the call is made within the settling time after it.
        """
        return at + self.task.settling + self.task.call_limit + self.task.settling

    def open(self, until: datetime | None) -> bool:
        """Whether a doubt is still open; also records when it will be over."""
        if until is None or self.sight.at is None:
            return True
        if self.sight.at > until:
            return False
        self.settles.append(until)
        return True

    def unshown(self, attempt: Attempt) -> KnownJob | None:
        """Weigh an attempt whose job AWS does not show; None if it started nothing."""
        at = attempt.at or self.first_at
        until = at and self.end_of_doubt(at)
        if attempt.ended:
            sighting = _SIGHTINGS[JobState(json.loads(attempt.ended)["state"])]
        elif attempt.job_id:
            sighting = Sighting.UNSEEN if self.open(until) else Sighting.GONE
        elif self.repeatable(attempt) or self.open(until):
            # However old it is: repeating the call asks for its job, while a new number would start another.
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
    """Return what is known of each job that AWS shows, and of each attempt whose job it does not show.

    :param task: the current task instance.
    :param log: its attempts.
    :param sight: what AWS shows.
    :param stopped: the jobs that were told to stop in this try.
    :param first_at: AWS's time when this try first asked for the jobs.
    """
    weighing = _Weighing(task, log, sight, stopped, first_at)
    seen = [replace(known, place=job.place) for job in sight.jobs if (known := weighing.known(job))]
    unshown = [
        known
        for attempt in log.attempts
        if attempt.number not in weighing.shown and (known := weighing.unshown(attempt))
    ]
    # A token returns its own job, and AWS has room for another one only if no job of the scope is running.
    settled = (
        log.whole
        or task.marking is Marking.TOKEN
        or not weighing.open(first_at and weighing.end_of_doubt(first_at))
    )
    last = max([*_numbers(seen), *(attempt.number for attempt in log.attempts)], default=0)
    return Weighed((*seen, *unshown), settled, max(weighing.settles, default=None), last)


def _numbers(jobs: Iterable[KnownJob]) -> set[int]:
    return {job.number for job in jobs if job.number}
