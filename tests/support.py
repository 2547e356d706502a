# SPDX-License-Identifier: Apache-2.0

"""The versions that are supported: declared in pyproject.toml, pinned in the constraints, told in README.

python tests/support.py floors                  the lowest versions that pyproject.toml declares
python tests/support.py installed CONSTRAINTS   fails unless these very versions are installed
python tests/support.py write                   writes README's table anew
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
LOWEST, NEWEST = ROOT / "constraints-lowest.txt", ROOT / "constraints.txt"
BEGIN, END = "<!-- versions: written by make constraints -->\n", "<!-- versions end -->\n"
#: What the unit tests of both environments need beside the package: what its users may add, the tests' tools.
EXTRAS, GROUPS = ("testing",), ("unit",)
#: README's columns.
COLUMNS = {
    "Airflow": "apache-airflow",
    "Amazon provider": "apache-airflow-providers-amazon",
    "common.compat provider": "apache-airflow-providers-common-compat",
    "boto3": "boto3",
    "moto": "moto",
}


def pyproject() -> Any:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def project() -> Any:
    return pyproject()["project"]


def requirements() -> dict[str, SpecifierSet]:
    """What we declare for the unit tests' environments, by name."""
    declared = project()
    lines = [*declared["dependencies"]]
    for extra in EXTRAS:
        lines += declared["optional-dependencies"][extra]
    for group in GROUPS:
        lines += pyproject()["dependency-groups"][group]
    return {canonicalize_name(each.name): each.specifier for each in map(Requirement, lines)}


def floors() -> dict[str, Version]:
    """The lowest version of everything that we declare.

    :raises ValueError: if something has none.
    """
    lowest = {}
    for name, specifiers in requirements().items():
        bounds = [each.version for each in specifiers if each.operator == ">="]
        if len(bounds) != 1:
            raise ValueError(f"{name} has {len(bounds)} lower bounds in pyproject.toml, not one.")
        lowest[name] = Version(bounds[0])
    return lowest


def pins(constraints: Path) -> dict[str, Version]:
    """The versions that a constraints file has for this Python on this machine, by name."""
    wanted = map(Requirement, re.findall(r"^\w.*", constraints.read_text(), re.MULTILINE))
    return {
        canonicalize_name(each.name): Version(next(iter(each.specifier)).version)
        for each in wanted
        if each.marker is None or each.marker.evaluate()
    }


def strays(constraints: Path) -> list[str]:
    """What is not installed as the constraints say, in this Python's environment."""
    wanted = pins(constraints)
    installed = {canonicalize_name(each.name): Version(each.version) for each in distributions()}
    # An environment brings these along by itself.
    found = {name: version for name, version in installed.items() if name not in ("pip", "setuptools")}
    missing = [f"{name} is not installed" for name in requirements() if name not in found]
    return missing + [
        f"{name} is {version}, not {wanted.get(name, 'pinned')}"
        for name, version in sorted(found.items())
        if version != wanted.get(name) and name != project()["name"]
    ]


def pythons() -> list[str]:
    """The versions of Python that we claim, lowest first."""
    classifiers = "\n".join(project()["classifiers"])
    return re.findall(r"^Programming Language :: Python :: (\d\.\d+)$", classifiers, re.MULTILINE)


def table() -> str:
    """README's part: the environments that the tests run in, and what needs a later Airflow."""
    from airflow_features import FEATURES

    rows: list[list[str]] = [["", *COLUMNS, "Python"], ["---"] * (len(COLUMNS) + 2)]
    for name, constraints in (("lowest", LOWEST), ("newest", NEWEST)):
        versions = pins(constraints)
        ran = pythons() if name == "newest" else pythons()[:1]
        # The first runs the session of this name, all others that of the further Pythons.
        sessions = [f"`nox -s {each}`" for each in (name, *(["pythons"] if ran[1:] else []))]
        told = [str(versions[each]) for each in COLUMNS.values()]
        rows.append([", ".join(sessions), *told, ", ".join(ran)])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines += ["", "| from Airflow | |", "|---|---|"]
    lines += [f"| {each.since} | {each.gives} |" for each in FEATURES.values() if each.gives]
    return "\n".join(lines).replace("|  |", "| |") + "\n"


def written() -> str:
    """README with the table as it should be."""
    before, begin, rest = README.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README.md has no {BEGIN.strip()} with {END.strip()} after it.")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main(command: str, *arguments: str) -> None:
    if command == "floors":
        print(*(f"{name}=={version}" for name, version in floors().items()), sep="\n")
    elif command == "installed":
        constraints = Path(arguments[0])
        if found := strays(constraints):
            sys.exit(f"Not what {constraints} says:\n" + "\n".join(found))
        versions = pins(constraints)
        print(*(f"{title} {versions[name]}" for title, name in COLUMNS.items()), sep=", ")
    elif command == "write":
        README.write_text(written())
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["help"]))
