# SPDX-License-Identifier: Apache-2.0

"""What users may import, and what importing costs them."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import airflow_provider_jobs

ALL_MODULES = [
    (name, is_package)
    for _, name, is_package in pkgutil.walk_packages(airflow_provider_jobs.__path__, "airflow_provider_jobs.")
]
MODULES = [
    name
    for name, is_package in ALL_MODULES
    if not is_package and not name.startswith("airflow_provider_jobs.testing.")
]


def own_names(module: ModuleType) -> list[str]:
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    )


@pytest.mark.parametrize("name", MODULES)
def test_all_names_the_public_surface(name: str) -> None:
    module = importlib.import_module(name)
    if name.endswith(".get_provider_info"):
        return
    assert set(own_names(module)) <= set(module.__all__)


def test_the_public_names_are_those_that_were_agreed_on() -> None:
    """A name that comes or goes changes the list, so that whoever reads the change sees it."""
    agreed = Path(__file__).with_name("public_names.txt").read_text().split()
    found = []
    for name, _ in ALL_MODULES:
        if "._" in name:
            continue
        module = importlib.import_module(name)
        found += [f"{name}.{each}" for each in getattr(module, "__all__", ())]
        assert all(hasattr(module, each) for each in getattr(module, "__all__", ()))
    assert sorted(found) == agreed


def modules_of(*imports: str, after: str = "sys") -> set[str]:
    """The modules that a fresh process loads with these imports.

    :param after: what it has imported before
    """
    code = (
        f"import sys, {after}; before = {{*sys.modules}}\n"
        f"import {', '.join(imports)}; print(*{{*sys.modules}} - before)"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(run.stdout.splitlines()[-1].split())


def test_importing_the_operators_loads_little_and_nothing_for_tests() -> None:
    """What it costs in time is measured by benchmarks/imports.py."""
    amazon = "airflow.providers.amazon.aws.operators.eventbridge"
    extra = modules_of("airflow_provider_jobs.operators.eventbridge", after=amazon)
    assert not {name for name in extra if name.startswith(("moto", "airflow_provider_jobs.testing"))}
    foreign = {name for name in extra if not name.startswith("airflow_provider_jobs")}
    assert {name.partition(".")[0] for name in foreign} <= {"airflow", "pydantic"}
    assert not {name for name in extra if "openlineage" in name}
    assert len(foreign) < 20


def test_a_triggerer_does_not_import_boto3_on_its_event_loop() -> None:
    """Airflow imports a trigger where all triggers run; boto3 would hold them up for half a second."""
    triggers = ("airflow_provider_jobs.triggers.job", "airflow_provider_jobs.triggers.queue")
    extra = modules_of(*triggers, after="airflow.jobs.triggerer_job_runner")
    assert set(triggers) <= extra
    assert not {name for name in extra if name.startswith(("boto", "airflow.providers.amazon"))}


def test_provider_discovery_imports_next_to_nothing() -> None:
    assert not {"airflow", "boto3"} & modules_of("airflow_provider_jobs.get_provider_info")


def test_the_types_of_parameters_import_next_to_nothing() -> None:
    assert not {"airflow", "boto3"} & modules_of("airflow_provider_jobs.operator_parameters")
