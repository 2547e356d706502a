# SPDX-License-Identifier: Apache-2.0

"""Options from the section ``[airflow_provider_jobs]`` of Airflow's configuration."""

from __future__ import annotations

from math import inf

from airflow.providers.common.compat.sdk import conf

from airflow_provider_jobs.exceptions import JobInputError

__all__ = ["SECONDS", "seconds", "site"]

_SECTION = "airflow_provider_jobs"
#: The options that are numbers of seconds, with their defaults.
SECONDS = {
    "connect_timeout": 10.0,
    "metrics_interval": 60.0,
    "poll_interval": 30.0,
    "read_timeout": 30.0,
    "settling_time": 60.0,
}


def seconds(name: str) -> float:
    """Return an option that is a number of seconds.

    :param name: one of :data:`SECONDS`.
    :raises JobInputError: if it is not a positive number.
    """
    text = conf.get(_SECTION, name, fallback=str(SECONDS[name]))
    try:
        value = float(text)
    except ValueError:
        value, shown = 0.0, text
    else:
        shown = str(value)
    if not 0 < value < inf:
        raise JobInputError(
            f"[{_SECTION}] {name} = {shown} must be a positive number of seconds. Correct it in airflow.cfg, "
            f"or in the environment's AIRFLOW__{_SECTION.upper()}__{name.upper()}."
        )
    return value


def site() -> str:
    """Return the name of this Airflow; empty if it has none."""
    return conf.get(_SECTION, "site", fallback="") or ""
