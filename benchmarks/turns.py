# SPDX-License-Identifier: Apache-2.0

"""How well a full quota is used: replays that queue for the account's quota, in a real Airflow.

``python -m benchmarks.turns`` prints the figures; ``README.md`` says how they are measured.
"""

from __future__ import annotations

import argparse
import os
from statistics import mean

from airflow_provider_jobs.testing import AwsJobsServer
from benchmarks.whole_task import arguments_of, bench, conditions


def told(server: AwsJobsServer, arguments: argparse.Namespace) -> str:
    """Return how well the quota was used, and what that cost, as text."""
    jobs = server.jobs("events")
    if server.max_active("events") > arguments.quota or len(jobs) != arguments.jobs:
        raise RuntimeError(f"{len(jobs)} replays, {server.max_active('events')} of them at once")
    starts = sorted(float(job["started_at"]) for job in jobs)
    ends = sorted(float(job["ended_at"]) for job in jobs)
    # The n-th end makes room for the n-th start after the first ones.
    lost = [start - end for start, end in zip(starts[arguments.quota :], ends, strict=False)]
    calls = server.calls("events")
    return (
        f"quota {arguments.quota}; lost per start: {mean(lost):.1f} s, at most {max(lost):.1f} s; "
        f"quota used {arguments.seconds / (arguments.seconds + mean(lost)):.0%} of the time; "
        f"{calls['StartReplay']} StartReplay, {sum(calls.values())} calls in all"
    )


def main() -> None:
    """Run the replays and print the figures."""
    parser = arguments_of("benchmarks.turns", __doc__)
    parser.add_argument("--quota", type=int, default=10, help="replays that may run at once (%(default)s)")
    parser.add_argument("--jobs", type=int, default=60, help="replays (%(default)s)")
    parser.set_defaults(interval=5)
    arguments = parser.parse_args()
    with bench(arguments) as made:
        made.server.set_quota("events", arguments.quota)
        load = os.getloadavg()[0]
        run = made.airflow.trigger("ours")
        made.airflow.wait_run("ours", run, timeout=1800)
        figures = told(made.server, arguments)
    print(conditions(arguments, load))
    print(figures)


if __name__ == "__main__":
    main()
