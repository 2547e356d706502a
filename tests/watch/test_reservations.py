# SPDX-License-Identifier: Apache-2.0

"""Which of the queued tasks may start: reservations as a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_jobs._watch.reservations import RESERVED, Position, Queued, Reservations


class Quota:
    """Reservations, and the jobs in flight that they are told of.

    :param limit: AWS's default quota.
    :param named: whether a job has the name that its reservation is for.
    """

    def __init__(self, limit: float, scope_limit: float = inf, named: bool = True) -> None:
        self.reservations = Reservations()
        self.now = 1000.0
        self._limits = (limit, scope_limit)
        self._named = named

    def ask(self, active: Sequence[str], queue: Sequence[Queued | str]) -> list[Position]:
        """Count the jobs in flight, a job's scope being what stands before a slash, and ask for the queue."""
        tasks = [Queued(each) if isinstance(each, str) else each for each in queue]
        self.reservations.count(
            {job: job.rpartition("/")[0] for job in active},
            quota=self._limits[0],
            scope_quota=self._limits[1],
            back={each.job_id for each in tasks},
            now=self.now,
            named=self._named,
        )
        return self.reservations.assign(tasks, self.now)

    def go(self, active: Sequence[str], queue: Sequence[str]) -> list[str]:
        """Return who may start."""
        told = self.ask(active, queue)
        return [name for name, position in zip(queue, told, strict=True) if position.number == 0]


def test_as_many_may_start_as_there_are_places_the_first_first() -> None:
    quota = Quota(3)
    told = quota.ask(["x"], ["a", "b", "c", "d"])
    assert told == [Position(0, 0, 0), Position(0, 0, 0), Position(1, 1, 3), Position(2, 1, 3)]


def test_a_reserved_place_is_not_given_twice_until_its_time_is_over() -> None:
    quota = Quota(1)
    assert quota.go([], ["a"]) == ["a"]
    assert quota.go([], ["b"]) == []
    quota.now += RESERVED + 1
    assert quota.go([], ["b"]) == ["b"]


def test_the_place_of_a_job_that_runs_is_reserved_no_longer() -> None:
    quota = Quota(2)
    assert quota.go([], ["a"]) == ["a"]
    assert quota.go(["a"], ["b", "c"]) == ["b"]


def test_a_scope_that_is_full_holds_up_nobody_else() -> None:
    quota = Quota(10, scope_limit=1)
    told = quota.ask(["one/x"], [Queued("one/a", "one"), Queued("two/b", "two")])
    assert [position.number for position in told] == [1, 0]
    assert told[0] == Position(1, 1, 1)


def test_more_jobs_than_the_default_quota_tell_of_a_higher_one() -> None:
    quota = Quota(2)
    assert quota.go(["x", "y", "z"], ["a"]) == []
    assert quota.go(["x", "y"], ["a"]) == ["a"]


def test_one_refusal_teaches_nothing() -> None:
    quota = Quota(10)
    assert quota.go(["x"], ["a"]) == ["a"]
    assert quota.go(["x"], ["a"]) == ["a"]


def test_two_refusals_in_a_row_teach_a_lower_limit_which_is_tried_again_later() -> None:
    quota = Quota(10)
    assert quota.go(["x"], ["a", "b"]) == ["a", "b"]
    assert quota.go(["x"], ["a", "b"]) == []
    assert quota.ask(["x"], ["a", "b"])[0] == Position(1, 1, 1)
    assert quota.go([], ["a", "b"]) == ["a"]
    # Both came back from nowhere; the one with a reservation again starts, and later one more is tried.
    quota.now += 61
    assert quota.go(["a"], ["b"]) == ["b"]


def test_a_full_scope_teaches_no_limit_of_the_account() -> None:
    quota = Quota(10, scope_limit=1)
    one, two = Queued("one/a", "one"), Queued("one/b", "one")
    for _ in range(3):
        quota.ask([], [one, two])
        quota.ask(["one/x"], [one, two])
    assert quota.ask(["one/x"], [Queued("two/c", "two")])[0].number == 0


def test_who_comes_back_waits_until_its_time_and_keeps_its_position() -> None:
    quota = Quota(2)
    told = quota.ask([], [Queued("a", not_before=quota.now + 5), Queued("b"), Queued("c")])
    assert [position.number for position in told] == [1, 0, 2]
    quota.now += 6
    assert quota.ask(["b"], [Queued("a", not_before=quota.now - 1)])[0].number == 0


def test_without_names_a_new_job_takes_the_oldest_reservation_of_its_scope() -> None:
    quota = Quota(2, named=False)
    assert quota.go([], ["a", "b"]) == ["a", "b"]
    assert quota.go(["1"], ["c"]) == []
    assert quota.go(["1"], ["c"]) == []
    assert quota.go([], ["c"]) == ["c"]


@given(
    st.integers(1, 6),
    st.lists(st.tuples(st.sets(st.sampled_from("uvwxyz")), st.lists(st.sampled_from("abcdef"), unique=True))),
)
def test_never_more_than_the_limit_are_let_go(limit: int, rounds: list[tuple[set[str], list[str]]]) -> None:
    quota = Quota(limit)
    most = limit
    reserved: set[str] = set()
    for active, queue in rounds:
        most = max(most, len(active))
        reserved -= {*active, *queue}
        reserved |= {*quota.go(sorted(active), queue)}
        # Those in flight before us do not count: they may have been more than the limit.
        assert len(reserved) <= max(most - len(active), 0) or len(reserved) <= most
