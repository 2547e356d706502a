# SPDX-License-Identifier: Apache-2.0

"""What several jobs call for."""

from __future__ import annotations

from once.mutants.mutant import NAME, NONE, NONE_NO_STORE, Explored, FoundByTest, Mutant

MUTANTS = (
    Mutant(
        "a start does not wait for ends",
        "decision",
        "Action.TAKE, Action.WAIT, Action.SETTLE, Action.REFUSE)",
        "Action.TAKE, Action.SETTLE, Action.REFUSE)",
        Explored(NAME, ("run made again",), "alone"),
    ),
    Mutant(
        "a start does not wait for doubts",
        "decision",
        "Action.TAKE, Action.WAIT, Action.SETTLE, Action.REFUSE)",
        "Action.TAKE, Action.WAIT, Action.REFUSE)",
        Explored(NONE, ("stuck 59",), "alone"),
    ),
    Mutant(
        "a start does not wait until absence is settled",
        "decision",
        "    if not absence_settled:\n        return Decision(Action.SETTLE)\n",
        "",
        Explored(NONE_NO_STORE, ("stuck 59",), "alone"),
    ),
    Mutant(
        "a new start is made where a call is to be repeated",
        "decision",
        "return Decision(Action.ASK if asked else Action.START, asked)",
        "return Decision(Action.START)",
        Explored(NAME, ("stuck 59",), "alone"),
    ),
    Mutant(
        "nothing is stopped",
        "decision",
        "return Action.STOP if may_stop else Action.WAIT",
        "return Action.WAIT",
        FoundByTest("test_nothing_is_stopped_that_may_not_be_or_whose_request_is_unclear"),
    ),
    Mutant(
        "of two that run, both go on",
        "decision",
        "if may_stop and (doubles",
        "if False and (doubles",
        FoundByTest("test_of_two_jobs_that_run_the_later_is_kept"),
    ),
    Mutant(
        "of two that run, the earlier is kept",
        "decision",
        "key=lambda job: -job.number",
        "key=lambda job: job.number",
        FoundByTest("test_of_two_jobs_that_run_the_later_is_kept"),
    ),
    Mutant(
        "of two that run, one is stopped that may not be",
        "decision",
        "if may_stop and (doubles",
        "if (doubles",
        FoundByTest("test_of_two_jobs_that_run_the_later_is_kept"),
    ),
    Mutant(
        "a job is adopted before another is stopped",
        "decision",
        "(Action.STOP, Action.ADOPT, Action.TAKE",
        "(Action.ADOPT, Action.STOP, Action.TAKE",
        FoundByTest("test_what_is_to_be_stopped_is_stopped_first"),
    ),
    Mutant(
        "a success is taken before another job is stopped",
        "decision",
        "(Action.STOP, Action.ADOPT, Action.TAKE",
        "(Action.TAKE, Action.STOP, Action.ADOPT",
        FoundByTest("test_what_is_to_be_stopped_is_stopped_first"),
    ),
)
