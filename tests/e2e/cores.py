# SPDX-License-Identifier: Apache-2.0

"""Which processor cores the processes of a test run on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import psutil


@contextmanager
def core_of_its_own(pid: int) -> Iterator[None]:
    """Let a process and its children have a core that no other process of this test runs on.

    In a deployment a triggerer does not share its machine with the workers. Here it does, and would be late
    whenever they are busy.

    :param pid: the process.
    """
    cores = sorted(os.sched_getaffinity(0))
    own, others = cores[-1:], cores[:-1] or cores
    family = _family(pid)
    everyone = _family(os.getpid())
    _pin(family, own)
    _pin(everyone - family, others)
    try:
        yield
    finally:
        _pin(everyone | _family(os.getpid()), cores)


def _family(pid: int) -> set[int]:
    return {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))}


def _pin(pids: Iterable[int], cores: Iterable[int]) -> None:
    """Processes and threads that they start from now on have the same cores."""
    for pid in pids:
        with suppress(ProcessLookupError, FileNotFoundError):
            for thread in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(thread), cores)
