# SPDX-License-Identifier: Apache-2.0

"""Counts what became of the payments: archived, tried, replayed, failed, redriven, taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from demo.act import Aws, Outcome
from demo.bus import waiting, windows_of_replays
from demo.payments import DEAD, DEAD_ARN, QUEUE, Payment
from demo.tally import Tally, Window, compare

# As in the example DAGs.
ARCHIVE, TRIAL_QUEUE = "payments", "payments-trial"
#: A rule, and its queue, that must not get a payment again: its consumer writes to the customers.
MAIL = "mail"

_COLUMNS = ("Step", "Expected", "Found", "Missing", "Doubled", "Unwanted")
_QUEUES = (TRIAL_QUEUE, QUEUE, DEAD, MAIL)
#: What the log says of a window that the archive cannot have.
WARNING = "after all of the window: it has events from before that only if they came later."
#: The window of an act that has not come so far as to choose one.
NEVER = Window(datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))


@dataclass
class Found:
    """What the act has found on its way.

    :param taken: the messages that the consumer has taken, which goes on while it does
    :param published: what was put, in order
    :param window: what is replayed
    :param part: the part of it that is tried
    :param early: the window before the archive
    :param tried: the messages in the trial's queue after the trial
    :param others: how many messages all others had got by then
    :param failed: how many messages were in the dead-letter queue before the redrive
    :param checked: what the check of the replay's delivery has told
    :param told: lines of the log of the trial of the window before the archive
    """

    taken: Sequence[Mapping[str, Any]]
    published: Sequence[Payment] = ()
    window: Window = NEVER
    part: Window = NEVER
    early: Window = NEVER
    tried: Sequence[Mapping[str, Any]] = ()
    others: int = 0
    failed: int = 0
    checked: Mapping[str, Any] = field(default_factory=dict)
    told: Sequence[str] = ()

    def matched(self) -> int:
        """Return how many events the check says that the consumer's rule has matched and sent on."""
        rules = {rule["rule_name"]: rule for rule in self.checked.get("rules", ())}
        found = rules.get(QUEUE, {"matched": 0, "invoked": 0, "failed": 0})
        return min(int(found["matched"]), int(found["invoked"]) - int(found["failed"]))

    def dead(self) -> int:
        """Return how many messages the check says that the dead-letter queue has."""
        queues = self.checked.get("dead_letter_queues", ())
        return sum(row["messages_after"] or 0 for row in queues if row["queue_arn"] == DEAD_ARN)

    def payments(self, window: Window) -> list[Payment]:
        """Return the payments of a window."""
        return [payment for payment in self.published if window.holds(payment.time)]


def outcome(aws: Aws, found: Found) -> Outcome:
    """Compare what was found, and what AWS has now, with what was published."""
    replays: dict[Window, list[str]] = {}
    for name, window in windows_of_replays(aws, ARCHIVE).items():
        replays.setdefault(window, []).append(name)
    redrives = aws.server.jobs("sqs")
    whole = found.payments(found.window)
    failing = sum(payment.currency == "JPY" for payment in whole)
    archives = aws.client("events").list_archives(NamePrefix=ARCHIVE)["Archives"]
    archived = sum(archive["EventCount"] for archive in archives)
    moved = sum(job["moved"] for job in redrives)
    tried = _compare(
        "Tried: the trial's queue", found.payments(found.part), replays.get(found.part), found.tried
    )
    taken = _compare("Taken by the consumer in the end", whole, replays.get(found.window), found.taken)
    played = sum(map(len, replays.values()))
    steps = [
        _Number("Published, and kept by the archive", len(found.published), archived),
        _Number("Tried: the queues of all others", 0, found.others),
        _Number("Replayed, failed: the dead-letter queue", failing, found.failed),
        _Number("Checked: what the rule has sent on", len(whole), found.matched()),
        _Number("Checked: the dead-letter queue", failing, found.dead()),
        _Number("Redriven from the dead-letter queue", failing, moved),
        _Number("Replayed: rules that were not named", 0, waiting(aws, MAIL)),
        _Number("Left in a queue", 0, sum(waiting(aws, queue) for queue in _QUEUES)),
        _Number("Replays", 3, played),
        _Number("Redrives", 1, len(redrives)),
    ]
    problems = [step.problem() for step in steps if step.expected != step.found]
    problems += [*tried.problems(), *taken.problems()]
    if not any(WARNING in line for line in found.told):
        problems.append("The log of the trial of the day before the archive has no warning.")
    rows = [step.row() for step in steps]
    rows[1:1] = [(tried.name, *tried.numbers())]
    return Outcome(
        _COLUMNS,
        [*rows, (taken.name, *taken.numbers())],
        f"{archived:,} payments archived, {tried.received:,} of them tried, {found.others:,} seen by others "
        f"then; {len(whole):,} replayed, {found.failed:,} failed, {moved:,} redriven, {taken.received:,} "
        f"taken: {len(taken.missing):,} missing, {len(taken.doubled):,} doubled, {len(taken.outside):,} "
        f"unwanted. {played:,} replays, {len(redrives):,} redrive.",
        problems,
        counts={"payments": (len(whole), taken.received), "redriven": (failing, moved)},
    )


@dataclass(frozen=True)
class _Number:
    """A step of which only a number is known."""

    name: str
    expected: int
    found: int

    def row(self) -> tuple[str | int, ...]:
        return (self.name, self.expected, self.found, "", "", "")

    def problem(self) -> str:
        return f"{self.name}: {self.found:,}, not {self.expected:,}."


def _compare(
    step: str, wanted: Sequence[Payment], replays: Sequence[str] | None, messages: Sequence[Mapping[str, Any]]
) -> Tally:
    return compare(step, [payment.id for payment in wanted], replays or (), messages)
