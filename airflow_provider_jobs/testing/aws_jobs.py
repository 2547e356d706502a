# SPDX-License-Identifier: Apache-2.0

"""What tests control the mocked services by, the same in process and over HTTP."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

from airflow_provider_jobs.testing.aws.eventsv2.settings import Dimensions
from airflow_provider_jobs.testing.aws.faults import Fault
from airflow_provider_jobs.testing.aws.iotanalytics.settings import LambdaHandler, Things
from airflow_provider_jobs.testing.lag import LagIn

__all__ = ["AwsJobs"]


class AwsJobs(ABC):
    """Control of the mocked services, the same in process and over HTTP.

    Service names are those of ``boto3.client``. A job's id is the service's own: the replay name, JobId,
    reprocessingId or pipelineId; the latter means the latest activation, and ``pipelineId@time`` any.
    Misuse raises ValueError.
    """

    #: Whether functions can be given to the mocked services, since they run in this process.
    _takes_functions: ClassVar[bool] = False

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

    def set_status(self, job_id: str, instance: str, status: str) -> None:
        """Set the status of an instance of a Data Pipeline activation, any text, also after its end.

        The instance, an id of ``instances`` in :meth:`jobs`, keeps it until an API call changes it. Only an
        end that AWS knows is an end.
        """
        self._do("set_status", job_id=job_id, instance=instance, status=status)

    def fail_next(self, service: str, reason: str, count: int = 1, at: float = 1.0) -> None:
        """Let the next ``count`` jobs that are started fail."""
        self._do("fail_next", service=service, reason=reason, count=count, at=at)

    def set_quota(self, service: str, limit: int) -> None:
        """Set how many jobs a service runs at once, per account and Region."""
        self._do("set_quota", service=service, limit=limit)

    def set_lag(
        self,
        service: str | None = None,
        where: LagIn | None = None,
        *,
        seconds: float | None = None,
        reads: int | None = None,
    ) -> None:
        """Set how late starts and changes of jobs show from now on; what shows already stays.

        :param service: None is every service
        :param where: in ``lists`` or in ``descriptions`` only; None is both
        :param seconds: by AWS's clock; with neither of the two, changes show at once
        :param reads: how many list calls, or describe calls of the job, still show what was before
        """
        self._do("set_lag", service=service, where=where, seconds=seconds, reads=reads)

    def set_clock_skew(self, seconds: float) -> None:
        """Let AWS's clock be so many seconds before (positive) or behind this machine's.

        It shows in the ``Date`` header of all answers, in the times of jobs and in ``now``. Jobs keep their
        pace, and the time at which they were started: to set the clock forward lets AWS's time pass. What
        a service noted before (when a pipeline was created) and the times of moto's own services keep theirs.
        """
        self._do("set_clock_skew", seconds=seconds)

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

    def set_figures(self, *, late: float) -> None:
        """Set how late CloudWatch shows what EventBridge's rules did from now on; AWS takes minutes.

        :param late: seconds by AWS's clock, 0 or more
        """
        self._do("set_figures", late=late)

    def set_subscribers(
        self,
        *,
        startup_delay: float | None = None,
        change_seconds: float | None = None,
        provision_seconds: float | None = None,
        retry_delay: float | None = None,
        metrics_late: float | None = None,
        dimensions: Dimensions | None = None,
    ) -> None:
        """Set how the Custom Event Bus and its subscribers behave from now on; see ``SubscriberSettings``.

        :param startup_delay: seconds until a subscriber that starts in the past delivers
        :param change_seconds: for which creating or deleting a subscriber takes a bus
        :param provision_seconds: until a bus is ACTIVE
        :param retry_delay: seconds before the first retry of a delivery
        :param metrics_late: seconds until CloudWatch shows a figure
        :param dimensions: ``arn``, or ``name`` for the name and the id
        """
        self._do(
            "set_subscribers",
            startup_delay=startup_delay,
            change_seconds=change_seconds,
            provision_seconds=provision_seconds,
            retry_delay=retry_delay,
            metrics_late=metrics_late,
            dimensions=dimensions,
        )

    def set_target(self, arn: str, error: str | None = None, seconds: float | None = None) -> None:
        """Let a target of the Custom Event Bus, or a dead-letter queue, fail or work again.

        :param arn: its ARN
        :param error: the code of its error, e.g. ``ACCESS_DENIED``; None lets it work again
        :param seconds: for how long by AWS's clock; None is until it is set again
        """
        self._do("set_target", arn=arn, error=error, seconds=seconds)

    def set_lambda(self, name: str, handler: LambdaHandler) -> None:
        """Set the Lambda function that IoT Analytics calls in ``lambda`` activities of this name, and that
        subscribers of the Custom Event Bus have for a target.

        Only in process: a server takes no functions. Pipelines that are created later may use it; those that
        use it already get the new one.

        :param name: the function's name
        :param handler: gets a list of messages or events and a context, which is None, and returns a list of
            messages; what it raises fails the messages and nothing else
        """
        self._check_function("handler", handler)
        self._do("set_lambda", name=name, handler=handler)

    def set_things(self, *, registry: Things | None = None, shadows: Things | None = None) -> None:
        """Set what AWS IoT knows of things, for IoT Analytics' activities that enrich messages.

        Each is a mapping by thing names or, only in process, a function of a thing's name that returns None
        for one that it does not know.

        :param registry: for ``deviceRegistryEnrich``, as DescribeThing answers; None leaves what there is
        :param shadows: for ``deviceShadowEnrich``, as GetThingShadow answers; None leaves what there is
        """
        self._check_function("registry", registry)
        self._check_function("shadows", shadows)
        self._do("set_things", registry=registry, shadows=shadows)

    def add_fault(self, fault: Fault) -> None:
        """Add a fault. A call suffers the first fault, in the order of adding, that hits it."""
        self._do("add_fault", **asdict(fault))

    def clear_faults(self) -> None:
        """Remove all faults. Those that were not met by then stay in ``unmet_faults``."""
        self._do("clear_faults")

    def unmet_faults(self) -> list[str]:
        """List the faults since the last reset that are not optional and that no call has met.

        One call is enough, whatever the fault's ``count``; with ``probability`` one that had the chance.
        """
        return list(self._do("unmet_faults"))

    def calls(self, service: str | None = None) -> dict[str, int]:
        """Count the API calls since the last reset by operation, those that met a fault too.

        :param service: any service, by the name that requests are signed with; None is all that have mocked
            jobs
        """
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
        """Return the time by AWS's clock, aware, in UTC."""
        return datetime.fromisoformat(self._do("now"))

    def _check_function(self, name: str, given: object) -> None:
        if callable(given) and not self._takes_functions:
            raise ValueError(
                f"{name} is a function, and the services run in another process. Use mock_aws_jobs or the "
                "fixture aws_jobs, where they run in this one."
            )

    @abstractmethod
    def _do(self, method: str, **arguments: Any) -> Any:
        """Carry out a method; arguments and result are plain JSON, but for functions in process."""
