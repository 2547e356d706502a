# SPDX-License-Identifier: Apache-2.0

"""What fails under a kind of fault today, and why. One that is mended must be taken off."""

from __future__ import annotations

from fnmatch import fnmatchcase

from airflow_features import FEATURES

_SENSOR = (
    "A sensor takes a job that AWS does not describe yet for one that does not exist, at its first poll."
)
_STOP = "A stop believes a description that lags behind a start, and does not deactivate the pipeline."
_COUNTS = "It asserts one start call; with a token the next try makes the same call again, for the same job."
_CLOCK = "It sets AWS's clock itself."
_SHORT = "Its job_timeout is shorter than the lag."
_OTHERS = "Nobody can see an activation of others that AWS does not show yet."
_RETRIED = "The next try finds that the job has failed, and starts another one, as it should."
_QUEUES_AGAIN = "A try that fails queues again, and not at the place that the try before had."
_CRASH = "Its own crash is taken for chance's, and is followed by another try."
_ENDED = "The job has been stopped by the try that follows the fault, and that try says so."
_WITHIN = "Its job ends within the lag."
_COUNTED = "The queue calls by what lists show, and more than there is room for while these lag."
_TRIES = "Without notes a task that knows its job by memory alone looks more often than its tries bear."
#: Of these the tests are not even begun: they would take many minutes.
ENDLESS = frozenset({_TRIES})

#: Kind, test with its parameters (both may have ``*``), and why.
KNOWN: list[tuple[str, str, str]] = [
    # What the product has still to learn.
    ("lag-descriptions", "test_it_*", _SENSOR),
    ("lag-descriptions", "test_a_job_that_is_being_stopped_is_waited_for*datapipeline*", _STOP),
    # What the tests take for granted.
    ("start-lost", "test_a_task_starts_one_job*lookoutequipment*", _COUNTS),
    ("start-empty", "test_a_task_starts_one_job*lookoutequipment*", _COUNTS),
    ("clock-*", "test_a_job_that_failed_is_followed_by_a_new_one*", _CLOCK),
    ("lag-descriptions", "test_a_job_that_ended_at_its_deadline_is_no_timeout*", _SHORT),
    ("lag-descriptions", "test_a_task_that_was_called_and_refused*datapipeline*", _OTHERS),
    ("clock-*", "test_another_run_of_the_same_task_has_its_own_job*", _CLOCK),
    ("lag-descriptions", "test_a_retry_while_the_job_runs_waits_for_it*datapipeline*", _WITHIN),
    ("lag-lists", "test_a_task_killed_in_line_gives_its_place_up*", _COUNTED),
    ("polls-*", "test_a_task_that_was_called_and_refused*", _QUEUES_AGAIN),
    ("chance", "test_a_task_that_was_called_and_refused*", _QUEUES_AGAIN),
    ("chance", "test_a_crash_*", _CRASH),
    ("reads-no-*", "test_a_job_that_is_being_stopped*datapipeline*", _ENDED),
    ("polls-*", "test_a_job_that_is_being_stopped*datapipeline*", _ENDED),
    ("start-*", "test_a_failed_job_fails_the_task_with_the_service_reason*", _RETRIED),
    ("start-*", "test_a_job_that_failed_is_followed_by_a_new_one*lookoutequipment*", _RETRIED),
]

if not FEATURES["task_state_store"].found():
    KNOWN += [
        ("chance", f"test_a_task_starts_one_job*{which}*", _TRIES)
        for which in ("iotanalytics*deferrable", "datapipeline*deferrable", "logs*sync")
    ]


def known(kind: str, test: str) -> str:
    """Return why a test fails under a kind; empty if it does not."""
    return next(
        (why for kinds, tests, why in KNOWN if fnmatchcase(kind, kinds) and fnmatchcase(test, tests)), ""
    )
