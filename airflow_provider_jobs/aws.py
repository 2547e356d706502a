# SPDX-License-Identifier: Apache-2.0

"""The AWS part of operators and sensors: their AWS parameters, and a hook that is imported when needed.

These bases do the same as the Amazon provider's own, without importing boto3 and that provider's hooks.
Neither parsing a DAG file nor resuming a task whose job has ended needs those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from inspect import getattr_static
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, Unpack

from airflow.providers.common.compat.module_loading import import_string
from airflow.providers.common.compat.sdk import BaseOperator, BaseSensorOperator, XComArg

from airflow_provider_jobs._airflow_parameters import SensorParameters, TaskParameters
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.operators._context import team
from airflow_provider_jobs.operators._reading import ReadsParameters
from airflow_provider_jobs.parameters import Checked, truth

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks._spec import HookSpec
    from airflow_provider_jobs.hooks.base import JobHook
    from airflow_provider_jobs.links.base import JobLink

__all__ = ["AwsOperator", "AwsSensor", "HookClass", "HookT", "UsesHook", "aws_template_fields"]

HookT = TypeVar("HookT", bound="JobHook")

#: The ``no_reason`` of :class:`~airflow_provider_jobs.hooks.base.JobHook`.
_NO_REASON = "AWS gives no reason"


#: Names of operator parameters in other packages, with their names here.
_OPERATOR_NAMES = {
    "check_interval": "poll_interval",
    "job_poll_interval": "poll_interval",
    "max_attempts": "job_timeout",
    "max_ingestion_time": "job_timeout",
    "max_polling_attempts": "job_timeout",
    "max_retries": "job_timeout",
    "poke_interval": "poll_interval",
    "region": "region_name",
    "sleep_time": "poll_interval",
    "stop_job_run_on_kill": "cancel_on_kill",
    "wait_interval_seconds": "poll_interval",
    "waiter_delay": "poll_interval",
    "waiter_max_attempts": "job_timeout",
}
#: The same for sensors, which use the names of Airflow's sensors.
_SENSOR_NAMES = {
    "job_timeout": "timeout",
    "max_attempts": "timeout",
    "max_retries": "timeout",
    "poll_interval": "poke_interval",
    "region": "region_name",
    "sleep_time": "poke_interval",
    "waiter_delay": "poke_interval",
    "waiter_max_attempts": "timeout",
}


def _refuse_other_names(task: object, given: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Reject parameters that have the names of other packages.

    :param names: the names in this package, by the names in other packages.
    :raises JobInputError: naming the parameter here.
    """
    for name, ours in names.items():
        if name in given:
            raise JobInputError(f"{type(task).__name__} has no parameter {name!r}; it is {ours!r} here.")


class HookClass:
    """A lazy import of a hook's class, for an operator's ``aws_hook_class``; imported on first access.

    The texts for messages about ended jobs are given here, so that those messages need no import.

    :param path: the class's dotted path.
    :param noun: the class's ``noun``.
    :param no_reason: the class's ``no_reason``.
    """

    def __init__(self, path: str, *, noun: str = "job", no_reason: str = _NO_REASON) -> None:
        self.__module__, _, self.__qualname__ = path.rpartition(".")
        self.noun = noun
        self.no_reason = no_reason

    def __get__(self, _instance: object, _owner: type) -> Any:
        return import_string(f"{self.__module__}.{self.__qualname__}")


def aws_template_fields(*fields: str) -> tuple[str, ...]:
    """Return the names of an operator's templated fields: the given ones and the AWS parameters."""
    return tuple(sorted({"aws_conn_id", "region_name", "verify", *fields}))


