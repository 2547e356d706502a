# SPDX-License-Identifier: Apache-2.0

"""The unit tests on the oldest and on the newest versions that we support.

``nox -s lowest`` and ``nox -s newest``; arguments after ``--`` go to pytest. ``make lowest`` and ``make
unit`` set nox up and run them. ``make moto`` and ``make clients`` hold the mocked AWS against moto's tests
and against clients that are not boto3, and ``make service-model`` our model against botocore's last one.
``make pythons`` and ``make celery`` run what not every machine has: further Pythons, and a broker for Celery.
"""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.10.14"
nox.options.default_venv_backend = "uv"
nox.options.sessions = ["lowest", "newest"]
# Environments are kept: packages that have the right version already are not installed again.
nox.options.reuse_venv = "yes"
# A Python that is not there is told as skipped, in CI too, and is not fetched.
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False


#: Beside the one that everything else here runs on.
PYTHONS = ["3.12", "3.13"]


def unit_tests(session: nox.Session, constraints: str, tools: Path, *options: str) -> None:
    """Check that what is installed is what the constraints say, and run the tests on it.

    :param tools: the folder of the environment's programs.
    :param options: of pytest, beside those that say which tests.
    """
    session.run(str(tools / "python"), "tests/support.py", "installed", constraints, external=True)
    given = session.posargs or ["-n", "auto"]
    session.run(str(tools / "pytest"), "-m", "not e2e and not extended", *options, *given, external=True)


def install_newest(session: nox.Session, group: str) -> None:
    """Build and install the package, and a dependency group, in the versions of constraints.txt."""
    session.install(
        *("--compile-bytecode", "--constraint", "constraints.txt", "--group", group),
        *("--reinstall-package", "airflow-provider-jobs", ".[testing,openlineage]"),
    )


@nox.session
def lowest(session: nox.Session) -> None:
    """The oldest Airflow, with the lowest version of everything that we depend on directly."""
    session.install(
        # uv compiles nothing by itself, and then every test process compiles Airflow again.
        "--compile-bytecode",
        "--constraint",
        "constraints-lowest.txt",
        # The package is built and installed again each time, so that the wheel is what is tested.
        "--reinstall-package",
        "airflow-provider-jobs",
        ".[testing]",
        "--group",
        "unit",
    )
    # The mocked AWS has its own tests on the newest versions. moto's range is the same here, and the tests of
    # the package use the mocked AWS here too.
    without_kit = ("--ignore=tests/testing", "--ignore=tests/truth")
    # The model explores our own rules: it uses neither Airflow nor boto3.
    without_model = ("--ignore=tests/once/test_exploration.py", "--ignore=tests/once/test_mutants.py")
    unit_tests(session, "constraints-lowest.txt", Path(session.bin), *without_kit, *without_model)


@nox.session(name="service-model")
def service_model(session: nox.Session) -> None:
    """Our model of IoT Analytics beside the last one that botocore had; it needs no Airflow."""
    session.install("boto3==1.42.50", "botocore==1.42.50", "pytest")
    session.install("--no-deps", "--reinstall-package", "airflow-provider-jobs", ".")
    session.run("pytest", "--noconftest", *(session.posargs or ["tests/test_service_models.py"]))


@nox.session(venv_backend="none")
def newest(session: nox.Session) -> None:
    """The newest of everything, in the environment that nox is in: what ``make`` has set up."""
    unit_tests(session, "constraints.txt", Path(sys.executable).parent)


@nox.session(python=PYTHONS)
def pythons(session: nox.Session) -> None:
    """The unit tests on the newest of everything, by each further Python that is here."""
    install_newest(session, "dev")
    unit_tests(session, "constraints.txt", Path(session.bin))


@nox.session
def celery(session: nox.Session) -> None:
    """Tests of a real Airflow with Celery's workers; they need ``redis-server``."""
    install_newest(session, "celery")
    session.run("pytest", "-m", "celery", *(session.posargs or ["tests/e2e"]))


@nox.session(venv_backend="none")
def moto(session: nox.Session) -> None:
    """Moto's own tests of EventBridge and Data Pipeline, with our services in moto, as ``newest`` does."""
    tools, here = Path(sys.executable).parent, Path.cwd()
    folder = here / "build" / "moto"
    shutil.rmtree(folder, ignore_errors=True)
    # Only the source distribution has the tests.
    session.run(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "moto"),
        *("--constraint", "constraints.txt", "--dest", str(folder), "moto"),
        external=True,
    )
    [source] = folder.glob("moto-*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    unpacked = folder / source.name.removesuffix(".tar.gz")
    # moto itself is the one that is installed.
    shutil.rmtree(unpacked / "moto")
    session.chdir(unpacked)
    own = here / "tests" / "moto_own"
    session.run(
        *(str(tools / "pytest"), "-c", str(own / "pytest.ini"), "--rootdir", ".", "-p", "plugin"),
        *("-m", "not requires_docker and not network", *(session.posargs or ["-n", "auto"])),
        *("tests/test_events", "tests/test_datapipeline"),
        env={"PYTHONPATH": os.pathsep.join([str(own), os.environ.get("PYTHONPATH", "")])},
        external=True,
    )


@nox.session
def clients(session: nox.Session) -> None:
    """The table of AWS's answers, by the AWS CLI and AWS's SDK for JavaScript, where there is Node.js.

    The AWS CLI has an environment of its own, since it pins botocore; the tests run in nox's.
    """
    session.install("--requirement", "tests/clients/requirements.txt")
    environment = {"CLIENTS_CLI_PYTHON": str(Path(session.bin) / "python")}
    if shutil.which("npm"):
        folder = Path.cwd() / "build" / "clients"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy("tests/clients/package.json", folder)
        session.run(
            *("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--prefix", str(folder)),
            external=True,
        )
        environment["CLIENTS_SDK_FOLDER"] = str(folder)
    session.run(
        str(Path(sys.executable).parent / "pytest"),
        "tests/truth/test_foreign_clients.py",
        *(session.posargs or ["-n", "auto"]),
        env=environment,
        external=True,
    )
