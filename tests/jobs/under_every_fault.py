# SPDX-License-Identifier: Apache-2.0

"""Tests of other modules, to be run with ``--with-fault``; ``make faults`` does.

pytest takes this file for one of tests only where it is named.
"""

from __future__ import annotations

from jobs.test_exactly_once import (
    test_a_clear_is_followed_by_exactly_one_more,
    test_a_crash_after_the_start_call_is_followed_by_reattaching,
    test_a_crash_before_the_start_call_starts_one_job,
    test_a_job_that_failed_is_followed_by_a_new_one,
    test_a_retry_after_success_takes_the_result,
    test_a_retry_while_the_job_runs_waits_for_it,
    test_a_task_starts_one_job_and_returns_what_became_of_it,
    test_another_run_of_the_same_task_has_its_own_job,
)
from jobs.test_killed import (
    person_sets,
    test_a_clear_stops_what_still_runs,
    test_a_deferred_task_that_is_ended,
    test_a_job_that_is_being_stopped_is_waited_for_before_the_next,
    test_a_worker_that_is_killed,
)
from jobs.test_quota import (
    hurry,
    quota,
    test_a_task_killed_in_line_gives_its_place_up,
    test_a_task_on_the_worker_waits_in_line_too,
    test_a_task_that_was_called_and_refused_keeps_its_place,
)
from jobs.test_sensors import (
    job_id,
    test_it_fails_with_the_job,
    test_it_succeeds_with_the_job,
    test_it_times_out_and_leaves_the_job,
    test_it_waits,
    wait,
)
from jobs.test_waiting import (
    test_a_failed_job_fails_the_task_with_the_service_reason,
    test_a_job_that_ended_at_its_deadline_is_no_timeout,
    test_a_restarted_triggerer_takes_the_wait_up_again,
    test_the_deadline_stops_the_job_and_fails_the_task,
)

__all__ = [
    "hurry",
    "job_id",
    "person_sets",
    "quota",
    "test_a_clear_is_followed_by_exactly_one_more",
    "test_a_clear_stops_what_still_runs",
    "test_a_crash_after_the_start_call_is_followed_by_reattaching",
    "test_a_crash_before_the_start_call_starts_one_job",
    "test_a_deferred_task_that_is_ended",
    "test_a_failed_job_fails_the_task_with_the_service_reason",
    "test_a_job_that_ended_at_its_deadline_is_no_timeout",
    "test_a_job_that_failed_is_followed_by_a_new_one",
    "test_a_job_that_is_being_stopped_is_waited_for_before_the_next",
    "test_a_restarted_triggerer_takes_the_wait_up_again",
    "test_a_retry_after_success_takes_the_result",
    "test_a_retry_while_the_job_runs_waits_for_it",
    "test_a_task_killed_in_line_gives_its_place_up",
    "test_a_task_on_the_worker_waits_in_line_too",
    "test_a_task_starts_one_job_and_returns_what_became_of_it",
    "test_a_task_that_was_called_and_refused_keeps_its_place",
    "test_a_worker_that_is_killed",
    "test_another_run_of_the_same_task_has_its_own_job",
    "test_it_fails_with_the_job",
    "test_it_succeeds_with_the_job",
    "test_it_times_out_and_leaves_the_job",
    "test_it_waits",
    "test_the_deadline_stops_the_job_and_fails_the_task",
    "wait",
]
