# SPDX-License-Identifier: Apache-2.0

"""What a wait makes of what it hears: a pure judgement, shown by a table and by random stories."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_jobs._watch.patience import Outlook, Patience
from airflow_provider_jobs.error_codes import (
    ACCESS_CODES,
    CREDENTIAL_CODES,
    NEVER_VALID_CODES,
    THROTTLING_CODES,
)
from airflow_provider_jobs.exceptions import (
    JobError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
    JobRefusedError,
    JobUnavailableError,
)
from airflow_provider_jobs.job import JobState, JobStatus

#: AWS's time at the steady clock's zero.
ZERO = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
SETTLING = 60.0
ENDED, WAITS, HOPELESS = Outlook.ENDED, Outlook.WAITS, Outlook.HOPELESS


def status(state: JobState = JobState.RUNNING, started_at: datetime | None = None) -> JobStatus:
    return JobStatus("job", state, state.name, started_at=started_at)


RUNNING, DONE = status(), status(JobState.SUCCEEDED)
GONE, INVALID = JobNotFoundError("no such job"), JobInputError("no such id")
DENIED = JobRefusedError("denied", "AccessDeniedException")
DROP = JobUnavailableError("dropped", "ConnectionClosedError", concerns_all=True)
HTML = JobUnavailableError("no JSON", "UnreadableAnswer")


def hear(patience: Patience, *updates: Any, at: float = 0.0, aws: bool = True) -> list[Outlook]:
    """What follows from each update; all at one moment, or each second from then on."""
    return [
        patience.hear(
            update, now=at + number, aws_now=ZERO + timedelta(seconds=at + number) if aws else None
        ).outlook
        for number, update in enumerate(updates)
    ]


@dataclass(frozen=True)
class Row:
    """A story.

    :param updates: what the polls say, one a second.
    :param outlooks: what follows from the last of them; all before only wait.
    :param given: of the wait.
    :param at: when the first poll is, in seconds after the wait began.
    """

    updates: tuple[Any, ...]
    outlook: Outlook
    given: dict[str, Any]
    at: float = 0.0
    aws: bool = True


TABLE = {
    "running": Row((RUNNING,), WAITS, {}),
    "ended": Row((RUNNING, DONE), ENDED, {}),
    "ended at once": Row((DONE,), ENDED, {}),
    "failed": Row((status(JobState.FAILED),), ENDED, {}),
    "being stopped": Row((status(JobState.STOPPING),), WAITS, {}),
    "gone, settled": Row((GONE,), HOPELESS, {}),
    "gone, just started": Row((GONE,), WAITS, {"settling_time": SETTLING}),
    "gone, began long ago": Row((GONE,), HOPELESS, {"settling_time": SETTLING}, at=SETTLING),
    "gone, started long ago": Row(
        (GONE,), HOPELESS, {"settling_time": SETTLING, "started_at": ZERO - timedelta(seconds=SETTLING)}
    ),
    # AWS's times tell it where they are known: the wait may have begun earlier or later than the job.
    "gone, started just now, began long ago": Row(
        (GONE,), WAITS, {"settling_time": SETTLING, "started_at": ZERO + timedelta(seconds=3000)}, at=3010
    ),
    "gone, started long ago, AWS's clock not known": Row(
        (GONE,),
        WAITS,
        {"settling_time": SETTLING, "started_at": ZERO - timedelta(seconds=SETTLING)},
        aws=False,
    ),
    "seen in the wait, then gone": Row((RUNNING, GONE), WAITS, {"settling_time": SETTLING}),
    "seen before, then gone": Row((GONE,), WAITS, {"settling_time": SETTLING, "seen": True}),
    "started long ago as AWS shows, then gone": Row(
        (status(started_at=ZERO - timedelta(hours=1)), GONE), HOPELESS, {"settling_time": SETTLING}
    ),
    "invalid": Row((INVALID,), HOPELESS, {}),
    "invalid after a drop": Row((DROP, HTML, INVALID), HOPELESS, {}),
    "invalid, seen before the wait": Row((INVALID,), WAITS, {"seen": True}),
    "invalid, seen in the wait": Row((RUNNING, INVALID), WAITS, {}),
    "invalid, seen in the wait, AWS's clock not known": Row((RUNNING, INVALID), WAITS, {}, aws=False),
    "denied once": Row((DENIED,), WAITS, {}),
    "denied twice": Row((DENIED, DENIED), WAITS, {}),
    "denied three times": Row((DENIED,) * 3, HOPELESS, {}),
    "denied three times, seen before": Row((DENIED,) * 3, HOPELESS, {"seen": True}),
    "denied, but not in a row": Row((DENIED, DENIED, RUNNING, DENIED, DENIED), WAITS, {}),
    "denied, a drop between": Row((DENIED, DENIED, DROP, DENIED, DENIED), WAITS, {}),
    "dropped for long": Row((DROP,) * 50, WAITS, {}),
    "unreadable for long": Row((HTML,) * 50, WAITS, {}),
    "limit exceeded": Row((JobQuotaError("no room"),) * 5, WAITS, {}),
    "a hook's own error": Row((JobError("odd"),) * 5, WAITS, {}),
    "another exception": Row((KeyError("odd"),) * 5, WAITS, {}),
    **{
        f"{code} for long": Row((JobRefusedError("refused", code),) * 5, WAITS, {})
        for code in sorted((CREDENTIAL_CODES | THROTTLING_CODES) - NEVER_VALID_CODES)
    },
    **{
        f"{code}, seen before": Row((JobRefusedError("refused", code),) * 5, WAITS, {"seen": True})
        for code in sorted(NEVER_VALID_CODES)
    },
    **{
        f"{code}, never answered": Row((DROP, JobRefusedError("refused", code)), HOPELESS, {})
        for code in sorted(NEVER_VALID_CODES)
    },
    **{
        f"{code} for long": Row((JobRefusedError("refused", code),) * 3, HOPELESS, {})
        for code in sorted(ACCESS_CODES)
    },
}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_what_follows(row: Row) -> None:
    *before, last = hear(Patience("job", **row.given), *row.updates, at=row.at, aws=row.aws)
    assert set(before) <= {WAITS}
    assert last is row.outlook


UPDATES = st.sampled_from(
    [
        RUNNING,
        status(JobState.STOPPING),
        GONE,
        INVALID,
        DENIED,
        DROP,
        HTML,
        JobQuotaError("no room"),
        KeyError("odd"),
        status(started_at=ZERO),
        DONE,
    ]
)


@given(
    updates=st.lists(st.tuples(UPDATES, st.floats(0, 100), st.booleans()), max_size=12),
    seen=st.booleans(),
    settling_time=st.sampled_from([0.0, SETTLING, 1e6]),
    started=st.sampled_from([None, ZERO, ZERO - timedelta(days=1)]),
)
@settings(max_examples=100, deadline=None)
def test_a_wait_ends_by_proof_alone(
    updates: list[tuple[Any, float, bool]], seen: bool, settling_time: float, started: datetime | None
) -> None:
    """In any story: an end is the job's own, or what was heard proves that there is nothing to wait for."""
    patience = Patience("job", seen=seen, settling_time=settling_time, started_at=started)
    now, shown, denied, answered = 0.0, seen, 0, False
    for update, later, clock in updates:
        now += later
        heard = patience.hear(update, now=now, aws_now=ZERO + timedelta(seconds=now) if clock else None)
        denied = denied + 1 if update is DENIED else 0
        if isinstance(update, JobStatus):
            assert heard.outlook is (ENDED if update.state.ended else WAITS)
            assert patience.job is update
            shown = True
        elif heard.outlook is HOPELESS:
            proven = (
                (update is GONE and (now >= settling_time or (clock and started is not None)))
                or (update is INVALID and not shown)
                or denied >= 3
            )
            # A start that AWS has shown counts as well.
            assert proven or (update is GONE and clock)
        else:
            assert heard.outlook is WAITS
            assert denied < 3
            assert not (update is GONE and settling_time == 0)
            assert not (update is INVALID and not shown and not answered)
        answered |= update is GONE
        if heard.outlook is not WAITS:
            return


