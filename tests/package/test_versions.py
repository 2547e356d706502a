# SPDX-License-Identifier: Apache-2.0

"""What is declared, what is tested and what README says of versions is the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from airflow_features import FEATURES, Feature
from packaging.version import Version
from support import LOWEST, NEWEST, README, ROOT, floors, pins, project, pythons, requirements, written


def test_the_lowest_environment_has_the_lowest_that_is_declared() -> None:
    lowest = pins(LOWEST)
    assert {name: lowest[name] for name in floors()} == floors()


def test_the_newest_environment_has_what_is_declared() -> None:
    newest = pins(NEWEST)
    assert [name for name, allowed in requirements().items() if newest[name] not in allowed] == []


def test_the_newest_environment_is_not_older_in_anything() -> None:
    lowest, newest = pins(LOWEST), pins(NEWEST)
    assert [name for name in floors() if newest[name] < lowest[name]] == []


@pytest.mark.parametrize("constraints", [LOWEST, NEWEST], ids=lambda path: path.stem)
def test_constraints_name_versions_and_no_places(constraints: Path) -> None:
    lines = constraints.read_text().splitlines()
    assert [line for line in lines if not re.match(r"[a-z0-9.-]+==[^\s/]+( ; .*)?$", line)] == []


def test_readme_has_the_table_of_what_runs() -> None:
    assert README.read_text() == written(), "make constraints writes it anew"


@pytest.mark.parametrize("feature", FEATURES.values(), ids=list(FEATURES))
def test_this_airflow_has_what_its_version_should(feature: Feature) -> None:
    assert feature.found() is feature.expected


def test_the_first_python_that_is_claimed_is_the_lowest_that_is_allowed() -> None:
    assert project()["requires-python"] == f">={pythons()[0]}"
    assert pythons() == sorted(pythons(), key=Version)


def test_both_environments_are_part_of_what_must_pass() -> None:
    runs = re.findall(r"^make (\w+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert {"test", "lowest"} <= set(runs)
