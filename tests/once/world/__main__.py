# SPDX-License-Identifier: Apache-2.0

"""Explores all there is, in as many processes as there are cores: ``make explore``.

All pairs of events in all settings; in the variations and with the additions one pair in four.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from once.world.airflow import Setting
from once.world.explore import Result, explore
from once.world.settings import ADDITIONS, SETTINGS, VARIATIONS

JOBS: tuple[tuple[Setting, int, int], ...] = (
    *((setting, 2, 1) for setting in SETTINGS),
    *((setting, 2, 4) for setting in (*VARIATIONS, *ADDITIONS)),
)


def _explore(job: tuple[Setting, int, int]) -> Result:
    setting, events, every = job
    return explore(setting, events, every=every, enough=20)


def main() -> int:
    began, total = time.perf_counter(), Result()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for (setting, events, every), result in zip(JOBS, pool.map(_explore, JOBS), strict=True):
            print(f"{events} events, 1 in {every}: {result} [{setting}]", flush=True)
            total.states += result.states
            total.histories += result.histories
            total.seconds += result.seconds
            total.found += result.found
    print(f"In {time.perf_counter() - began:.0f} s: {total}")
    for counterexample in total.found:
        print(counterexample)
    return 1 if total.found else 0


if __name__ == "__main__":
    sys.exit(main())
