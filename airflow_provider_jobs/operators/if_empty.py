# SPDX-License-Identifier: Apache-2.0

"""What becomes of a task whose job has succeeded without anything to do."""

from __future__ import annotations

import logging
from typing import Any, Literal, TypeAlias, get_args

from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_jobs.exceptions import JobEndedError, JobInputError

__all__ = ["IfEmpty", "nothing_done", "read_if_empty"]

#: ``succeed`` with a warning, ``skip`` or ``fail``.
IfEmpty: TypeAlias = Literal["succeed", "skip", "fail"]


def read_if_empty(value: Any, name: str) -> str:
    """Return a value of :data:`IfEmpty`.

    :raises JobInputError: if it is none.
    """
    if value not in get_args(IfEmpty):
        raise JobInputError(f"{name}={value!r} must be one of {', '.join(get_args(IfEmpty))}.")
    return str(value)


def nothing_done(if_empty: str, what: str, advice: str, log: logging.Logger) -> None:
    """Act on a job that had nothing to do: warn, and return if the task is to succeed.

    :param if_empty: one of :data:`IfEmpty`.
    :param what: what was found, as a sentence.
    :param advice: what to do where that is a failure, as a sentence.
    :param log: the task's.
    :raises AirflowSkipException: if the task is to be skipped.
    :raises JobEndedError: if it is to fail; a retry would find the same.
    """
    if if_empty == "skip":
        raise AirflowSkipException(what)
    if if_empty == "fail":
        raise JobEndedError(f"{what} {advice}")
    log.warning("%s", what)
