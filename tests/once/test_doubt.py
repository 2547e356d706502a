# SPDX-License-Identifier: Apache-2.0

"""What time, place and others' marks say of a job: the rules of once/ that no exploration reaches."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_jobs._once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs._once.decision import Action, Evidence, KnownJob, Sighting, decide
from airflow_provider_jobs._once.evidence import Marking, SeenJob, Sight, Task, Weighed, weigh
from airflow_provider_jobs._once.fingerprint import Fingerprint, Likeness
from airflow_provider_jobs._once.identity import Identity, Life, Place
from airflow_provider_jobs._once.mark import Mark
from airflow_provider_jobs._once.moves import Adopt, Prepare, Start, Started, StoreLog
from airflow_provider_jobs._once.steps import Carried, steps
from airflow_provider_jobs.job import JobState

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TASK = Identity("orders", "scheduled__2026-01-02T00:00:00+00:00", "replay")
LIFE = Life("abcdef", 3, 0)
REQUEST = Fingerprint("1781293")
HERE, THERE = Place("us-east-1", "aws"), Place("eu-west-1", "aws")
OF_ANOTHER = "[airflow:000000000000/1aaaaaa.3.0.1-1abcdef]"


def task(marking: Marking = Marking.NONE, **kwargs: object) -> Task:
    limits = {"settling": timedelta(seconds=60), "call_limit": timedelta(seconds=40)}
    return Task(TASK, LIFE, 2, REQUEST, marking, **{"dag_version": "a", **limits, **kwargs})  # type: ignore[arg-type]


def attempt(number: int = 1, **kwargs: object) -> Attempt:
    given = Attempt(number, LIFE, REQUEST, "a", at=NOW, since=NOW)
    return replace(given, **kwargs)  # type: ignore[arg-type]


def weighed(of: Task, attempts: list[Attempt], seen: list[SeenJob], seconds: float = 1.0) -> Weighed:
    at = NOW + timedelta(seconds=seconds)
    return weigh(of, AttemptLog(tuple(attempts)), Sight(at, tuple(seen)), stopped={}, first_at=at)


def job(seconds: float, job_id: str = "j", **kwargs: object) -> SeenJob:
    made = NOW + timedelta(seconds=seconds)
    return replace(SeenJob(job_id, JobState.RUNNING, made), **kwargs)  # type: ignore[arg-type]


class TestMarks:
    def test_that_a_description_quotes_are_not_its_own(self) -> None:
        own = Mark(TASK.digest, LIFE, 1, REQUEST)
        text = f"again {OF_ANOTHER} {own.text}"
        assert Mark.of_text(text) == own
        assert Mark.names_identity(text, TASK)

    def test_an_own_mark_that_is_quoted_by_another_s_is_not_this_task_s(self) -> None:
        own = Mark(TASK.digest, LIFE, 1, REQUEST)
        assert Mark.of_text(f"again {own.text} {OF_ANOTHER}") == Mark.of_text(OF_ANOTHER)
        assert not Mark.names_identity(f"again {own.text} {OF_ANOTHER}", TASK)

    @pytest.mark.parametrize("seen", [job(1, number=1), job(1, mark=Mark.of_text(OF_ANOTHER))])
    def test_of_others_with_the_same_number_hide_no_attempt(self, seen: SeenJob) -> None:
        found = weighed(task(Marking.NAME), [attempt()], [seen])
        assert [(each.evidence, each.sighting) for each in found.jobs] == [
            (Evidence.NOT_OURS, Sighting.IN_FLIGHT),
            (Evidence.THIS_LIFE, Sighting.UNANSWERED),
        ]


class TestTheWindow:
    """From five seconds before a start without an answer to two settling times and a call after it."""

    @pytest.mark.parametrize(
        ("seconds", "evidence"),
        [
            (-6, Evidence.NOT_OURS),
            (-4, Evidence.COULD_BE),
            (159, Evidence.COULD_BE),
            (161, Evidence.NOT_OURS),
        ],
    )
    def test_of_what_could_be_ours(self, seconds: float, evidence: Evidence) -> None:
        found = weighed(task(), [attempt()], [job(seconds)], seconds=200)
        assert found.jobs[0].evidence is evidence

    @pytest.mark.parametrize(("seconds", "open_"), [(159, True), (161, False)])
    def test_in_which_an_attempt_is_in_doubt(self, seconds: float, open_: bool) -> None:
        found = weighed(task(), [attempt()], [], seconds=seconds)
        assert bool(found.jobs) is open_


class TestPlaces:
    def test_a_job_elsewhere_is_another_request_s(self) -> None:
        noted = attempt(job_id="j", place=THERE)
        found = weighed(task(place=HERE), [noted], [job(1, place=THERE)]).jobs
        assert [(each.evidence, each.likeness, each.place) for each in found] == [
            (Evidence.THIS_LIFE, Likeness.CHANGED, THERE)
        ]
        assert decide(found, may_stop=True, absence_settled=True).action is Action.STOP
        assert decide(found, may_stop=False, absence_settled=True).action is Action.WAIT

    def test_a_job_that_is_gone_elsewhere_refuses_nothing(self) -> None:
        noted = attempt(job_id="j", place=THERE)
        found = weighed(task(place=HERE), [noted], [], seconds=500).jobs
        assert found[0].sighting is Sighting.GONE
        assert decide(found, may_stop=True, absence_settled=True).action is Action.START
        # The same where nothing was edited.
        here = weighed(task(place=THERE), [noted], [], seconds=500).jobs
        assert decide(here, may_stop=True, absence_settled=True).action is Action.REFUSE

    def test_a_job_of_this_region_is_no_candidate_of_an_attempt_in_another(self) -> None:
        noted = attempt(place=THERE)
        found = weighed(task(place=HERE), [noted], [job(1), job(1, "k", place=THERE)]).jobs
        assert {each.job_id: each.evidence for each in found if each.job_id} == {
            "j": Evidence.NOT_OURS,
            "k": Evidence.COULD_BE,
        }

    def test_an_id_that_two_regions_have_is_two_jobs(self) -> None:
        noted = attempt(job_id="mine", place=THERE)
        found = weighed(
            task(Marking.NAME, place=HERE), [noted], [job(1, "mine"), job(1, "mine", place=THERE)]
        )
        assert [each.evidence for each in found.jobs] == [Evidence.NOT_OURS, Evidence.THIS_LIFE]

    def test_a_repeated_call_would_go_to_the_wrong_place(self) -> None:
        noted = attempt(place=THERE)
        assert weighed(task(Marking.TOKEN, place=THERE), [noted], []).jobs[0].repeatable
        assert not weighed(task(Marking.TOKEN, place=HERE), [noted], []).jobs[0].repeatable

    def test_an_attempt_of_an_earlier_release_was_made_here(self) -> None:
        found = weighed(task(place=HERE), [attempt(job_id="j")], [job(1)]).jobs
        assert found[0].likeness is Likeness.SAME


class TestRows:
    def test_hold_place_and_request_and_are_as_before_without(self) -> None:
        noted = attempt(place=Place("eu-west-1", None), asked='{"end_time": null}')
        assert Attempt.from_json(noted.to_json()) == noted
        assert {"region", "connection", "asked"}.isdisjoint(attempt().to_json())

    def test_stay_small_once_the_job_is_known(self) -> None:
        """900 other jobs of the scope matter only while it is not."""
        others = frozenset(f"cleaning/{number}" for number in range(900))
        assert attempt(before=others).to_json()["before"] == sorted(others)
        assert attempt(before=others, job_id="cleaning/mine").to_json()["before"] == []


def test_a_new_token_s_job_that_fails_at_once_is_the_task_s_whatever_the_clocks_say() -> None:
    """AWS's Date may be ahead of the times that it gives its jobs."""
    walk = steps(task(Marking.TOKEN), AttemptLog(), True, Carried())
    next(walk)
    assert isinstance(walk.send(Sight(NOW)), Prepare)
    assert isinstance(walk.send(None), StoreLog)
    assert isinstance(walk.send(None), Start)
    failed = Started("j", JobState.FAILED, created=NOW - timedelta(seconds=3), at=NOW)
    assert isinstance(walk.send(failed), StoreLog)
    with pytest.raises(StopIteration) as end:
        walk.send(None)
    assert isinstance(end.value.value, Adopt)
    assert end.value.value.job_id == "j"


def test_of_two_places_the_later_job_is_kept_and_the_other_stopped() -> None:
    jobs = [
        KnownJob(1, "a", Evidence.THIS_LIFE, Sighting.IN_FLIGHT, Likeness.CHANGED, place=THERE),
        KnownJob(2, "b", Evidence.THIS_LIFE, Sighting.IN_FLIGHT, Likeness.SAME),
    ]
    decision = decide(jobs, may_stop=True, absence_settled=True)
    assert (decision.action, [each.job_id for each in decision.jobs]) == (Action.STOP, ["a"])
