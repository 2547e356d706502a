# SPDX-License-Identifier: Apache-2.0

"""The package's rooms: no module imports from a room above its own, and each room keeps out what it must."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .imports import imports

PACKAGE = "airflow_provider_jobs"
REPOSITORY = Path(__file__).parents[2]
CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text()
PLAIN = "plain data"
#: From the bottom to the top: a room, and the modules and folders in it. All others are plain data.
#: Of two entries that fit a module the longer one counts. An entry may be of modules that do not exist yet.
ROOMS: dict[str, tuple[str, ...]] = {
    PLAIN: (),
    "links": ("links",),
    "once": ("_once",),
    "services": (
        "_eventbridge",
        "_event_bus",
        "_data_pipeline",
        "_lookout_equipment",
        "_iot_analytics",
        "_sqs",
        "_logs",
        "_dynamodb",
    ),
    "hooks": (
        "hooks",
        "service_models",
        *(f"_data_pipeline.{each}" for each in ("client", "starter", "stopper", "watcher")),
        *(f"_eventbridge.{each}" for each in ("client", "observer", "preparation")),
        *(f"_event_bus.{each}" for each in ("client", "reader")),
    ),
    "watch": ("_watch", "metrics"),
    "triggers": ("triggers",),
    "operators": ("operators", "aws", "hooks._classes"),
    "sensors": ("sensors", "safe_replay"),
    "testing": ("testing",),
}
ORDER = [*ROOMS]
#: What ``testing`` imports of ours: a simulated AWS that shared our code would share its mistakes.
FOR_TESTING = (PLAIN, "testing")
LOADER = f"{PACKAGE}.service_models"
#: What only some rooms import: AWS's client libraries, and what the extra ``testing`` brings.
RESERVED = {
    **dict.fromkeys(("boto3", "botocore", "airflow.providers.amazon"), ("hooks", "testing")),
    **dict.fromkeys(("moto", "pytest", "werkzeug"), ("testing",)),
}
FILES = {
    ".".join(file.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__"): file
    for file in sorted((REPOSITORY / PACKAGE).rglob("*.py"))
}


def room(module: str) -> str:
    """The room of a module of ours, by its full name."""
    name = module.removeprefix(PACKAGE).removeprefix(".")
    fits = [
        (len(entry), each)
        for each, entries in ROOMS.items()
        for entry in entries
        if name == entry or name.startswith(f"{entry}.")
    ]
    return max(fits, default=(0, PLAIN))[1]


def is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def own(name: str) -> str:
    """The module of ours that a full name is, or is in."""
    while name not in FILES and "." in name:
        name = name.rpartition(".")[0]
    return name


def imported(module: str) -> set[str]:
    """What a module imports: modules of ours, and full names of others."""
    file = FILES[module]
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    return {own(name) if is_in(name, PACKAGE) else name for name in imports(file.read_text(), package)}


def wrong(module: str, names: set[str]) -> list[str]:
    """Those of a module's imports that its room must not have."""
    here = room(module)
    return sorted(
        name
        for name in names
        if (is_in(name, PACKAGE) and ORDER.index(room(name)) > ORDER.index(here))
        or (is_in(name, PACKAGE) and here == "testing" and room(name) not in FOR_TESTING and name != LOADER)
        or any(is_in(name, package) and here not in rooms for package, rooms in RESERVED.items())
    )


@pytest.mark.parametrize("module", FILES)
def test_a_module_imports_nothing_from_above(module: str) -> None:
    assert wrong(module, imported(module)) == []


def test_once_imports_neither_airflow_nor_boto3_by_any_way() -> None:
    reached, todo = set[str](), {module for module in FILES if room(module) == "once"}
    assert len(todo) > 5
    while todo:
        module = todo.pop()
        reached.add(module)
        todo |= {name for name in imported(module) if is_in(name, PACKAGE)} - reached
    others = {name for module in reached for name in imported(module) if not is_in(name, PACKAGE)}
    assert [name for name in others if name.startswith(("airflow", "boto"))] == []


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("_once.steps", "def look():\n    from airflow_provider_jobs.hooks import base", "hooks.base"),
        ("_watch.queue", "if TYPE_CHECKING:\n    import airflow_provider_jobs.triggers.job", "triggers.job"),
        ("hooks.base", "from airflow_provider_jobs import metrics", "metrics"),
        ("hooks.base", "from .._watch import poller", "_watch.poller"),
        ("hooks.base", "from ._classes import EventBridgeReplayHook", "hooks._classes"),
        ("operators.base", "from airflow_provider_jobs.sensors.base import JobSensor", "sensors.base"),
        ("sensors.base", "from airflow_provider_jobs.testing import AwsJobs", "testing"),
        ("job", "from airflow_provider_jobs._once.mark import Mark", "_once.mark"),
        ("_eventbridge.replay", "from airflow_provider_jobs.hooks.base import JobHook", "hooks.base"),
    ],
)
def test_an_import_from_above_is_found(module: str, source: str, found: str) -> None:
    module = f"{PACKAGE}.{module}"
    names = {own(name) for name in imports(source, module.rpartition(".")[0])}
    assert wrong(module, names) == [f"{PACKAGE}.{found}"]


@pytest.mark.parametrize(
    ("module", "name", "allowed"),
    [
        ("hooks.calls", "botocore.config.Config", True),
        ("operators.base", "boto3.client", False),
        ("_watch.queue", "airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook", False),
        ("triggers.job", "airflow.providers.common.compat.sdk.timezone", True),
        ("operators.base", "moto.mock_aws", False),
        ("_data_pipeline.status", f"{PACKAGE}.hooks.base", False),
        ("_data_pipeline.watcher", f"{PACKAGE}.hooks.base", True),
        ("windows", f"{PACKAGE}._data_pipeline.status", False),
        ("testing.server", f"{PACKAGE}.service_models", True),
        ("testing.server", f"{PACKAGE}.hooks.eventbridge", False),
    ],
)
def test_what_a_room_may_import_besides(module: str, name: str, allowed: bool) -> None:
    assert (wrong(f"{PACKAGE}.{module}", {name}) == []) is allowed


def test_contributing_has_the_rooms_in_this_order() -> None:
    _, _, rest = CONTRIBUTING.partition("<!-- rooms: ")
    text, end, _ = rest.partition("<!-- rooms end -->")
    assert end
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")][1:]
    told = {
        name: tuple(
            each.strip("/").removesuffix(".py").replace("/", ".")
            for each in re.findall(r"`([^`]+)`", modules)
        )
        for name, modules, *_ in rows
    }
    assert [*told] == ORDER[::-1]
    plain = told.pop(PLAIN)
    assert told == {name: modules for name, modules in ROOMS.items() if name != PLAIN}
    assert {*plain} <= {module.removeprefix(f"{PACKAGE}.") for module in FILES if room(module) == PLAIN}
