# SPDX-License-Identifier: Apache-2.0

"""What the README and the pages tell a reader to write, to run and to read is there and works."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import re
import shlex
import tomllib
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.cli.cli_parser import get_parser
from airflow_features import needs
from dag_files import make_archive, replay_of_orders

import airflow_provider_jobs
from airflow_provider_jobs.exceptions import JobFailedError
from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.testing import AwsJobs

from .pages import PAGES, REPOSITORY, Block, blocks, links, name_of, names

pytestmark = needs("sdk_timetables")

#: Not for importing: what Airflow and the backends of the package's own services are made of.
_INNER = re.compile(r"airflow_provider_jobs\.(get_provider_info|testing(\.|$))")

#: Pages that name metrics.
METRICS = {"metrics.md", "runbook.md"}


def readers_task() -> None:
    """What a reader puts where a page has three dots: a replay of the archive ``orders``."""
    make_archive()
    with suppress(JobFailedError):  # some pages make it fail
        replay_of_orders().run()


def running_replay(name: str) -> None:
    """A replay that a page takes for granted."""
    make_archive()
    day = datetime(2026, 1, 1, tzinfo=UTC)
    EventBridgeReplayHook().start_replay(name, "orders", day, day + timedelta(days=1))


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_runs(block: Block, aws_jobs: AwsJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against moto, as if it were a file of its own; tests in it are run."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://?region_name=us-east-1")
    if "replay-1" in block.text:
        running_replay("replay-1")
    text = re.sub(r"^( +)\.\.\.$", r"\1readers_task()", block.text, flags=re.MULTILINE)
    tree = ast.parse(text, str(block))
    assert tree.body
    namespace: dict[str, Any] = {"__name__": "page", "readers_task": readers_task, "aws_jobs": aws_jobs}
    exec(compile(tree, str(block), "exec"), namespace)
    for name, test in namespace.items():
        if name.startswith("test_"):
            test(**{parameter: namespace[parameter] for parameter in inspect.signature(test).parameters})


def _checked_make(words: list[str]) -> bool:
    targets = re.findall(r"^(\w+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    return bool(words) and all(word in targets or "=" in word for word in words)


def _checked_pip(words: list[str]) -> bool:
    """Installing this package, or what it can be used with."""
    pyproject = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    project, groups = pyproject["project"], pyproject["dependency-groups"]
    assert words[0] == "install"
    extras = project["optional-dependencies"]
    requirements = [*project["dependencies"], *(each for extra in extras.values() for each in extra)]
    requirements += [each for group in groups.values() for each in group if isinstance(each, str)]
    known = {"dist/*.whl", ".", project["name"], "apache-airflow-providers-amazon[aiobotocore]"}
    known |= {re.split(r"[\[<>=]", requirement)[0] for requirement in requirements}
    known |= {f"{name}[{extra}]" for name in (".", project["name"]) for extra in extras}
    return all(word in known for word in words[1:])


def _checked_python(words: list[str]) -> bool:
    if words[0] != "-m":
        return (REPOSITORY / words[0]).is_file()
    ours = REPOSITORY.joinpath(*words[1].split("."))  # run from there
    return ours.is_dir() or ours.with_suffix(".py").exists() or importlib.util.find_spec(words[1]) is not None


def _checked_airflow(words: list[str]) -> bool:
    """Airflow's own parser exits for what it does not know."""
    return callable(get_parser().parse_args(words).func)


def _checked_files(words: list[str]) -> bool:
    """Of the repository, or below a folder of the reader's."""
    return any("$(" in word for word in words) and all(
        "$(" in word or (REPOSITORY / word).is_file() for word in words
    )


_CHECKS = {
    "airflow": _checked_airflow,
    "cp": _checked_files,
    "rm": _checked_files,
    "make": _checked_make,
    "pip": _checked_pip,
    "pytest": lambda words: all(word.startswith("-") or (REPOSITORY / word).exists() for word in words),
    "python": _checked_python,
}


def _commands(text: str) -> list[list[str]]:
    lines = text.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


@pytest.mark.parametrize("block", blocks("sh"), ids=str)
def test_commands_exist(block: Block) -> None:
    """What ``make`` runs is run by the tests themselves, by CI, or takes a real Airflow (tests/e2e)."""
    commands = _commands(block.text)
    assert commands
    for command, *words in commands:
        assert _CHECKS[Path(command).name](words), f"{command} {words}"


def test_commands_of_the_readmes_exist() -> None:
    """Their blocks are not marked, since they also show what comes of the commands."""
    found = [
        (Path(command).name, words)
        for block in blocks("")
        for line in block.text.splitlines()
        if re.match(r"(\S*/)?(make|airflow|pip|python|pytest) ", line)
        for command, *words in _commands(line)
    ]
    assert len(found) > 3
    for command, words in found:
        assert _CHECKS[command](words), f"{command} {words}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in links(page) if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_names_of_ours_exist(page: Path) -> None:
    """Names of metrics look like modules, and are not."""

    def exists(name: str) -> bool:
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            module = ".".join(parts[:length])
            try:
                found: Any = importlib.import_module(module)
            except ModuleNotFoundError:
                continue
            for part in parts[length:]:
                if not hasattr(found, part) and part not in getattr(found, "__annotations__", {}):
                    return False
                found = getattr(found, part, None)
            return True
        return False

    found = {name for name in names(page) if not (page.name in METRICS and name.count(".") == 1)}
    assert not {name for name in found if not exists(name)}


def test_every_public_module_is_in_the_reference() -> None:
    modules = {
        name
        for _, name, is_package in pkgutil.walk_packages(
            airflow_provider_jobs.__path__, "airflow_provider_jobs."
        )
        if not is_package and not _INNER.match(name)
    }
    shown = {name for page in (REPOSITORY / "docs" / "api").glob("*.md") for name in names(page)}
    assert modules <= shown


def test_every_example_dag_is_on_a_page() -> None:
    text = "".join(page.read_text() for page in PAGES)
    files = [file.name for file in (REPOSITORY / "example_dags").iterdir() if file.is_file()]
    assert len(files) > 4
    assert not [name for name in files if f"example_dags/{name}" not in text]
