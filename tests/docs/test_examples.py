# SPDX-License-Identifier: Apache-2.0

"""docs/examples.md lists every example by its first line, and who uses an operator or sensor."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from airflow_features import needs

from .pages import PAGES, REPOSITORY, table
from .test_operator_reference import SHOWN

pytestmark = needs("sdk_timetables")

DOCS = REPOSITORY / "docs"
PAGE = DOCS / "examples.md"
#: The page's tables of files, with what is in each.
TABLES = {
    "dags": ["example_dags/*.py", "docs/try_it/try_*.py"],
    "recipes": ["docs/recipes/*.py"],
    "tests": ["example_tests/*.py", "example_tests/dags/*.py", "system_tests/aws/*.py"],
}
FILES = {
    name: [file for pattern in patterns for file in sorted(REPOSITORY.glob(pattern))]
    for name, patterns in TABLES.items()
}


def download(file: Path) -> str:
    """A link to a file, from a page in ``docs``."""
    inside = file.is_relative_to(DOCS)
    place = f"{file.relative_to(DOCS)}" if inside else f"../{file.relative_to(REPOSITORY)}"
    return f"{{download}}`{file.name} <{place}>`"


def showing(file: Path) -> str:
    """The pages that show a file."""
    found = [
        page.relative_to(DOCS).with_suffix("")
        for page in PAGES
        for shown in re.findall(r"\{literalinclude\} (\S+)", page.read_text())
        if (page.parent / shown).resolve() == file
    ]
    return ", ".join(f"{{doc}}`{page}`" for page in dict.fromkeys(found))


def summary(file: Path) -> str:
    docstring = ast.get_docstring(ast.parse(file.read_text()))
    assert docstring
    return docstring.partition("\n")[0].replace("``", "`")


def used(file: Path) -> set[str]:
    """The names that a file imports from this package's operators and sensors."""
    return {
        name.name
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom)
        and re.match(r"airflow_provider_jobs\.(operators|sensors)\.", node.module or "")
        for name in node.names
    }


def rows(name: str) -> list[list[str]]:
    return [[download(file), summary(file), showing(file)] for file in FILES[name]]


def users() -> list[list[str]]:
    """Each operator and sensor, with its guide, and the DAGs that use it."""
    return [
        [
            f"{{class}}`~{kind.__module__}.{name}`",
            f"{{doc}}`{guide.lstrip('/')}`",
            ", ".join(f"`{file.name}`" for file in FILES["dags"] if name in used(file)),
        ]
        for name, (kind, guide) in SHOWN.items()
    ]


@pytest.mark.parametrize("name", TABLES)
def test_the_page_lists_every_example(name: str) -> None:
    assert table(PAGE, name) == rows(name)


def test_the_page_lists_every_operator_and_sensor() -> None:
    assert table(PAGE, "users") == users()


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_every_operator_and_sensor_has_an_example(name: str) -> None:
    """In the project of the tests, and in its guide or a DAG."""
    assert name in used(REPOSITORY / "example_tests" / "dags" / "every_operator.py")
    guide = (DOCS / f"{SHOWN[name][1].lstrip('/')}.md").read_text()
    assert any(name in used(file) for file in FILES["dags"]) or name in guide
