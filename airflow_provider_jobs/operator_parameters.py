# SPDX-License-Identifier: Apache-2.0

"""The parameters that operators and sensors share, for type checkers and editors.

A class names its own parameters in its constructor, and those of its base as ``**kwargs: Unpack[...]``. A new
job type should do the same; ``**kwargs: Any`` works too, but then type checkers find no misspelt names. Each
parameter is documented in the class that takes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from airflow_provider_jobs._airflow_parameters import SensorParameters, TaskParameters

if TYPE_CHECKING:
    from datetime import timedelta
    from os import PathLike

    from airflow.providers.common.compat.sdk import XComArg

__all__ = [
    "AwsOperatorParameters",
    "AwsParameters",
    "AwsSensorParameters",
    "JobOperatorParameters",
    "JobSensorParameters",
    "StartJobParameters",
]


class AwsParameters(TypedDict, total=False):
    """The AWS part of an operator or sensor."""

    aws_conn_id: str | XComArg | None
    region_name: str | XComArg | None
    verify: bool | str | PathLike[str] | XComArg | None
    botocore_config: dict[str, Any] | XComArg | None


class AwsOperatorParameters(AwsParameters, TaskParameters, total=False):
    """The parameters of :class:`~airflow_provider_jobs.aws.AwsOperator`."""


class AwsSensorParameters(AwsParameters, SensorParameters, total=False):
    """The parameters of :class:`~airflow_provider_jobs.aws.AwsSensor`."""


class JobOperatorParameters(AwsOperatorParameters, total=False):
    """The parameters of :class:`~airflow_provider_jobs.operators.base.JobOperator`."""

    wait_for_completion: bool
    deferrable: bool
    poll_interval: float | timedelta
    job_timeout: timedelta | float | None


class StartJobParameters(JobOperatorParameters, total=False):
    """The parameters of :class:`~airflow_provider_jobs.operators.start.StartJobOperator`."""

    cancel_on_kill: bool
    start_timeout: timedelta | float | None


class JobSensorParameters(AwsSensorParameters, total=False):
    """The parameters of :class:`~airflow_provider_jobs.sensors.base.JobSensor`."""

    deferrable: bool
