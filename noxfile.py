# SPDX-License-Identifier: Apache-2.0

"""The unit tests on the oldest and on the newest versions that we support, each in an environment of its own.

``nox -s lowest`` and ``nox -s newest``; arguments after ``--`` go to pytest. ``nox -s newest
--force-python 3.12`` takes another interpreter, which must be installed; a path to one will do.
"""

from __future__ import annotations

import nox

nox.needs_version = ">=2025.10.14"
nox.options.default_venv_backend = "uv"
# Interpreters are taken as they are installed, not fetched.
nox.options.download_python = "never"
nox.options.sessions = ["lowest", "newest"]
# Environments are kept: packages that have the right version already are not installed again.
nox.options.reuse_venv = "yes"


def unit_tests(session: nox.Session, constraints: str, extras: str) -> None:
    """Install what the constraints say, look whether that is what came, and run the tests on it."""
    session.install(
        # uv compiles nothing by itself, and then every test process compiles Airflow anew.
        "--compile-bytecode",
        "--constraint",
        constraints,
        # The package is built and installed anew each time, so that the wheel is what is tested.
        "--reinstall-package",
        "airflow-provider-jobs",
        f".[{extras}]",
    )
    session.run("python", "tests/support.py", "installed", constraints)
    session.run("pytest", "-m", "not e2e", *(session.posargs or ["-n", "auto"]))


@nox.session
def lowest(session: nox.Session) -> None:
    """The oldest Airflow, with the lowest version of everything that we depend on directly."""
    unit_tests(session, "constraints-lowest.txt", "testing,unit")


@nox.session
def newest(session: nox.Session) -> None:
    """The newest of everything."""
    unit_tests(session, "constraints.txt", "dev")
