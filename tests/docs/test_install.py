# SPDX-License-Identifier: Apache-2.0

"""docs/install.md and its Dockerfile: versions are those that are declared, and files are there."""

from __future__ import annotations

import re
import shlex

from support import NEWEST, floors, pins, project

from .pages import REPOSITORY

PAGE = (REPOSITORY / "docs" / "install.md").read_text()
DOCKERFILE = (REPOSITORY / "docs" / "install" / "Dockerfile").read_text()


def test_the_lowest_versions_on_the_page_are_those_that_are_declared() -> None:
    lowest = floors()
    airflow = lowest["apache-airflow"]
    assert f"Airflow {airflow.major}.{airflow.minor} or later" in PAGE
    assert f"Python {project()['requires-python'].removeprefix('>=')} or later" in PAGE
    assert f"the Amazon provider {lowest['apache-airflow-providers-amazon']} or later" in PAGE


def test_the_image_is_of_an_airflow_that_the_tests_run_on() -> None:
    named = re.findall(r"apache/airflow:([\d.]+)-python([\d.]+)", DOCKERFILE)
    allowed = {str(pins(NEWEST)["apache-airflow"]), str(floors()["apache-airflow"])}
    assert {version for version, _ in named} == allowed
    assert {python for _, python in named} == {"3.11"}


def test_the_dockerfile_has_only_what_docker_knows_and_installs_the_wheel() -> None:
    text = DOCKERFILE.replace("\\\n", " ")
    words = [shlex.split(line, comments=True) for line in text.splitlines()]
    first = [line[0] for line in words if line]
    assert first == ["ARG", "FROM", "COPY", "RUN", "FROM", "COPY", "RUN"]
    assert "pip wheel" in text
    assert "/tmp/wheels/*.whl" in text
    assert "airflow providers get airflow-provider-jobs" in text


def test_the_page_says_what_was_not_run() -> None:
    assert "was not run" in PAGE


def test_no_place_of_a_package_registry_is_named() -> None:
    for text in (PAGE, DOCKERFILE):
        assert not re.search(r"index-url|://[^\s)]*pypi|files\.python", text)
