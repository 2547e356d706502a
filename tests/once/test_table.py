# SPDX-License-Identifier: Apache-2.0

"""The decision by enumeration: every kind of evidence, sighting and request, each alone and in pairs."""

from __future__ import annotations

from itertools import product

import pytest
from decision_table import PAGE, cases, table, written

from airflow_provider_jobs._once.decision import Action, Evidence, KnownJob, Sighting, action_for, decide
from airflow_provider_jobs._once.fingerprint import Likeness

OURS = (Evidence.THIS_LIFE, Evidence.IN_DOUBT, Evidence.EARLIER_LIFE)
ALIVE = (Sighting.IN_FLIGHT, Sighting.STOPPING)
UNCERTAIN = (Sighting.UNANSWERED, Sighting.UNSEEN)
STARTS = (Action.START, Action.ASK)


def test_the_page_shows_the_table() -> None:
    assert table() in PAGE.read_text()
    assert PAGE.read_text() == written()


def test_what_is_not_certainly_ours_is_neither_adopted_nor_stopped_nor_taken() -> None:
    for job, _, action in cases():
        if job.evidence not in OURS:
            assert action in (None, Action.WAIT)
        if job.evidence is Evidence.COULD_BE and job.sighting in ALIVE:
            assert action is Action.WAIT


def test_only_the_request_of_now_is_adopted_or_taken() -> None:
    for job, _, action in cases():
        if action in (Action.ADOPT, Action.TAKE, Action.ASK):
            assert job.evidence in (Evidence.THIS_LIFE, Evidence.IN_DOUBT)
            assert job.likeness in (Likeness.SAME, Likeness.UNSTABLE)


def test_nothing_is_stopped_that_may_not_be_or_whose_request_is_unclear() -> None:
    stopped = [(job, may_stop) for job, may_stop, action in cases() if action is Action.STOP]
    assert stopped
    for job, may_stop in stopped:
        assert may_stop
        assert job.sighting is Sighting.IN_FLIGHT
        assert job.evidence is Evidence.EARLIER_LIFE or job.likeness is Likeness.CHANGED


@pytest.mark.parametrize("may_stop", [False, True])
def test_nothing_is_started_beside_a_job_that_may_be_ours_and_alive(may_stop: bool) -> None:
    """Each pair of jobs, of all kinds."""
    jobs = [job for job, may, _ in cases() if may is may_stop]
    seen = set()
    for first, second in product(jobs, jobs):
        pair = [first, KnownJob(2, "other", *_rest(second))]
        decision = decide(pair, may_stop=may_stop, absence_settled=True)
        seen.add(decision.action)
        for job in pair:
            if job.evidence is Evidence.NOT_OURS:
                continue
            if job.sighting in ALIVE:
                assert decision.action not in STARTS
            if job.evidence in OURS and job.sighting in UNCERTAIN and not job.repeatable:
                assert decision.action is not Action.START
    assert seen == set(Action) - (set() if may_stop else {Action.STOP})


def test_absence_that_is_not_settled_starts_nothing() -> None:
    for job, may_stop, _ in cases():
        decision = decide([job], may_stop=may_stop, absence_settled=False)
        assert decision.action not in STARTS
    assert decide([], may_stop=True, absence_settled=False).action is Action.SETTLE
    assert decide([], may_stop=True, absence_settled=True).action is Action.START


def test_of_two_jobs_that_run_the_later_is_kept() -> None:
    both = [
        KnownJob(number, f"job-{number}", Evidence.THIS_LIFE, Sighting.IN_FLIGHT, Likeness.SAME)
        for number in (1, 2)
    ]
    decision = decide(both, may_stop=True, absence_settled=True)
    assert (decision.action, [job.number for job in decision.jobs]) == (Action.STOP, [1])
    decision = decide(both, may_stop=False, absence_settled=True)
    assert (decision.action, decision.jobs[0].number) == (Action.ADOPT, 2)


def test_what_is_to_be_stopped_is_stopped_first() -> None:
    jobs = [job for job, may_stop, _ in cases() if may_stop]
    to_stop = [job for job in jobs if action_for(job, may_stop=True) is Action.STOP]
    assert to_stop
    for first, second in product(to_stop, jobs):
        other = KnownJob(2, "other", *_rest(second))
        decision = decide([first, other], may_stop=True, absence_settled=True)
        assert decision.action is Action.STOP
        assert first in decision.jobs


def test_a_verdict_does_not_hang_on_what_it_is_not_about() -> None:
    """A job's number, id and running time change nothing."""
    for job, may_stop, action in cases():
        other = KnownJob(7, None, *_rest(job), ran=5.0)
        assert action_for(other, may_stop=may_stop) is action


def _rest(job: KnownJob) -> tuple[Evidence, Sighting, Likeness, bool]:
    return job.evidence, job.sighting, job.likeness, job.repeatable
