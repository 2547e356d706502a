# SPDX-License-Identifier: Apache-2.0

"""The control object: tests use it to set the pace of mocked jobs, to make them fail, and to look on."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from threading import Event, RLock
from typing import Any, Final, TypeAlias, get_args

from airflow_provider_jobs.testing.aws.events.settings import ArchiveSettings
from airflow_provider_jobs.testing.aws.eventsv2.settings import SubscriberSettings, TargetFailures
from airflow_provider_jobs.testing.aws.faults import ActiveFault, Fault
from airflow_provider_jobs.testing.aws.iotanalytics.settings import ActivitySettings, LambdaHandler
from airflow_provider_jobs.testing.aws_jobs import AwsJobs
from airflow_provider_jobs.testing.lag import Lag, LagIn, Replica, Row
from airflow_provider_jobs.testing.pace import Lifecycle, Pace, checked_fraction

#: Brings a job up to date and describes it: its "state" and whatever else is plain JSON.
#: It must not count as a read, so it peeks.
View: TypeAlias = Callable[[], Mapping[str, Any]]


class JobControl(AwsJobs):
    """The control object proper, which the backends of this process report to.

    ``lock`` is held during every call to one of our backends, so backends need no lock of their own.
    """

    _takes_functions = True

    def __init__(self) -> None:
        self.lock = RLock()
        self.forget_moto: Callable[[], None] = lambda: None
        #: The services that a call or a fault without a service is counted for.
        self.job_services: set[str] = set()
        #: Set once moto has been reset, by whatever way: its jobs are then gone. It needs no lock.
        self.moto_was_reset = Event()
        self._acting, self._asked = False, 0
        self.clear(Pace(reads=2))

    def clear(self, pace: Pace, lags: Mapping[LagIn, Lag] | None = None, archive_delay: float = 0.0) -> None:
        """Forget all jobs, counts and faults.

        :param pace: the pace to begin with, also after ``reset``
        :param lags: the lags of all services to begin with, also after ``reset``
        :param archive_delay: seconds until an event is in an archive to begin with, also after ``reset``
        """
        with self.lock:
            self.moto_was_reset.clear()
            self._first_pace, self._first_lags = pace, lags or {}
            self._first_archive_delay = archive_delay
            self._lags: dict[tuple[str | None, LagIn], Lag] = {
                (None, where): lag for where, lag in self._first_lags.items()
            }
            self._skew = timedelta(0)
            self._paces: dict[str | None, Pace] = {None: pace}
            self._quotas: dict[str, int] = {}
            self.archives = ArchiveSettings(archive_delay)
            self.activities = ActivitySettings()
            #: Seconds until CloudWatch shows what EventBridge's rules did.
            self.figures_late = 0.0
            self.subscribers, self.targets = SubscriberSettings(), TargetFailures()
            self._failures: dict[str, deque[tuple[str, float]]] = {}
            self._faults: list[ActiveFault] = []
            self._unmet: list[ActiveFault] = []
            self._calls: Counter[tuple[str, str]] = Counter()
            self._max_active: Counter[str] = Counter()
            self._forget_jobs()

    def _forget_jobs(self) -> None:
        self._replicas: list[tuple[str, LagIn, Replica]] = []
        self._jobs: list[tuple[Lifecycle, View]] = []
        self._live: list[tuple[Lifecycle, View]] = []
        self._due: list[tuple[datetime, int, Callable[[], object]]] = []

    def at(self, time: datetime, action: Callable[[], object]) -> None:
        """Let something happen at a time, unless moto is reset before.

        :param time: by AWS's clock, aware; one that is past is now
        :param action: what happens, in the order of the times; it may ask for more
        """
        with self.lock:
            self._asked += 1
            heappush(self._due, (time, self._asked, action))
            self._do_what_is_due()

    def start(
        self,
        service: str,
        job_id: str,
        view: View,
        stopping_reads: int = 1,
        held: Callable[[], bool] | None = None,
    ) -> Lifecycle:
        """Begin a job's life. A backend calls it once it has accepted the job.

        :param service: the service's name as in ``boto3.client(name)``
        :param job_id: the service's own id or name of the job
        :param view: gives the job's "state" and other plain JSON; also called to bring a job up to date
            that nobody reads
        :param stopping_reads: at which read after it was asked to stop a job that goes by reads is stopped
        :param held: tells whether the job has to wait at its end; None is never
        """
        with self.lock:
            pace = self._paces.get(service, self._paces[None])
            life = Lifecycle(
                service, job_id, pace, lambda: datetime.now(UTC), lambda: self._skew, stopping_reads, held
            )
            if failures := self._failures.get(service):
                life.fail(*failures.popleft())
            self._jobs.append((life, view))
            self._live.append((life, view))
            # The number in flight only ever rises when a job starts: its highest value is seen here.
            active = sum(life.active and not life.idle for life, _ in self._live if life.service == service)
            self._max_active[service] = max(self._max_active[service], active)
            return life

    def quota(self, service: str, default: int) -> int:
        """Return how many jobs a service runs at once.

        :param service: the service's name
        :param default: AWS's own limit
        """
        return self._quotas.get(service, default)

    def replica(
        self,
        service: str,
        where: LagIn,
        row: Callable[[], Row],
        move: Callable[[], object],
        active: Callable[[], bool],
        shown: bool = False,
    ) -> Replica:
        """Make what one kind of call shows of a job, as late as ``set_lag`` says.

        :param service: the service's name
        :param where: the kind of call
        :param row: gives the truth as the call would show it, without a read
        :param move: counts a read of the job
        :param active: tells whether the job may still change
        :param shown: whether the row as it is now shows at once
        """
        with self.lock:
            lag = self._lags.get((service, where), self._lags.get((None, where), Lag()))
            made = Replica(row, move, active, lambda: self.clock().timestamp(), lag, shown)
            self._replicas.append((service, where, made))
            return made

    def replica_of(self, life: Lifecycle, where: LagIn, row: Callable[[], Row]) -> Replica:
        """Make what one kind of call shows of a job with a life of its own; see ``replica``."""
        return self.replica(life.service, where, row, life.read, lambda: life.active)

    def clock(self) -> datetime:
        """Return the time by AWS's clock, aware, in UTC; unlike ``now`` it brings no job up to date."""
        return datetime.now(UTC) + self._skew

    def count_call(self, service: str, operation: str) -> ActiveFault | None:
        """Count an API call and return the fault that hits it, if any."""
        with self.lock:
            self._calls[service, operation] += 1
            now = datetime.now(UTC).timestamp()
            matching = (f for f in self._faults if f.hits(service, operation, self.job_services, now))
            return next(matching, None)

    def tick(self) -> None:
        """Bring every job up to date, also those that nobody reads; forget those that moto has lost."""
        with self.lock:
            if self.moto_was_reset.is_set():
                self.moto_was_reset.clear()
                self._forget_jobs()
            self._do_what_is_due()
            for life, _ in self._live:
                life.peek()
            # A job that has ended is viewed once more, and then never again.
            live, self._live = self._live, [job for job in self._live if job[0].active]
            for _, view in live:
                view()
            for _, _, replica in self._replicas:
                replica.note()

    def _do_what_is_due(self) -> None:
        if self._acting:
            return
        self._acting, now = True, self.clock()
        try:
            while self._due and self._due[0][0] <= now:
                heappop(self._due)[2]()
        finally:
            self._acting = False

    def handle(self, method: str, arguments: Mapping[str, Any]) -> Any:
        """Carry out a method of AwsJobs by its name; ValueError if there is none or if it is misused."""
        if method not in AwsJobs.__dict__ or method.startswith("_"):
            raise ValueError(f"AwsJobs has no method {method!r}.")
        try:
            return self._do(method, **arguments)
        except TypeError as error:
            raise ValueError(f"AwsJobs.{method}: {error}") from error

    def _do(self, method: str, **arguments: Any) -> Any:
        with self.lock:
            self.tick()
            result = getattr(self, f"_on_{method}")(**arguments)
            self.tick()
            return result

    def _on_set_pace(self, service: str | None, seconds: float | None, reads: int | None) -> None:
        if service is None:
            self._paces.clear()
        self._paces[service] = Pace(seconds=seconds, reads=reads)

    def _on_advance(self, job_id: str, to: float) -> None:
        self._job(job_id).advance(to)

    def _on_fail(self, job_id: str, reason: str, at: float) -> None:
        self._job(job_id).fail(reason, at)

    def _on_set_status(self, job_id: str, instance: str, status: str) -> None:
        life, view = self._find(job_id)
        if instance not in view().get("instances", ()):
            raise ValueError(f"Job {job_id!r} has no instance {instance!r}.")
        life.statuses[instance] = status
        view()

    def _on_fail_next(self, service: str, reason: str, count: int, at: float) -> None:
        self._failures.setdefault(service, deque()).extend([(reason, checked_fraction(at))] * count)

    def _on_set_quota(self, service: str, limit: int) -> None:
        self._quotas[service] = limit

    def _on_set_lag(
        self, service: str | None, where: LagIn | None, seconds: float | None, reads: int | None
    ) -> None:
        lag = Lag(seconds, reads)
        if where not in (None, *get_args(LagIn)):
            raise ValueError(f"where is one of {', '.join(get_args(LagIn))}, got {where!r}.")
        for each in get_args(LagIn) if where is None else (where,):
            if service is None:
                self._lags = {key: value for key, value in self._lags.items() if key[1] != each}
            self._lags[service, each] = lag
            for owner, kind, replica in self._replicas:
                if kind == each and service in (None, owner):
                    replica.set_lag(lag)

    def _on_set_clock_skew(self, seconds: float) -> None:
        self._skew = timedelta(seconds=seconds)

    def _on_set_archive(self, **settings: Any) -> None:
        self.archives.set(**settings)

    def _on_set_figures(self, late: float) -> None:
        if late < 0:
            raise ValueError(f"late must not be negative, got {late}.")
        self.figures_late = late

    def _on_set_subscribers(self, **settings: Any) -> None:
        self.subscribers = self.subscribers.changed(**settings)

    def _on_set_target(self, arn: str, error: str | None, seconds: float | None) -> None:
        self.targets.set(arn, error, seconds, self.clock())

    def _on_set_lambda(self, name: str, handler: LambdaHandler) -> None:
        self.activities.set_lambda(name, handler)

    def _on_set_things(self, **things: Any) -> None:
        self.activities.set_things(**things)

    def _on_add_fault(self, **fault: Any) -> None:
        self._faults.append(ActiveFault(Fault(**fault), datetime.now(UTC).timestamp()))

    def _on_clear_faults(self) -> None:
        self._unmet += [fault for fault in self._faults if fault.unmet]
        self._faults.clear()

    def _on_unmet_faults(self) -> list[str]:
        return [str(each.fault) for each in self._unmet + self._faults if each.unmet]

    def _on_calls(self, service: str | None) -> dict[str, int]:
        calls: Counter[str] = Counter()
        for (called, operation), count in self._calls.items():
            if called in (self.job_services if service is None else (service,)):
                calls[operation] += count
        return calls

    def _on_jobs(self, service: str) -> list[dict[str, Any]]:
        return [
            {
                "id": life.job_id,
                "fraction": life.fraction,
                "phase": str(life.phase),
                "started_at": life.started_at.timestamp(),
                "stop_asked_at": life.stop_asked_at and life.stop_asked_at.timestamp(),
                "ended_at": life.ended_at and life.ended_at.timestamp(),
                **view(),
            }
            for life, view in self._jobs
            if life.service == service
        ]

    def _on_max_active(self, service: str) -> int:
        return self._max_active[service]

    def _on_reset(self) -> None:
        self.clear(self._first_pace, self._first_lags, self._first_archive_delay)
        self.forget_moto()

    def _on_now(self) -> str:
        return self.clock().isoformat()

    def _job(self, job_id: str) -> Lifecycle:
        return self._find(job_id)[0]

    def _find(self, job_id: str) -> tuple[Lifecycle, View]:
        for life, view in reversed(self._jobs):
            if life.job_id == job_id or view().get("id") == job_id:
                return life, view
        raise ValueError(f"No job {job_id!r} was started since the last reset.")


#: One per process, as moto's own state is.
CONTROL: Final = JobControl()