class UsesHook(Generic[HookT]):
    """Mixin for operators and sensors: their hook."""

    #: The hook's class, or a :class:`HookClass` that imports it.
    aws_hook_class: type[HookT]

    # Their types after rendering.
    aws_conn_id: str | None
    region_name: str | None
    verify: bool | str | None
    botocore_config: dict[str, Any] | None
    deferrable = Checked(truth)
    do_xcom_push: bool
    log: Any
    #: The console link that is stored once the job is known.
    job_link: ClassVar[type[JobLink] | None] = None

    def _take_aws_parameters(
        self, aws_conn_id: Any, region_name: Any, verify: Any, botocore_config: Any
    ) -> None:
        """Set the AWS parameters; both bases' constructors take them."""
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.verify = str(verify) if isinstance(verify, PathLike) else verify
        self.botocore_config = botocore_config

    @cached_property
    def hook(self) -> HookT:
        """The hook, built with the AWS parameters."""
        return self.aws_hook_class(**self._hook_parameters)

    @property
    def _hook_parameters(self) -> dict[str, Any]:
        return {
            "aws_conn_id": self.aws_conn_id,
            "region_name": self.region_name,
            "verify": self.verify,
            "config": self.botocore_config,
        }

    def _keep_from_triggerer(self, context: Mapping[str, Any]) -> None:
        """Make a task of a team wait on its worker, since the triggerer cannot see the team's connections.

        Airflow 3.3 answers a triggerer's requests without considering the task's team.
        """
        name = team(context) if self.deferrable and self.aws_conn_id is not None else None
        if name is not None:
            self.log.warning(
                "The task belongs to team %r. Airflow's triggerer does not see connections that belong to a "
                "team, so the task waits on its worker.",
                name,
            )
            self.deferrable = False

    def _encoded(self, **place: str | None) -> HookSpec:
        """Return a description of the hook for the triggerer, whose default Region and endpoint may differ.

        :param place: the Region or the connection, if it differs from the task's.
        """
        from airflow_provider_jobs.hooks._spec import HookSpec

        parameters = {**self._hook_parameters, "region_name": self.hook.region, **place}
        if endpoint := self.hook.environment_endpoint:
            parameters["endpoint_url"] = endpoint
        return HookSpec.of(self.aws_hook_class, parameters)

    def _keep_link(self, context: Mapping[str, Any], job_id: str) -> None:
        """Store the values for the link to the job, unless the endpoint is not AWS's own."""
        if self.job_link is None or not self.do_xcom_push or self.hook.own_endpoint:
            return
        self.job_link.persist(
            context=context,
            operator=self,
            region_name=self.hook.conn_region_name,
            aws_partition=self.hook.conn_partition,
            job_id=job_id,
        )

    @property
    def _noun(self) -> str:
        """The service's word for a job, capitalized for the start of a sentence."""
        noun: str = getattr_static(type(self), "aws_hook_class").noun
        return noun.capitalize()

    @property
    def _no_reason(self) -> str:
        """The text for a failed job if AWS gives no reason."""
        reason: str = getattr_static(type(self), "aws_hook_class").no_reason
        return reason


# Airflow applies ``default_args`` by the signature of the class's own ``__init__``, so both bases define one.
class AwsOperator(ReadsParameters, BaseOperator, UsesHook[HookT], Generic[HookT]):
    """Base of the operators.

    :param aws_conn_id: the Airflow connection; None for boto3's own credentials. (templated)
    :param region_name: the AWS Region; by default the connection's. (templated)
    :param verify: whether to verify TLS certificates, or the path of a CA bundle. (templated)
    :param botocore_config: parameters of botocore's ``Config``.
    """

    template_fields: Sequence[str] = aws_template_fields()

    def __init__(
        self,
        *,
        aws_conn_id: str | XComArg | None = "aws_default",
        region_name: str | XComArg | None = None,
        verify: bool | str | PathLike[str] | XComArg | None = None,
        botocore_config: dict[str, Any] | XComArg | None = None,
        **kwargs: Unpack[TaskParameters],
    ) -> None:
        _refuse_other_names(self, kwargs, _OPERATOR_NAMES)
        super().__init__(**kwargs)
        self._take_aws_parameters(aws_conn_id, region_name, verify, botocore_config)


class AwsSensor(ReadsParameters, BaseSensorOperator, UsesHook[HookT], Generic[HookT]):
    """Base of the sensors.

    :param aws_conn_id: the Airflow connection; None for boto3's own credentials. (templated)
    :param region_name: the AWS Region; by default the connection's. (templated)
    :param verify: whether to verify TLS certificates, or the path of a CA bundle. (templated)
    :param botocore_config: parameters of botocore's ``Config``.
    """

    template_fields: Sequence[str] = aws_template_fields()

    def __init__(
        self,
        *,
        aws_conn_id: str | XComArg | None = "aws_default",
        region_name: str | XComArg | None = None,
        verify: bool | str | PathLike[str] | XComArg | None = None,
        botocore_config: dict[str, Any] | XComArg | None = None,
        **kwargs: Unpack[SensorParameters],
    ) -> None:
        _refuse_other_names(self, kwargs, _SENSOR_NAMES)
        super().__init__(**kwargs)
        self._take_aws_parameters(aws_conn_id, region_name, verify, botocore_config)
