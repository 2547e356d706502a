# SPDX-License-Identifier: Apache-2.0

"""What users are promised, each in a sentence, in the order of docs/reliability.md.

A test shows that a promise holds by the marker ``promise``, with the promise's key.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

#: By key.
PROMISES: Mapping[str, str] = {
    "worker-killed-before-start": (
        "The worker dies before the start call: the retry starts the job, and there is one."
    ),
    "worker-killed-during-start": (
        "The worker dies during the start call: the retry finds the job by its name or token, and there is "
        "one. IoT Analytics and Data Pipeline, which have neither: what may be its job is waited for, then "
        "there is one more; never two at a time."
    ),
    "worker-killed-while-waiting": (
        "The worker dies while the job runs: the retry finds the job and waits on; no second one is started."
    ),
    "lost-answer": (
        "AWS's answer to the start gets lost: the task takes up none but its own job, and there is one; of "
        "IoT Analytics and Data Pipeline at least one, and never two at a time."
    ),
    "failed-job": "The job fails: the task fails with AWS's own reason, and a retry starts a new job.",
    "cleared": (
        "A person clears the task: exactly one more job. One that still runs is stopped, or not stopped "
        "where AWS cannot or cancel_on_kill=False; either way its end comes first."
    ),
    "marked": "A person marks the deferred task, or kills the running one: the job is stopped.",
    "cancel-on-kill-off": "With cancel_on_kill=False the job goes on without its task.",
    "triggerer-restart": "The triggerer restarts: nothing is started or stopped, and the wait goes on.",
    "triggerer-takeover": "The triggerer dies: another one takes its waits over, and no job notices.",
    "triggerer-missed-heartbeat": (
        "A triggerer misses its heartbeats and its waits are handed to another: no live job is stopped."
    ),
    "scheduler-restart": "The scheduler restarts: nothing is started or stopped, and the runs go on.",
    "aws-gone": (
        "AWS fails or cannot be reached during the wait: polls go on, and the task fails only at its "
        "deadline."
    ),
    "throttled": (
        "AWS throttles: polls become rarer, a start fails with an error that a retry fixes; no job is lost."
    ),
    "quota-line": (
        "The account runs as many jobs as it may: the task waits in its triggerer's queue, first come, first "
        "served, and says its position."
    ),
    "line-of-two-dags": "Two DAGs that share a quota share one queue, and each gets its turn.",
    "place-given-up": "A task that is killed in the queue leaves it, and the next one moves up.",
    "job-timeout": "job_timeout is over: the job is stopped and the task fails saying so, without a retry.",
    "many-waits": (
        "Hundreds of tasks wait at once: they share polls, and no wait holds the triggerer up long "
        "enough for Airflow to warn of it."
    ),
    "credentials-rotated": (
        "Credentials expire or are rotated during the wait: it goes on with the connection's new ones."
    ),
    "role-arn": "A connection with a role_arn works as any other, on the worker and in the triggerer.",
    "bad-input": (
        "The parameters cannot work: the task fails before anything is started, without retries, and says "
        "what to write instead."
    ),
    "invariants": (
        "In random orders of faults, kills, retries, clears, edits and restarts: never two live jobs of one "
        "task, never a lost job, never a success without a job that succeeded; and, with a name or a token, "
        "never another start after it."
    ),
    "secrets": (
        "No credential, token or connection field gets into logs, results, XComs, triggers, notes, links, "
        "errors or reprs."
    ),
    "least-privilege": (
        "The documented IAM policies allow each operator and sensor the calls that it makes, and no other."
    ),
    "injection": (
        "Names, ARNs, keys and templates that try to smuggle something in are refused before any call, or "
        "pass through as the text that they are."
    ),
    "other-account": (
        "All that decides where a job works and where its data goes is a rendered template, seen in the UI; "
        "another account's bus or rule is refused."
    ),
}


def promised(item: pytest.Item) -> list[tuple[str, str]]:
    """Return what a test shows, as properties for the test report.

    :raises pytest.UsageError: for a key that is no promise's.
    """
    keys = [key for marker in item.iter_markers("promise") for key in marker.args]
    for key in keys:
        if key not in PROMISES:
            raise pytest.UsageError(f"{item.nodeid} shows {key!r}, which is no promise of tests/promises.py.")
    name, _, parameters = item.nodeid.removesuffix("]").partition("[")
    what = [("test", name), ("parameters", parameters)] if keys else []
    return what + [("promise", key) for key in dict.fromkeys(keys)]
