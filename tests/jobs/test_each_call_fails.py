# SPDX-License-Identifier: Apache-2.0

"""Each call of a try fails in turn, in each way in which a call can fail; for every job type.

The calls are those that a healthy try makes: in a task's first life, and after a clear while its job runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest
from airflow_features import needs
from api_calls import Call, recorded
from job_cases import CASES, JobCase, client
from one_task import OneTask

from airflow_provider_jobs._data_pipeline import starter, stopper
from airflow_provider_jobs.exceptions import JobError
from airflow_provider_jobs.testing import AwsJobs, Fault, mock_aws_jobs

#: A job that ends when it is told to stop, and not before.
ENDLESS = 1_000_000
HTML = "<html><body>Sign in to the company's network</body></html>"


@dataclass(frozen=True)
class Trouble:
    """A way in which a call fails.

    :param fault: what happens to it.
    :param effect: whether it has taken effect by then.
    :param answered: whether there is an answer that says that it has not.
    """

    fault: dict[str, Any]
    effect: bool = False
    answered: bool = False


TROUBLES = {
    "access-denied": Trouble({"kind": "access-denied"}, answered=True),
    "throttled": Trouble({"kind": "throttle"}, answered=True),
    "expired-token": Trouble({"kind": "expired-token"}, answered=True),
    "concurrent-modification": Trouble(
        {"kind": "error", "code": "ConcurrentModificationException"}, answered=True
    ),
    "wrong-signature": Trouble({"kind": "error", "code": "InvalidSignatureException"}, answered=True),
    "server-error": Trouble({"kind": "error"}),
    "request-lost": Trouble({"kind": "drop"}),
    "proxy-page": Trouble({"kind": "garbage", "body": HTML}),
    "empty-object": Trouble({"kind": "garbage", "body": "{}"}),
    "server-error-after-effect": Trouble({"kind": "error", "when": "after"}, effect=True),
    "answer-lost": Trouble({"kind": "drop", "when": "after"}, effect=True),
    "proxy-page-after-effect": Trouble({"kind": "garbage", "body": HTML, "when": "after"}, effect=True),
    "empty-object-after-effect": Trouble({"kind": "garbage", "body": "{}", "when": "after"}, effect=True),
}


class Life:
    """A task up to the try whose calls are counted.

    :param cleared: whether it was cleared while its job ran.
    """

    def __init__(self, case: JobCase, aws: AwsJobs, cleared: bool, deferrable: bool) -> None:
        self.case, self.aws, self.cleared = case, aws, cleared
        self.given: dict[str, Any] = {
            "deferrable": deferrable,
            "poll_interval": 0.001,
            "botocore_config": {"retries": {"total_max_attempts": 1}},
        }
        self.skew = 0.0
        case.prepare()
        self.task = OneTask(lambda: case.operator(**self.given))
        if cleared:
            self.aws.set_pace(reads=ENDLESS if case.stop_operation else 8)
            self.task.make = lambda: case.operator(**self.given, wait_for_completion=False)
            self.task.run()
            self.task.make = lambda: case.operator(**self.given)
            self.task.clear()
        self.aws.set_pace(reads=2)

    def next_try(self) -> Any:
        """Make a try; minutes after the one before, so that what was in doubt has settled."""
        self.skew += 300.0
        self.aws.set_clock_skew(self.skew)
        return self.task.run()


@pytest.fixture(autouse=True)
def settling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time enough between a look and a start, however busy the machine is."""
    monkeypatch.setenv("AIRFLOW__AIRFLOW_PROVIDER_JOBS__SETTLING_TIME", "5")


@contextmanager
def world(case: JobCase, cleared: bool, deferrable: bool) -> Iterator[Life]:
    with (
        mock_aws_jobs() as aws,
        patch.object(starter, "_PAUSE", 0.0),
        patch.object(starter, "_OTHER_SHOWN", 0.0),
        patch.object(stopper, "_WAIT", 0.0),
        patch.object(starter, "_SHOWN", 0.5),
    ):
        yield Life(case, aws, cleared, deferrable)


