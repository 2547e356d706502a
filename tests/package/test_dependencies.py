# SPDX-License-Identifier: Apache-2.0

"""Whatever the package imports is a dependency that it declares, not one that somebody else brings along."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support import ROOT, project, pyproject

from .imports import imports

PACKAGE = ROOT / "airflow_provider_jobs"
MODULES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))
#: The extras that bring what some modules import.
EXTRAS = {"testing": "testing", "lineage.py": "openlineage"}


@cache
def installed() -> dict[str, set[str]]:
    """The installed distributions by their top-level packages."""
    return {
        name: {canonicalize_name(each) for each in found} for name, found in packages_distributions().items()
    }


def distributions(module: str) -> set[str]:
    """The distributions that have a module."""
    parts = module.split(".")
    if parts[:2] == ["airflow", "providers"]:
        names = (f"apache-airflow-providers-{'-'.join(parts[2:end])}" for end in range(3, 5))
        found = {name for name in names if name in installed()["airflow"]}
        return found or {f"apache-airflow-providers-{parts[2]}"}
    if parts[0] == "airflow":
        return {"apache-airflow"}
    return installed().get(parts[0], {parts[0]})


def declared(module: str) -> set[str]:
    """What a module of the package may import."""
    lines = [*project()["dependencies"]]
    if extra := EXTRAS.get(module.partition("/")[0]):
        lines += project()["optional-dependencies"][extra]
    return {canonicalize_name(Requirement(line).name) for line in lines}


def undeclared(module: str) -> list[str]:
    own = {*sys.stdlib_module_names, PACKAGE.name, "_typeshed"}
    others = {name for name in imports((PACKAGE / module).read_text()) if name.partition(".")[0] not in own}
    return sorted(name for name in others if not distributions(name) & declared(module))


@pytest.mark.parametrize("module", MODULES)
def test_every_import_is_declared(module: str) -> None:
    assert undeclared(module) == []


def test_an_import_that_is_not_declared_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "testing", "openlineage")
    assert "moto.core.utils.get_equivalent_url_in_aws_domain" in undeclared("testing/aws/calls.py")


def test_development_tools_are_no_extras() -> None:
    assert set(project()["optional-dependencies"]) == {"testing", "openlineage"}
    assert set(pyproject()["dependency-groups"]) == {"unit", "docs", "dev", "celery"}
