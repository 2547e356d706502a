# SPDX-License-Identifier: Apache-2.0

"""A type checker finds the mistakes that a DAG file may have, and nothing wrong with what is right."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import airflow_provider_jobs

from . import correct_uses
from .provided import OPERATORS

HERE = Path(__file__).parent
PACKAGE = Path(airflow_provider_jobs.__file__).parent
TRIGGERS = ("JobTrigger", "QueueTrigger", "DelayTrigger")
#: What the mistakes use; the rest of what they import is what the correct uses do.
_GIVEN = """
QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders-dead"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
replay = EventBridgeStartReplayOperator(task_id="replay", archive="orders")
create = DataPipelineCreatePipelineOperator(task_id="create", pipeline_name="orders")
"""


class Mistake(NamedTuple):
    """A line of a DAG file, and what its error names."""

    group: str
    line: str
    name: str


def read_mistakes() -> list[Mistake]:
    found, group = [], ""
    for line in (HERE / "mistakes.txt").read_text().splitlines():
        if header := re.fullmatch(r"\[(.+)\]", line):
            group = header[1]
        elif line and not line.startswith("#"):
            call, _, name = line.rpartition("  # ")
            found.append(Mistake(group, call, name))
    return found


MISTAKES = read_mistakes()


class Checked(NamedTuple):
    """What the type checker says of two files, by line."""

    mistakes: dict[int, str]
    correct_uses: dict[int, str]


def check(folder: Path, cache: Path) -> Checked:
    """Run mypy as a user without any settings does, who has installed the package."""
    uses = (HERE / "correct_uses.py").read_text()
    imports = uses[uses.index("from __future__") : uses.index("ARGUMENTS")]
    head = f"{imports}from datetime import date\n{_GIVEN}"
    (folder / "mistakes.py").write_text(head + "\n".join(each.line for each in MISTAKES) + "\n")
    (folder / "correct_uses.py").write_text(uses)
    (folder / "packages").mkdir()
    (folder / "packages" / PACKAGE.name).symlink_to(PACKAGE)
    run = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--config-file=", "--follow-imports=silent", "--no-pretty"),
            *("--cache-dir", str(cache), "mistakes.py", "correct_uses.py"),
        ],
        cwd=folder,
        env={**os.environ, "MYPYPATH": "packages"},
        capture_output=True,
        text=True,
    )
    assert run.returncode in (0, 1), run.stderr
    said: dict[str, dict[int, str]] = {"mistakes.py": {}, "correct_uses.py": {}}
    for file, line, text in re.findall(r"^(.+?):(\d+): error: (.+)$", run.stdout, re.MULTILINE):
        at = int(line) - (head.count("\n") if file == "mistakes.py" else 0)
        said[file][at] = said[file].get(at, "") + text
    return Checked(said["mistakes.py"], said["correct_uses.py"])


def test_each_mistake_is_found_and_nothing_else(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """One test, since a run of mypy without its cache takes a while."""
    pytest.importorskip("mypy")
    # Where pytest's own cache is off, so is mypy's.
    kept: pytest.Cache | None = getattr(pytestconfig, "cache", None)
    cache = kept.mkdir("mypy_mistakes") if kept else tmp_path / "cache"
    checked = check(tmp_path, cache)
    assert min(checked.mistakes, default=1) > 0
    missed = [
        each.line
        for at, each in enumerate(MISTAKES, start=1)
        if not re.search(rf'^{each.name}|"{each.name}"', checked.mistakes.get(at, ""))
    ]
    assert missed == []
    assert checked.correct_uses == {}


def test_type_checkers_take_the_packages_types() -> None:
    assert (PACKAGE / "py.typed").exists()


def test_there_are_mistakes_of_every_kind() -> None:
    assert len(MISTAKES) == len({each.line for each in MISTAKES}) > 130
    assert all(any(name in each.line for each in MISTAKES) for name in [*OPERATORS, *TRIGGERS])


def test_airflow_takes_what_is_right() -> None:
    dag = correct_uses.make_dag()
    assert {task.task_type for task in dag.tasks} == {
        *OPERATORS,
        "OrdersReplayOperator",
        "_PythonDecoratedOperator",
    }
    assert len(correct_uses.triggers()) == 3
