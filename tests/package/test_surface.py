# SPDX-License-Identifier: Apache-2.0

"""What users may import, and what importing costs them."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import statistics
import subprocess
import sys
from types import ModuleType

import pytest

import airflow_provider_jobs

MODULES = [
    name
    for _, name, is_package in pkgutil.walk_packages(airflow_provider_jobs.__path__, "airflow_provider_jobs.")
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


def seconds_to_import(*modules: str) -> float:
    """CPU seconds of importing the last module after the others, the median of five processes."""
    *before, last = modules
    code = ";".join(
        [
            "import importlib, sys, time",
            *(f"importlib.import_module({module!r})" for module in before),
            "began = time.process_time()",
            f"importlib.import_module({last!r})",
            "print(time.process_time() - began)",
            "assert not [m for m in sys.modules if m.split('.')[0] == 'moto' or '.testing' in m and "
            "m.startswith('airflow_provider_jobs')]",
        ]
    )
    runs = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True) for _ in range(5)]
    return statistics.median(float(run.stdout.split()[-1]) for run in runs)


def test_importing_the_operators_adds_little_and_nothing_for_tests() -> None:
    extra = seconds_to_import(
        "airflow.providers.amazon.aws.operators.eventbridge", "airflow_provider_jobs.operators.eventbridge"
    )
    assert extra <= 0.150


def test_provider_discovery_imports_next_to_nothing() -> None:
    code = "import sys, airflow_provider_jobs.get_provider_info; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not {"airflow", "boto3"} & set(run.stdout.split())
