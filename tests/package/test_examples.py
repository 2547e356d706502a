# SPDX-License-Identifier: Apache-2.0

"""The example DAGs, and the one in the README: Airflow takes them, and they use what is documented."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseOperator

from .provided import OPERATORS

pytest.importorskip("airflow.sdk", reason="the examples are written for Airflow 3")
from airflow.models import DagBag
from airflow.serialization.serialized_objects import DagSerialization

REPOSITORY = Path(__file__).parents[2]
README_DAG = re.search(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
FOLDERS = ("example_dags", "example_tests/dags")
FILES = [file for folder in FOLDERS for file in sorted((REPOSITORY / folder).glob("*.py"))]


@pytest.fixture
def readme_dag(tmp_path: Path) -> Path:
    """The README's DAG as a file."""
    assert README_DAG is not None
    file = tmp_path / "readme_dag.py"
    file.write_text(README_DAG[1])
    return file


def check(bag: Any) -> None:
    """Airflow has read the DAGs, which looks for cycles, and stores each and reads it back."""
    assert bag.import_errors == {}
    assert bag.dags
    for dag in bag.dags.values():
        stored = json.dumps(DagSerialization.to_dict(dag))
        assert DagSerialization.from_dict(json.loads(stored)).task_ids == dag.task_ids


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_airflow_takes_it(file: Path) -> None:
    check(DagBag(file))


def test_airflow_takes_the_readmes(readme_dag: Path) -> None:
    bag = DagBag(readme_dag)
    check(bag)
    assert list(bag.dags) == ["orders_again"]


def test_a_cycle_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "cycle.py"
    tasks = "one, two = (EmptyOperator(task_id=name) for name in ('one', 'two'))\n    one >> two >> one"
    imports = (
        "from airflow.sdk import DAG\nfrom airflow.providers.standard.operators.empty import EmptyOperator"
    )
    file.write_text(f"{imports}\nwith DAG('cycle'):\n    {tasks}\n")
    assert "Cycle detected" in DagBag(file).import_errors[str(file)]


def documented(operator: type[Any]) -> set[str]:
    """Airflow's own parameters, and those that the docstring of a class, or one it refers to, describes."""
    text = "\n".join(inspect.getdoc(each) or "" for each in operator.__mro__ if each is not object)
    if "AWS parameters of :class:" in text:
        text += inspect.getdoc(OPERATORS["DataPipelineCreatePipelineOperator"]) or ""
    airflows_own = set(inspect.signature(BaseOperator).parameters)
    return airflows_own | set(re.findall(r"^\s*:param (\w+):", text, re.MULTILINE))


def used(file: Path) -> Iterator[tuple[str, str]]:
    """The operators of ours and the parameters that a file gives them."""
    for call in ast.walk(ast.parse(file.read_text())):
        if isinstance(call, ast.Call):
            function = call.func
            if isinstance(function, ast.Attribute) and function.attr == "partial":
                function = function.value
            if isinstance(function, ast.Name) and function.id in OPERATORS:
                yield from ((function.id, each.arg) for each in call.keywords if each.arg)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_uses_documented_parameters_only(file: Path) -> None:
    found = list(used(file))
    assert found or "safe_replay(" in file.read_text()
    assert [each for each in found if each[1] not in documented(OPERATORS[each[0]])] == []


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_parameter_is_documented(name: str) -> None:
    ours = [each for each in OPERATORS[name].__mro__ if each.__module__.startswith("airflow_provider_jobs.")]
    parameters = {
        parameter.name
        for each in ours
        if "__init__" in vars(each)
        for parameter in inspect.signature(vars(each)["__init__"]).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    assert parameters
    assert parameters | {"aws_conn_id", "region_name", "verify", "botocore_config"} <= documented(
        OPERATORS[name]
    )


def test_every_operator_is_in_the_example_of_the_tests() -> None:
    assert {name for name, _ in used(REPOSITORY / "example_tests/dags/every_operator.py")} == set(OPERATORS)
