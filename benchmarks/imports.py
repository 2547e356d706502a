# SPDX-License-Identifier: Apache-2.0

"""What importing our operators costs, beside the Amazon provider's own for the same service.

``python -m benchmarks.imports`` prints CPU seconds, the median of several processes.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

_AMAZON = "airflow.providers.amazon.aws.operators.eventbridge"
_OURS = "airflow_provider_jobs.operators.eventbridge"
_RUNS = 7


def seconds(*modules: str) -> float:
    """Return the CPU seconds that importing the last module takes once the others are there."""
    *before, last = modules
    code = "\n".join(
        [
            "import importlib, time",
            *(f"importlib.import_module({module!r})" for module in before),
            "began = time.process_time()",
            f"importlib.import_module({last!r})",
            "print(time.process_time() - began)",
        ]
    )
    runs = [
        subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True)
        for _ in range(_RUNS)
    ]
    return statistics.median(float(run.stdout.split()[-1]) for run in runs)


def main() -> None:
    """Print the table."""
    amazon = seconds(_AMAZON)
    ours = seconds(_AMAZON, _OURS)
    print(f"{'the Amazon provider, from nothing':<40} {amazon * 1000:8.0f} ms")
    print(f"{'ours, on top of it':<40} {ours * 1000:8.0f} ms   {ours / amazon:.1%}")


if __name__ == "__main__":
    main()