@pytest.mark.parametrize("code", sorted(CREDENTIAL_CODES))
def test_credentials_may_be_refused_for_twelve_hours_on_end(code: str) -> None:
    refused, hour = JobRefusedError("refused", code), 3600.0
    patience = Patience("job", seen=True)
    for at in (0.0, hour, 11.9 * hour):
        assert hear(patience, refused, at=at) == [WAITS]
    assert hear(patience, RUNNING, at=11.95 * hour) == [WAITS]
    for at in (13 * hour, 24.9 * hour):
        assert hear(patience, refused, at=at) == [WAITS]
    assert hear(patience, DROP, at=24.95 * hour) == [WAITS]
    assert hear(patience, refused, at=24.99 * hour) == [WAITS]
    assert hear(patience, refused, at=37 * hour) == [HOPELESS]


def test_the_line_says_since_when_nothing_was_heard() -> None:
    patience = Patience("job")
    patience.hear(RUNNING, now=0, aws_now=ZERO)
    first = patience.hear(DROP, now=1, aws_now=ZERO)
    assert first.line == "job: the poll failed; polling again later: dropped"
    second = patience.hear(HTML, now=2, aws_now=ZERO)
    assert second.line == (
        "job: no answer from AWS since 2026-01-01 12:00:00 UTC in 2 polls; the last poll failed: no JSON"
    )
    assert patience.silence() == second.line
    assert "failed" not in patience.hear(RUNNING, now=3, aws_now=ZERO).line
    assert patience.trouble == ""


def test_a_wait_that_never_heard_of_its_job_says_so() -> None:
    patience = Patience("job")
    assert patience.silence() == "job: no answer from AWS since the beginning"
    patience.hear(DROP, now=1, aws_now=None)
    assert "since the beginning in 1 polls; the last poll failed: dropped" in patience.silence()


def test_the_news_is_the_same_while_only_time_passes() -> None:
    patience = Patience("job")
    lines = [patience.hear(DROP, now=number, aws_now=None) for number in range(5)]
    assert len({heard.news for heard in lines}) == 1
    assert len({heard.line for heard in lines[1:]}) == 4
    assert patience.hear(HTML, now=9, aws_now=None).news != lines[0].news
