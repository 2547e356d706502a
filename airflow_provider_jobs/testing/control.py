# SPDX-License-Identifier: Apache-2.0

"""The control object: tests use it to set the pace of mocked jobs, to make them fail, and to look on."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from threading import RLock
from typing import Any, Final, Literal, TypeAlias, get_args

from airflow_provider_jobs.testing.event_settings import ArchiveSettings
from airflow_provider_jobs.testing.pace import Lifecycle, Pace, checked_fraction

#: Brings a job up to date and describes it: its "state" and whatever else is plain JSON.
#: It must not count as a read, so it peeks.
View: TypeAlias = Callable[[], Mapping[str, Any]]

FaultKind: TypeAlias = Literal["access-denied", "drop", "error", "expired-token", "slow", "throttle"]


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with calls of an operation.

    :param operation: as AWS spells it, e.g. ``StartReplay``; ``*`` is every operation
    :param kind: ``throttle`` (ThrottlingException), ``error`` (the service's own 500), ``drop`` (the
        connection closes without an answer), ``slow``, ``expired-token`` (ExpiredTokenException),
        ``access-denied`` (AccessDeniedException)
    :param service: only calls to this service
    :param when: before the call takes effect, or after it did, so that only the answer is lost
    :param count: how many calls it hits; not used with ``probability``
    :param probability: 0.0 to 1.0, hits each call by chance, without end
    :param seed: of the chance, so that a run can be repeated
    :param skip: how many matching calls pass before the first hit
    :param seconds: how long a ``slow`` call takes
    """

    operation: str
    kind: FaultKind
    service: str | None = None
    when: Literal["before", "after"] = "before"
    count: int = 1
    probability: float | None = None
    seed: int = 0
    skip: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"kind is one of {', '.join(get_args(FaultKind))}, got {self.kind!r}.")
        if self.when not in ("before", "after"):
            raise ValueError(f"when is before or after, got {self.when!r}.")


class AwsJobs(ABC):
    """Control of the mocked services, the same in process and over HTTP.

    Service names are those of ``boto3.client``. A job's id is the service's own: the replay name, JobId,
    reprocessingId or pipelineId; the latter means the latest activation, and ``pipelineId@time`` any.
    Misuse raises ValueError.
    """

    def set_pace(
        self, service: str | None = None, *, seconds: float | None = None, reads: int | None = None
    ) -> None:
        """Set the pace of jobs started from now on; no service is every service, no pace is by hand."""
        self._do("set_pace", service=service, seconds=seconds, reads=reads)

    def advance(self, job_id: str, to: float = 1.0) -> None:
        """Move a job by hand to a fraction of its way."""
        self._do("advance", job_id=job_id, to=to)

    def fail(self, job_id: str, reason: str, at: float = 1.0) -> None:
        """Let a job in flight fail when it reaches a fraction of its way."""
        self._do("fail", job_id=job_id, reason=reason, at=at)

    def fail_next(self, service: str, reason: str, count: int = 1, at: float = 1.0) -> None:
        """Let the next ``count`` jobs that are started fail."""
        self._do("fail_next", service=service, reason=reason, count=count, at=at)

    def set_quota(self, service: str, limit: int) -> None:
        """Set how many jobs a service runs at once, per account and Region."""
        self._do("set_quota", service=service, limit=limit)

    def set_archive(
        self,
        name: str | None = None,
        *,
        delay: float | None = None,
        state: str | None = None,
        reason: str | None = None,
        seed: int | None = None,
    ) -> None:
        """Set how EventBridge's archives behave, those too that are created later; see ``ArchiveSettings``.

        :param name: of the archive, in every account and Region; None is every archive
        :param delay: seconds until an event that is put is in the archive
        :param state: e.g. ``UPDATING``; only one that is ENABLED can be replayed
        :param reason: the StateReason that goes with the state
        :param seed: of the order in which replays deliver the events of a minute
        """
        self._do("set_archive", name=name, delay=delay, state=state, reason=reason, seed=seed)

    def add_fault(self, fault: Fault) -> None:
        """Add a fault. A call suffers the first fault, in the order of adding, that hits it."""
        self._do("add_fault", **asdict(fault))

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._do("clear_faults")

    def calls(self, service: str | None = None) -> dict[str, int]:
        """Count the API calls since the last reset by operation, those that met a fault too."""
        return dict(self._do("calls", service=service))

    def jobs(self, service: str) -> list[dict[str, Any]]:
        """List every job ever started; not a read of the job.

        Each has ``id``, ``state``, ``fraction``, ``phase`` (``starting``, ``running``, ``stopping``,
        ``succeeded``, ``failed``, ``stopped``, whatever the service calls it) and, in seconds since the
        epoch, ``started_at``, ``stop_asked_at`` (None if nobody asked) and ``ended_at`` (None while it is
        in flight); and what its service adds.
        """
        return list(self._do("jobs", service=service))

    def max_active(self, service: str) -> int:
        """Return the highest number of jobs that were ever in flight at once."""
        return int(self._do("max_active", service=service))

    def reset(self) -> None:
        """Set everything back to the start, and forget all that moto holds."""
        self._do("reset")

    def now(self) -> datetime:
        """Return the time by the clock that paces the jobs, aware, in UTC."""
        return datetime.fromisoformat(self._do("now"))

    @abstractmethod
    def _do(self, method: str, **arguments: Any) -> Any:
        """Carry out a method; arguments and result are plain JSON."""


