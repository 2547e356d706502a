# SPDX-License-Identifier: Apache-2.0

"""What a release leaves in Airflow's database and at AWS, read by the release of now.

The data below was kept from 0.1.0. A release adds its own and changes none of it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from airflow.providers.common.compat.module_loading import import_string

from airflow_provider_jobs._once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs._once.fingerprint import Fingerprint, Likeness
from airflow_provider_jobs._once.identity import Identity, Life
from airflow_provider_jobs._once.mark import Mark
from airflow_provider_jobs._once.steps import Carried
from airflow_provider_jobs.job import JobState, JobStatus
from airflow_provider_jobs.operators.start import StartJobOperator

TASK = Identity("orders", "scheduled__2026-01-02T00:00:00+00:00", "replay")
STARTED = "2026-01-02T00:00:01+00:00"
ROWS: dict[str, Any] = json.loads(
    """
    {"version": 1, "identity": "c4b5ecb15a1f", "whole": true, "attempts": [
      {"number": 1, "started": "abcdef", "max_tries": 3, "clear_number": 0, "fingerprint": "1781293",
       "dag_version": "0199-a", "scope": "", "given": "", "at": "2026-01-02T00:00:02+00:00",
       "since": "2026-01-02T00:00:02+00:00", "before": [], "job_id": "orders.replay-1", "shared": false,
       "spent": 12.5, "a key of a later release": 1}]}
    """
)
HOOK = {
    "hook_class": "airflow_provider_jobs.hooks.eventbridge.EventBridgeReplayHook",
    "hook_parameters": {"aws_conn_id": "aws_default", "region_name": None},
    "job_id": "orders.replay-1",
    "poll_interval": 30,
}
TRIGGERS: list[tuple[str, dict[str, Any]]] = [
    (
        "airflow_provider_jobs.triggers.job.JobTrigger",
        {
            **HOOK,
            "deadline": "2026-01-02T01:00:00+00:00",
            "cancel_on_kill": True,
            "shared": False,
            "settling_time": 60.0,
        },
    ),
    (
        "airflow_provider_jobs.triggers.job.JobTrigger",
        {
            **HOOK,
            "deadline": None,
            "cancel_on_kill": False,
            "shared": True,
            "settling_time": 60.0,
            "seen": True,
            "started_at": "2026-01-02T00:00:00+00:00",
        },
    ),
    ("airflow_provider_jobs.triggers.queue.QueueTrigger", {**HOOK, "scope": "", "since": 1767312000.0}),
    ("airflow_provider_jobs.triggers.delay.DelayTrigger", {"seconds": 30.0}),
]


@pytest.mark.parametrize(("path", "arguments"), TRIGGERS)
def test_triggers_are_rebuilt(path: str, arguments: dict[str, Any]) -> None:
    trigger = import_string(path)(**arguments)
    found, now = trigger.serialize()
    assert found == path
    # A later release may add arguments, and takes those of this one as they are.
    assert now.items() >= arguments.items()
    assert import_string(path)(**now).serialize() == (path, now)


def test_the_methods_that_a_deferral_names_are_there() -> None:
    assert callable(StartJobOperator.execute_complete)
    assert callable(StartJobOperator.execute_after_wait)


def test_log_rows_are_read_and_unknown_keys_ignored() -> None:
    log = AttemptLog.open(ROWS, first_try=False, identity="c4b5ecb15a1f")
    (attempt,) = log.attempts
    assert (attempt.number, attempt.job_id, attempt.spent) == (1, "orders.replay-1", 12.5)
    assert attempt.life == Life("abcdef", 3, 0)
    kept = {key: value for key, value in ROWS["attempts"][0].items() if not key.startswith("a key")}
    assert log.to_json() == {**ROWS, "attempts": [kept]}


@pytest.mark.parametrize("rows", [None, {"version": 2}, {"attempts": []}, "text"])
def test_rows_that_cannot_be_read_count_as_lost(rows: Any) -> None:
    assert AttemptLog.open(rows, first_try=False) == AttemptLog(whole=False)


def test_rows_of_another_identity_are_not_this_task_s() -> None:
    log = AttemptLog.open(ROWS, first_try=False, identity="0123456789ab")
    assert (log.attempts, log.whole) == ((), True)


def test_marks_are_read() -> None:
    name = f"orders.replay-{TASK.digest}-1abcdef.3.0.2-1781293"
    mark = Mark(TASK.digest, Life("abcdef", 3, 0), 2, Fingerprint("1781293"))
    assert Mark.of_name(name, TASK, 64) == mark
    assert mark.name(TASK, 64) == name
    text = f"what the user wrote [airflow:{TASK.digest}/1abcdef.3.-.2-1781293]"
    assert Mark.of_text(text) == Mark(TASK.digest, Life("abcdef", 3, None), 2, Fingerprint("1781293"))


def test_a_token_is_the_same_after_the_clear_of_another_task() -> None:
    (attempt,) = AttemptLog.open(ROWS, first_try=False, identity="c4b5ecb15a1f").attempts
    token = attempt.token(TASK, 64)
    assert token == f"orders.replay-{TASK.digest}-1abcdef.3.-.1-1781293"
    cleared = replace(attempt, life=replace(attempt.life, clear_number=1))
    assert cleared.token(TASK, 64) == token != replace(attempt, number=2).token(TASK, 64)


def test_a_token_has_38_characters_or_more_and_fits_into_48() -> None:
    shortest = Attempt(1, Life("abcdef", 0, 0), Fingerprint("1781293"))
    assert len(shortest.token(Identity("a", "run", "b"), 256)) == 38
    longest = Attempt(9999, Life("abcdef", 9999, 0), Fingerprint("1781293"))
    assert len(longest.token(Identity("a" * 200, "run", "b"), 48)) <= 48


def test_a_description_that_quotes_a_mark_has_its_own_at_its_end() -> None:
    other = Mark("0123456789ab", Life("abcdef", 3, 0), 1, Fingerprint("1781293"))
    own = Mark(TASK.digest, Life("abcdef", 3, 0), 2, Fingerprint("1781293"))
    quoting, quoted = f"as {other.text} {own.text}", f"as {own.text} {other.text}"
    assert (Mark.of_text(quoting), Mark.names_identity(quoting, TASK)) == (own, True)
    assert (Mark.of_text(quoted), Mark.names_identity(quoted, TASK)) == (other, False)


def test_a_mark_of_a_later_release_is_this_task_s_and_not_read() -> None:
    text = f"[airflow:{TASK.digest}/9zzz]"
    assert Mark.of_text(text) is None
    assert Mark.names_identity(text, TASK)


def test_names_fit_and_hold_only_what_aws_allows() -> None:
    long = Identity("söme dag/" * 20, "run", "task")
    mark = Mark(long.digest, Life("abcdef", 9999, 9999), 9999, Fingerprint("1781293"))
    name = mark.name(long, 64)
    assert len(name) <= 64
    assert name.isascii()
    assert Mark.of_name(name, long, 64) == mark


def test_what_identifies_a_task_and_its_life_stays_as_it_is() -> None:
    """Another digest would lose sight of all jobs."""
    assert TASK.digest == "41a40e47047a"
    assert Identity("orders", TASK.run_id, "replay", 4, "staging").digest == "967bdb6052ed"
    assert Life.of(STARTED, 3, 0).started == "c55mzi"


def test_a_fingerprint_of_another_way_counts_as_equal() -> None:
    facts = {"archive": "orders", "rules": frozenset({"b", "a"}), "empty": None}
    assert Fingerprint.of(facts) == Fingerprint.of(dict(reversed(facts.items())))
    assert Fingerprint.of(facts).text == "1413166"
    assert Fingerprint("2000000").likeness(Fingerprint("1781293"), "a", "b") is Likeness.SAME


def test_what_a_try_keeps_over_a_wait_is_read() -> None:
    kept = {"version": 1, "first_at": STARTED, "stopped": {"job": True}, "log": None}
    assert Carried.from_json(kept).to_json() == kept
    assert Carried.from_json({**kept, "version": 2}) == Carried()


def test_an_event_is_read() -> None:
    status = JobStatus("r-1", JobState.RUNNING, "RUNNING")
    assert JobStatus.from_json({**status.to_json(), "a key of a later release": 1}) == status
