# SPDX-License-Identifier: Apache-2.0

"""All benchmarks, one after another, and their tables in one file: ``python -m benchmarks [NAME ...]``.

The file begins with the machine and the versions. One that fails ends the run; what was measured before is
kept.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

#: What is run, by what it is called here; the options are those of README.md.
ALL = {
    "waits": "benchmarks.waits",
    "imports": "benchmarks.imports",
    "must_hold": "benchmarks.must_hold",
    "pipelines": "benchmarks.pipelines",
    "whole_task": "benchmarks.whole_task",
    "turns": "benchmarks.turns",
    "backfill": "benchmarks.backfill",
    "backfill_2": "benchmarks.backfill --triggerers 2",
}
_PACKAGES = (
    "apache-airflow",
    "apache-airflow-providers-amazon",
    "airflow-provider-jobs",
    "boto3",
    "botocore",
    "moto",
)
_FILE = Path("build/benchmarks.md")


def main() -> None:
    """Run them and write the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(ALL)}; all by default")
    names = parser.parse_args().names or list(ALL)
    if unknown := set(names) - set(ALL):
        parser.error(f"There is no benchmark {', '.join(sorted(unknown))}.")
    _FILE.parent.mkdir(exist_ok=True)
    with _FILE.open("w") as file:
        for line in (*machine(), *(line for name in names for line in run(ALL[name]))):
            for stream in (file, sys.stdout):
                print(line, file=stream, flush=True)


def machine() -> Iterator[str]:
    """Say what is measured, and on what."""
    yield f"{time.strftime('%Y-%m-%d')}: {os.cpu_count()} cores, {processor()}, {platform.platform()}"
    yield f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in _PACKAGES)


def processor() -> str:
    """Return the processor's name, or only its kind where Linux does not tell the name."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def run(command: str) -> Iterator[str]:
    """Run one, and give its lines as they come; what it reports on its way goes to standard error.

    :raises SystemExit: if it fails
    """
    yield from ("", f"## python -m {command}", "", f"load average {os.getloadavg()[0]:.1f} at first", "")
    with subprocess.Popen(
        [sys.executable, "-m", *command.split()], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield line.rstrip("\n")
    if process.returncode:
        sys.exit(f"{command} failed: exit code {process.returncode}.")


if __name__ == "__main__":
    main()
