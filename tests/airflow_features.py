# SPDX-License-Identifier: Apache-2.0

"""What later versions of Airflow have and earlier ones lack: why tests are skipped, and what README says."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec

import pytest
from airflow.providers.common.compat.sdk import Context
from airflow.providers_manager import ProvidersManager
from airflow.triggers.base import BaseTrigger
from packaging.version import Version

AIRFLOW = Version(version("apache-airflow"))


@dataclass(frozen=True)
class Feature:
    """Something of Airflow's that this package or its tests use.

    :param what: Airflow's name for it.
    :param since: the first Airflow that has it.
    :param gives: what users of this package get from it; empty if they have the same without.
    :param found: whether the running Airflow has it; looks, and does not compare versions.
    """

    what: str
    since: str
    gives: str
    found: Callable[[], bool]

    @property
    def expected(self) -> bool:
        """Whether the running Airflow should have it by its version."""
        return Version(AIRFLOW.base_version) >= Version(self.since)

    @property
    def absence(self) -> str:
        """Say that the running Airflow lacks it."""
        return f"Airflow {AIRFLOW} has no {self.what}, which came with {self.since}."


FEATURES = {
    "task_sdk": Feature(
        "airflow.sdk",
        "3.0",
        "`LocalAirflow`, a real Airflow for end-to-end tests",
        lambda: find_spec("airflow.sdk") is not None,
    ),
    "sdk_timetables": Feature(
        "timetables in airflow.sdk",
        "3.2",
        "the [example DAGs](example_dags) as they stand, and the demo",
        lambda: (
            find_spec("airflow.sdk") is not None
            and hasattr(import_module("airflow.sdk"), "CronDataIntervalTimetable")
        ),
    ),
    "sync_callback": Feature(
        "SyncCallback in airflow.sdk",
        "3.2",
        "",
        lambda: (
            find_spec("airflow.sdk") is not None and hasattr(import_module("airflow.sdk"), "SyncCallback")
        ),
    ),
    "deferred_tis_counted": Feature(
        "max_active_tis_per_dag that counts deferred tasks",
        "3.2.2",
        "",
        lambda: hasattr(import_module("airflow.ti_deps.dependencies_states"), "ACTIVE_STATES"),
    ),
    "retry_policy": Feature(
        "ExceptionRetryPolicy in airflow.sdk",
        "3.3",
        "",
        lambda: (
            find_spec("airflow.sdk") is not None
            and hasattr(import_module("airflow.sdk"), "ExceptionRetryPolicy")
        ),
    ),
    "trigger_on_kill": Feature(
        "on_kill of triggers",
        "3.3",
        "",
        lambda: hasattr(BaseTrigger, "on_kill"),
    ),
    "partition_date": Feature(
        "dates of partitions in a task's context",
        "3.3",
        "a run without a data interval takes its partition as the window",
        lambda: "partition_date" in Context.__annotations__,
    ),
    "task_state_store": Feature(
        "task_state_store",
        "3.3",
        "a retry finds a job to which AWS gave neither name nor token of ours (IoT Analytics, Data "
        "Pipeline, SQS); a clear waits for an ingestion that still runs, then starts another (Lookout for "
        "Equipment)",
        lambda: "task_state_store" in Context.__annotations__,
    ),
}


def needs(feature: str) -> pytest.MarkDecorator:
    """Skip a test where the running Airflow lacks this feature, and say so."""
    return pytest.mark.skipif(not FEATURES[feature].found(), reason=FEATURES[feature].absence)


def require(feature: str) -> None:
    """Skip the rest of a test where the running Airflow lacks this feature, and say so."""
    if not FEATURES[feature].found():
        pytest.skip(FEATURES[feature].absence)


def own_warnings() -> list[str]:
    """Pytest's filters of what Airflow and the newer packages beside it warn of among themselves."""
    if AIRFLOW.major < 3:
        # With the first task Airflow 2 loads its own hooks, and with them its models and Flask, which warn of
        # each other. As errors these warnings would leave it without its hooks.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ProvidersManager().initialize_providers_hooks()
        return ["ignore:Deprecated API features detected:sqlalchemy.exc.MovedIn20Warning"]
    if Version("3.2") > AIRFLOW:
        # common.compat looks for Airflow 2's names before those of the standard provider.
        return [r"ignore:The `airflow\.[\w.]+` class is deprecated:DeprecationWarning"]
    return []
