# SPDX-License-Identifier: Apache-2.0

"""What is published: the source distribution is the repository, the wheel is the package."""

from __future__ import annotations

import email
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from pathlib import Path
from typing import NamedTuple

import pytest

from airflow_provider_jobs import __version__

REPOSITORY = Path(__file__).parents[2]
NAME = f"airflow_provider_jobs-{__version__}"


class Distributions(NamedTuple):
    sdist: Path
    wheel: Path

    @property
    def sdist_files(self) -> set[str]:
        with tarfile.open(self.sdist) as archive:
            return {name.removeprefix(f"{NAME}/") for name in archive.getnames()}

    @property
    def wheel_files(self) -> set[str]:
        return set(zipfile.ZipFile(self.wheel).namelist())

    @property
    def metadata(self) -> Message:
        return email.message_from_bytes(zipfile.ZipFile(self.wheel).read(f"{NAME}.dist-info/METADATA"))


for tool in ("build", "hatchling"):
    pytest.importorskip(tool, reason=f"needs {tool}, which is no part of the lowest versions' environment")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """The source distribution, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return Distributions(folder / f"{NAME}.tar.gz", folder / f"{NAME}-py3-none-any.whl")


def test_the_source_distribution_is_the_repository(built: Distributions) -> None:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("this is no git checkout: nothing tells what belongs to the repository")
    command = ["git", "-c", "safe.directory=*", "ls-files"]
    listed = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    assert built.sdist_files == {*listed.stdout.split("\n"), "PKG-INFO"} - {""}, "commit, or ignore"


def test_the_wheel_is_the_package_and_nothing_else(built: Distributions) -> None:
    package = {name for name in built.sdist_files if name.startswith("airflow_provider_jobs/")}
    notice = "airflow_provider_jobs/service_models/NOTICE"
    licenses = ("licenses/LICENSE", f"licenses/{notice}")
    about = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", *licenses)
    assert built.wheel_files == package | {f"{NAME}.dist-info/{name}" for name in about}
    suffixes = {Path(name).suffix for name in package}
    assert suffixes == {".json", ".py", ".typed", ""}
    assert {name for name in package if not Path(name).suffix} == {notice}
    data = {Path(name).name for name in package if name.endswith(".json")}
    assert data == {"paginators-1.json", "service-2.json", "facets-1-0-0.json"}
    for needed in ("py.typed", "get_provider_info.py", "testing/pytest_plugin.py"):
        assert f"airflow_provider_jobs/{needed}" in package


def test_the_metadata(built: Distributions) -> None:
    metadata = built.metadata
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert metadata["Name"] == project["name"]
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "Apache-2.0"
    notice = "airflow_provider_jobs/service_models/NOTICE"
    assert metadata.get_all("License-File") == ["LICENSE", notice]
    assert metadata["Requires-Python"] == project["requires-python"]
    named = set(metadata.get_all("Classifier", ()))
    known = pytest.importorskip("trove_classifiers", reason="distributions are built on the newest versions")
    assert named <= known.classifiers
    assert {"Framework :: Apache Airflow", "Framework :: Apache Airflow :: Provider"} <= named


def test_the_readme_on_a_package_index_has_no_link_into_the_repository(built: Distributions) -> None:
    description = built.metadata.get_payload()
    assert isinstance(description, str)
    targets = re.findall(r"\]\(([^)]*)\)", description)
    assert targets
    assert not [target for target in targets if not target.startswith("https://")]
    assert "How it works" in description


def test_the_changelog_begins_with_this_version() -> None:
    headings = re.findall(r"^## (.+)$", (REPOSITORY / "CHANGELOG.md").read_text(), re.MULTILINE)
    found = [
        re.fullmatch(r"(\d+)\.(\d+)\.(\d+) \u2013 (unreleased|\d{4}-\d\d-\d\d)", each) for each in headings
    ]
    assert all(found), headings
    versions = [tuple(map(int, each.groups()[:3])) for each in found if each]
    assert versions == sorted(set(versions), reverse=True)
    assert ".".join(map(str, versions[0])) == __version__


def test_the_version_is_written_in_one_place() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert "version" in project["dynamic"]
    written = [
        path
        for path in (REPOSITORY / "airflow_provider_jobs").rglob("*.py")
        if f'"{__version__}"' in path.read_text()
    ]
    assert [path.name for path in written] == ["__init__.py"]
