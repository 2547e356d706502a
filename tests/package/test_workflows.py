# SPDX-License-Identifier: Apache-2.0

"""The workflows of a public CI: valid, safe, and the same as what must pass before a change lands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import ROOT, pythons

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text())


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in read(name)["jobs"].values() for step in job.get("steps", ())]


def made(text: str) -> set[str]:
    """The targets that make is called with."""
    return {target for found in re.findall(r"^make (.+)$", text, re.MULTILINE) for target in found.split()}


def run(*command: str | Path) -> None:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_they_fit_the_schema_of_workflows() -> None:
    pytest.importorskip("check_jsonschema", reason="make lint has it, the lowest versions' environment not")
    run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *FILES)


def test_nothing_unsafe_is_found_in_them() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    if not zizmor.exists():
        pytest.skip("make lint has zizmor, the lowest versions' environment not")
    run(zizmor, "--offline", "--no-progress", "--quiet", FOLDER)


def test_they_run_all_that_must_pass() -> None:
    """``make test`` is its two parts, each a job of its own."""
    must = made((ROOT / ".ci" / "run").read_text()) - {"test"} | {"unit", "e2e"}
    ran = {target for step in steps("ci.yml") for target in made(step.get("run", ""))}
    assert ran == must
    assert must <= TARGETS


def test_make_without_a_target_lists_all_of_them() -> None:
    listed = subprocess.run(["make", "-C", ROOT], capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    assert set(re.findall(r"^  ([\w-]+) +\S", listed, re.MULTILINE)) == set(phony[1].split())


def test_unit_tests_run_on_each_python_that_is_claimed() -> None:
    job = read("ci.yml")["jobs"]["unit"]
    tried = job["strategy"]["matrix"]["python"]
    assert set(pythons()) <= set(tried)
    claimed = json.dumps(pythons())
    assert job["continue-on-error"] == f"${{{{ !contains(fromJSON('{claimed}'), matrix.python) }}}}"


def test_nox_runs_the_unit_tests_on_each_further_python() -> None:
    further = re.search(r"^PYTHONS = (\[.*\])$", (ROOT / "noxfile.py").read_text(), re.MULTILINE)
    assert further
    tried = read("ci.yml")["jobs"]["unit"]["strategy"]["matrix"]["python"]
    assert [pythons()[0], *json.loads(further[1])] == tried


def test_what_a_job_takes_another_has_made() -> None:
    jobs = read("ci.yml")["jobs"]
    kept = {
        step["with"]["name"]: job
        for job in jobs
        for step in jobs[job]["steps"]
        if "upload-artifact" in step.get("uses", "")
    }
    assert {job for name, job in kept.items() if name.startswith("report-")} == set(jobs["shown"]["needs"])
    taken = {
        step["with"]["name"] for step in steps("release.yml") if "download-artifact" in step.get("uses", "")
    }
    assert taken == {"dist", "docs"} <= set(kept)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.name))
def test_actions_are_pinned_and_say_their_version(file: Path) -> None:
    used = re.findall(r"uses: (\S+)( # v\d+\.\d+\.\d+)?", file.read_text())
    assert used
    for action, version in used:
        assert action.startswith("./") or (re.search(r"@[0-9a-f]{40}$", action) and version), action


def test_a_release_needs_no_secret_and_waits_for_the_tests() -> None:
    assert "secrets." not in (FOLDER / "release.yml").read_text()
    jobs = read("release.yml")["jobs"]
    assert (jobs["ci"]["needs"], jobs["publish"]["needs"]) == ("version", "ci")
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert jobs["publish"]["environment"] == "release"


@pytest.mark.parametrize(
    ("tag", "text", "fits"),
    [
        ("v0.1.0", '__version__ = "0.1.0"', True),
        ("v0.1.1", '__version__ = "0.1.0"', False),
        ("v0.1.0", "## 0.1.0 \u2013 2026-12-01", True),
        ("v0.1.0", "## 0.1.0 \u2013 unreleased", False),
    ],
)
def test_a_tag_that_is_not_the_version_is_refused(tag: str, text: str, fits: bool, tmp_path: Path) -> None:
    """By the workflow's own commands, on a file with this line."""
    at = 0 if text.startswith("__") else 1
    first = [step["run"] for step in read("release.yml")["jobs"]["version"]["steps"] if "run" in step]
    command, _, file = first[at].rpartition(" ")
    (tmp_path / "line").write_text(text + "\n")
    assert (ROOT / file).is_file()
    done = subprocess.run(
        ["bash", "-ec", f"{command} {tmp_path / 'line'}"], env={"TAG": tag, "LC_ALL": "C.UTF-8"}, check=False
    )
    assert (done.returncode == 0) is fits
