# SPDX-License-Identifier: Apache-2.0

"""The unit tests on the oldest and on the newest versions that we support.

``nox -s lowest`` and ``nox -s newest``; arguments after ``--`` go to pytest. ``make lowest`` and ``make
unit`` set nox up and run them, and ``make service-model`` a comparison with botocore's last model.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.10.14"
nox.options.default_venv_backend = "uv"
nox.options.sessions = ["lowest", "newest"]
# Environments are kept: packages that have the right version already are not installed again.
nox.options.reuse_venv = "yes"


def unit_tests(session: nox.Session, constraints: str, tools: Path, marks: str) -> None:
    """Check that what is installed is what the constraints say, and run the tests on it.

    :param tools: the folder of the environment's programs.
    :param marks: which tests, by their marks.
    """
    session.run(str(tools / "python"), "tests/support.py", "installed", constraints, external=True)
    session.run(str(tools / "pytest"), "-m", marks, *(session.posargs or ["-n", "auto"]), external=True)


@nox.session
def lowest(session: nox.Session) -> None:
    """The oldest Airflow, with the lowest version of everything that we depend on directly."""
    session.install(
        # uv compiles nothing by itself, and then every test process compiles Airflow anew.
        "--compile-bytecode",
        "--constraint",
        "constraints-lowest.txt",
        # The package is built and installed anew each time, so that the wheel is what is tested.
        "--reinstall-package",
        "airflow-provider-jobs",
        ".[testing]",
        "--group",
        "unit",
    )
    unit_tests(session, "constraints-lowest.txt", Path(session.bin), "not e2e")


@nox.session(name="service-model")
def service_model(session: nox.Session) -> None:
    """Our model of IoT Analytics beside the last one that botocore had; it needs no Airflow."""
    session.install("boto3==1.42.50", "botocore==1.42.50", "pytest")
    session.install("--no-deps", "--reinstall-package", "airflow-provider-jobs", ".")
    session.run("pytest", "--noconftest", *(session.posargs or ["tests/test_service_models.py"]))


@nox.session(venv_backend="none")
def newest(session: nox.Session) -> None:
    """The newest of everything, in the environment that nox is in: what ``make`` has set up."""
    unit_tests(session, "constraints.txt", Path(sys.executable).parent, "not e2e and not extended")
