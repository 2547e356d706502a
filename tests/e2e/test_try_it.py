# SPDX-License-Identifier: Apache-2.0

"""docs/try-it.md: every command of the page, in its order, in an Airflow with no DAG of ours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres import postgres

from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

from .conftest import PRELOADED

pytestmark = [pytest.mark.e2e, pytest.mark.extended]

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "try-it.md").read_text()
#: The page's commands; the first installs what is installed here, and the server's has another port.
INSTALL, PROVIDER, SERVER, FILL, CONNECT, ADD_DAG, BACKFILL, SHOW, CLEAN_UP = re.findall(
    r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL
)
DAYS = ("2026-01-08", "2026-01-09", "2026-01-10")
PORT = "5000"


class Reader:
    """Somebody who follows the page in a copy of its files, whose server has the port that is free."""

    def __init__(self, airflow: LocalAirflow, server: AwsJobsServer, folder: Path) -> None:
        self._port = server.url.rpartition(":")[2]
        self._folder = folder
        (folder / "docs" / "try_it").mkdir(parents=True)
        for file in (REPOSITORY / "docs" / "try_it").glob("*.py"):
            text = file.read_text().replace(PORT, self._port)
            (folder / "docs" / "try_it" / file.name).write_text(text)
        commands = Path(sys.executable).parent
        self._env = {
            **os.environ,
            **PRELOADED,
            "AIRFLOW_HOME": str(airflow.home),
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        }

    def types(self, commands: str) -> str:
        """Run commands of the page; returns what they print."""
        done = subprocess.run(
            ["bash", "-ec", commands.replace(PORT, self._port)],
            cwd=self._folder,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def server() -> Iterator[AwsJobsServer]:
    """What the page's command starts."""
    assert f"python -m {AwsJobsServer.__module__} --port {PORT}\n" == SERVER
    with AwsJobsServer() as server:
        yield server


def test_a_reader_gets_what_the_page_says(server: AwsJobsServer, tmp_path: Path) -> None:
    dags = tmp_path / "dags"
    dags.mkdir()
    assert INSTALL == 'pip install ".[testing]"\n'
    # Not SQLite, which refuses a command that comes while another process writes.
    with postgres() as url, LocalAirflow(dags, PRELOADED, database=url) as airflow:
        reader = Reader(airflow, server, tmp_path / "checkout")
        assert "airflow-provider-jobs" in reader.types(PROVIDER)
        reader.types(FILL)
        reader.types(CONNECT)
        reader.types(ADD_DAG)
        reader.types(BACKFILL)
        airflow.wait_for(
            lambda: [run["state"] for run in airflow.runs("try_replay")] == ["success"] * 3,
            timeout=120,
            what="three replays",
        )
        shown = reader.types(SHOW).splitlines()
        assert [line.split()[:2] for line in shown] == [[day, "COMPLETED"] for day in DAYS]
        said = PAGE.split(SHOW)[1].split("```\n")[2].splitlines()
        # Digests, and the time of the run, are others each time.
        assert [re.sub(r"\w{6,}", "", line) for line in shown] == [
            re.sub(r"\w{6,}", "", line) for line in said
        ]
        assert [job["events_replayed"] for job in server.jobs("events")] == [24] * 3
        reader.types(CLEAN_UP)
        assert list(dags.glob("*.py")) == []
