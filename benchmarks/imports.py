# SPDX-License-Identifier: Apache-2.0

"""What importing our operators costs a process that runs tasks, beside the Amazon provider's own operators.

``python -m benchmarks.imports`` prints CPU time, the median of several processes.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

#: What a process has imported before it reads a DAG file.
_AIRFLOW = "airflow.sdk.execution_time.task_runner"
_AMAZON = "airflow.providers.amazon.aws.operators.eventbridge"
_OURS = "airflow_provider_jobs.operators.eventbridge"
_OUR_HOOK = "airflow_provider_jobs.hooks.eventbridge"
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
    rows = {
        "the Amazon provider's operators": seconds(_AIRFLOW, _AMAZON),
        "ours": seconds(_AIRFLOW, _OURS),
        "our hook on top, where a task calls": seconds(_AIRFLOW, _OURS, _OUR_HOOK),
    }
    for what, took in rows.items():
        print(f"{what:<40} {took * 1000:8.0f} ms")


if __name__ == "__main__":
    main()