@dataclass
class _ActiveFault:
    fault: Fault
    left: int = field(init=False)
    skip: int = field(init=False)
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.left, self.skip = self.fault.count, self.fault.skip
        self.chance = random.Random(self.fault.seed)

    def hits(self, service: str, operation: str) -> bool:
        fault = self.fault
        if fault.operation not in ("*", operation) or fault.service not in (None, service):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if fault.probability is not None:
            return self.chance.random() < fault.probability
        self.left -= 1
        return self.left >= 0


class JobControl(AwsJobs):
    """The control object proper, which the backends of this process report to.

    ``lock`` is held during every call to one of our backends, so backends need no lock of their own.
    """

    def __init__(self) -> None:
        self.lock = RLock()
        self.forget_moto: Callable[[], None] = lambda: None
        self.clear(Pace(reads=2))

    def clear(self, pace: Pace) -> None:
        """Forget all jobs, counts and faults.

        :param pace: the pace to begin with, also after ``reset``
        """
        with self.lock:
            self._first_pace = pace
            self._paces: dict[str | None, Pace] = {None: pace}
            self._quotas: dict[str, int] = {}
            self.archives = ArchiveSettings()
            self._failures: dict[str, deque[tuple[str, float]]] = {}
            self._faults: list[_ActiveFault] = []
            self._calls: Counter[tuple[str, str]] = Counter()
            self._jobs: list[tuple[Lifecycle, View]] = []
            self._live: list[tuple[Lifecycle, View]] = []
            self._max_active: Counter[str] = Counter()

    def start(self, service: str, job_id: str, view: View) -> Lifecycle:
        """Begin a job's life. A backend calls it once it has accepted the job.

        :param service: the service's name as in ``boto3.client(name)``
        :param job_id: the service's own id or name of the job
        :param view: gives the job's "state" and other plain JSON; also called to bring a job up to date
            that nobody reads
        """
        with self.lock:
            pace = self._paces.get(service, self._paces[None])
            life = Lifecycle(service, job_id, pace, lambda: datetime.now(UTC))
            if failures := self._failures.get(service):
                life.fail(*failures.popleft())
            self._jobs.append((life, view))
            self._live.append((life, view))
            # The number in flight only ever rises when a job starts: its highest value is seen here.
            active = sum(life.active for life, _ in self._live if life.service == service)
            self._max_active[service] = max(self._max_active[service], active)
            return life

    def quota(self, service: str, default: int) -> int:
        """Return how many jobs a service runs at once.

        :param service: the service's name
        :param default: AWS's own limit
        """
        return self._quotas.get(service, default)

    def count_call(self, service: str, operation: str) -> Fault | None:
        """Count an API call and return the fault that hits it, if any."""
        with self.lock:
            self._calls[service, operation] += 1
            return next((f.fault for f in self._faults if f.hits(service, operation)), None)

    def tick(self) -> None:
        """Bring every job up to date, also those that nobody reads."""
        with self.lock:
            for life, _ in self._live:
                life.peek()
            # A job that has ended is viewed once more, and then never again.
            live, self._live = self._live, [job for job in self._live if job[0].active]
            for _, view in live:
                view()

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

    def _on_fail_next(self, service: str, reason: str, count: int, at: float) -> None:
        self._failures.setdefault(service, deque()).extend([(reason, checked_fraction(at))] * count)

    def _on_set_quota(self, service: str, limit: int) -> None:
        self._quotas[service] = limit

    def _on_set_archive(self, **settings: Any) -> None:
        self.archives.set(**settings)

    def _on_add_fault(self, **fault: Any) -> None:
        self._faults.append(_ActiveFault(Fault(**fault)))

    def _on_clear_faults(self) -> None:
        self._faults.clear()

    def _on_calls(self, service: str | None) -> dict[str, int]:
        calls: Counter[str] = Counter()
        for (called, operation), count in self._calls.items():
            if service in (None, called):
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
        self.clear(self._first_pace)
        self.forget_moto()

    def _on_now(self) -> str:
        return datetime.now(UTC).isoformat()

    def _job(self, job_id: str) -> Lifecycle:
        for life, view in reversed(self._jobs):
            if life.job_id == job_id or view().get("id") == job_id:
                return life
        raise ValueError(f"No job {job_id!r} was started since the last reset.")


#: One per process, as moto's own state is.
CONTROL: Final = JobControl()