@cache
def healthy(case: JobCase, cleared: bool) -> list[str]:
    """The calls of a try in which nothing fails."""
    with world(case, cleared, deferrable=False) as life, recorded() as calls:
        life.next_try()
    return operations(calls)


def empty_answer(case: JobCase, operation: str) -> bool:
    """Whether AWS's own answer to an operation is empty, so that another empty one says no less."""
    shape = client(case.service).meta.service_model.operation_model(operation).output_shape
    return shape is None or not shape.members


def operations(calls: list[Call]) -> list[str]:
    # Faults are of the service's own calls.
    return [call.action.partition(":")[2] for call in calls if not call.action.startswith("cloudwatch:")]


def started_blindly(calls: list[str], struck: int, start: str, dispensable: frozenset[str]) -> bool:
    """Whether a start follows the call that failed, without that call having been repeated first.

    :param dispensable: the operations that a start does without.
    """
    failed, later = calls[struck], calls[struck + 1 :]
    if start not in later or failed in dispensable:
        return False
    return failed == start or failed not in later[: later.index(start)]


#: Every job type in every trouble, but for empty answers where AWS's own answers are empty.
COMBINATIONS = [
    pytest.param(case, trouble, id=f"{case.service}-{name}")
    for case in CASES
    for name, trouble in TROUBLES.items()
    if not (case.service == "datapipeline" and trouble.effect and trouble.fault["kind"] == "garbage")
    # A bus that is being changed has refused the create for certain, which is repeated at once.
    and not (case.service == "eventbridgev2" and name == "concurrent-modification")
]


@needs("task_state_store")
@pytest.mark.parametrize("cleared", [False, True], ids=["first-life", "cleared"])
@pytest.mark.parametrize(("case", "trouble"), COMBINATIONS)
@pytest.mark.promise("lost-answer")
@pytest.mark.promise("throttled")
@pytest.mark.promise("cleared")
def test_no_start_follows_a_call_that_failed_and_the_next_try_makes_it_good(
    case: JobCase, cleared: bool, trouble: Trouble
) -> None:
    struck = [*strikes(case, cleared, trouble)]
    assert struck
    for nth in struck:
        # On the worker and in the triggerer by turns.
        with world(case, cleared, deferrable=bool(nth % 2)) as life:
            strike(life, nth, trouble)


def strikes(case: JobCase, cleared: bool, trouble: Trouble) -> Iterator[int]:
    """The calls that fail: those that start and stop, and in turn those that only look.

    After the start the wait's polls are all alike, and so are the pages of an answer.
    """
    calls = healthy(case, cleared)
    start = calls.index(case.start_operation)
    turn = [*TROUBLES.values()].index(trouble)
    for nth, name in enumerate(calls[: start + 3]):
        if name in (case.start_operation, case.stop_operation):
            if not (trouble.fault["kind"] == "garbage" and trouble.effect and empty_answer(case, name)):
                yield nth
        elif (
            not trouble.effect
            and calls[nth - 1 : nth] != [name]
            and (len(calls) < 8 or (nth + turn) % 3 == 0)
        ):
            yield nth


def strike(life: Life, nth: int, trouble: Trouble) -> None:
    case, aws = life.case, life.aws
    aws.add_fault(Fault("*", skip=nth, optional=True, **trouble.fault))
    with recorded() as made:
        try:
            result = life.next_try()
        except JobError:
            result = None
    calls = operations(made)
    if len(calls) <= nth:
        return  # it ended with an earlier poll
    where = f"{calls[nth]}, call {nth} of {calls}"
    denied = trouble.fault["kind"] == "access-denied" and not life.cleared
    dispensable = case.dispensable if denied else frozenset()
    assert not started_blindly(calls, nth, case.start_operation, dispensable), where
    if result is None:
        life.task.deferred = None
        result = life.next_try()
    jobs = aws.jobs(case.service)
    assert aws.max_active(case.service) == 1, where
    assert (jobs[-1]["id"], jobs[-1]["state"]) == (case.job_id(result), case.succeeded), where
    # What a lost start may have made is nobody's where AWS has neither name nor token: another one follows.
    lost = calls[nth] == case.start_operation and trouble.effect and not case.recognized
    assert len(jobs) == 1 + life.cleared + lost, where
