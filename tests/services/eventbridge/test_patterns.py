# SPDX-License-Identifier: Apache-2.0

"""Event patterns: those that cannot work fail before any call, and a trial's match replayed events only."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_jobs._eventbridge.pattern import checked_pattern, pattern_text, replayed_only
from airflow_provider_jobs.exceptions import JobInputError

PAID: dict[str, Any] = {"source": ["shop"], "detail": {"state": ["paid", {"prefix": "re"}]}}


@pytest.mark.parametrize(
    "given",
    [
        PAID,
        {"$or": [{"source": ["a"]}, {"detail": {"b": [1, None]}}]},
        {"detail": {"total": [{"numeric": [">", 10]}]}},
    ],
)
def test_a_pattern_is_taken_as_a_dictionary_or_as_text(given: dict[str, Any]) -> None:
    assert checked_pattern(given, "event_pattern") == given
    assert checked_pattern(pattern_text(given), "event_pattern") == given


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("{", "event_pattern is no JSON: "),
        ("[]", "must be a dictionary with a field at least"),
        ({}, "must be a dictionary with a field at least"),
        (7, "must be a dictionary with a field at least"),
        ({"source": "shop"}, r"event_pattern\.source='shop' must be a list of values"),
        ({"source": []}, r"event_pattern\.source=\[\] must be a list of values"),
        ({"detail": {"state": "paid"}}, r"event_pattern\.detail\.state='paid' must be a list"),
        ({"detail": {}}, r"event_pattern\.detail=\{\} must be a dictionary with a field"),
        ({"$or": ["a"]}, r"event_pattern\.\$or='a' must be a dictionary"),
        ({"source": [object()]}, "cannot be written as JSON"),
        ({"source": ["x" * 4096]}, r"event_pattern has 4,\d+ characters; AWS takes 4,096 at most"),
    ],
)
def test_one_that_cannot_work(given: Any, told: str) -> None:
    with pytest.raises(JobInputError, match=told):
        checked_pattern(given, "event_pattern")


def test_a_trials_pattern_matches_replayed_events_only() -> None:
    assert replayed_only(None) == {"replay-name": [{"exists": True}]}
    assert replayed_only(PAID) == {**PAID, "replay-name": [{"exists": True}]}


@pytest.mark.parametrize(
    "own",
    [
        "orders-1",
        {"prefix": "orders-"},
        {"suffix": "-1"},
        {"wildcard": "o*"},
        {"equals-ignore-case": "Orders"},
        {"exists": True},
    ],
)
def test_a_condition_of_ones_own_stays(own: Any) -> None:
    assert replayed_only({**PAID, "replay-name": [own]})["replay-name"] == [own]


@pytest.mark.parametrize(
    "own", [{"exists": False}, None, {"anything-but": ["a"]}, 7, {}, {"prefix": "a", "exists": False}]
)
def test_a_condition_that_others_fit_is_refused(own: Any) -> None:
    with pytest.raises(JobInputError, match="may match events that are not replayed"):
        replayed_only({"replay-name": ["orders-1", own]})
