# SPDX-License-Identifier: Apache-2.0

"""The decision's table, by enumeration of its function, as docs/what-happens.md shows it.

python tests/decision_table.py write    writes the page's table from the code
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from airflow_provider_jobs._once.decision import Action, Evidence, KnownJob, Sighting, action_for
from airflow_provider_jobs._once.fingerprint import Likeness

PAGE = Path(__file__).parents[1] / "docs" / "what-happens.md"
BEGIN, END = "<!-- decision: written by tests/decision_table.py -->\n", "<!-- decision end -->\n"
_SHORT = {
    Action.ADOPT: "adopt",
    Action.TAKE: "take the result",
    Action.STOP: "stop",
    Action.WAIT: "wait for its end",
    Action.SETTLE: "settle",
    Action.REFUSE: "fail, say why",
    Action.ASK: "repeat the call",
}


def cases() -> Iterator[tuple[KnownJob, bool, Action | None]]:
    """Yield every case: the job, whether it may be stopped, and what it calls for."""
    for evidence, sighting, likeness, repeatable, may_stop in product(
        Evidence, Sighting, Likeness, (False, True), (False, True)
    ):
        job = KnownJob(1, "job", evidence, sighting, likeness, repeatable)
        yield job, may_stop, action_for(job, may_stop=may_stop)


def _cell(evidence: Evidence, likeness: Likeness, sighting: Sighting) -> str:
    told: dict[str, None] = {}
    for repeatable, may_stop in product((True, False), (True, False)):
        job = KnownJob(1, "job", evidence, sighting, likeness, repeatable)
        action = action_for(job, may_stop=may_stop)
        told[_SHORT[action] if action else "-"] = None
    return " / ".join(told)


def table() -> str:
    """Return the table as Markdown; rows that are alike are one."""
    heads = [str(each) for each in Sighting]
    lines = [f"| whose job, which request | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    rows: dict[tuple[tuple[str, ...], tuple[Likeness, ...]], list[Evidence]] = {}
    for evidence in Evidence:
        alike: dict[tuple[str, ...], list[Likeness]] = {}
        for likeness in Likeness:
            cells = tuple(_cell(evidence, likeness, sighting) for sighting in Sighting)
            alike.setdefault(cells, []).append(likeness)
        for cells, which in alike.items():
            rows.setdefault((cells, tuple(which)), []).append(evidence)
    for (cells, requests), whose in rows.items():
        request = f": {' or '.join(requests)}" if len(requests) < len(Likeness) else ""
        lines.append(f"| {'; or '.join(whose)}{request} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def written() -> str:
    """Return the page with the table as the code gives it."""
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no {BEGIN.strip()} with {END.strip()} after it.")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    if sys.argv[1:] != ["write"]:
        sys.exit(__doc__)
    PAGE.write_text(written())
