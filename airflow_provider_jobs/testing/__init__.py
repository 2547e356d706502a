# SPDX-License-Identifier: Apache-2.0

"""A moto whose jobs take their time: for our tests and for those of DAGs that use this provider.

It needs the extra ``testing``; what is missing is told at the first use of a name, not at the import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_jobs.testing.aws.faults import Fault, UnmetFaultError
    from airflow_provider_jobs.testing.aws.mock import mock_aws_jobs
    from airflow_provider_jobs.testing.aws_jobs import AwsJobs
    from airflow_provider_jobs.testing.pace import Pace
    from airflow_provider_jobs.testing.server import AwsJobsServer

__all__ = ["AwsJobs", "AwsJobsServer", "Fault", "Pace", "UnmetFaultError", "mock_aws_jobs"]

_HOMES = {
    "AwsJobs": "aws_jobs",
    "AwsJobsServer": "server",
    "Fault": "aws.faults",
    "Pace": "pace",
    "UnmetFaultError": "aws.faults",
    "mock_aws_jobs": "aws.mock",
}


def __getattr__(name: str) -> object:
    """Import on first use: whoever imports this package need not have moto.

    :raises ModuleNotFoundError: if moto is not installed, saying how to install it
    """
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        raise ModuleNotFoundError(
            f"{__name__}.{name} needs {missing}, which is not installed: "
            'pip install "airflow-provider-jobs[testing]"',
            name=error.name,
        ) from error
