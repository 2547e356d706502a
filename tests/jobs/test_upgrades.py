# SPDX-License-Identifier: Apache-2.0

"""Upgrades and downgrades with tasks in flight: what a release has left is acted on by that of now.

``stored/`` has a folder for each release: what it leaves in Airflow's database and at AWS. A release adds its
own folder with ``python tests/jobs/test_upgrades.py``, and changes none of those that are there.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.module_loading import import_string
from job_cases import CASES, JobCase
from one_task import OneTask, next_event

from airflow_provider_jobs import __version__
from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs
from airflow_provider_jobs.triggers.job import JobTrigger
from airflow_provider_jobs.triggers.queue import QueueTrigger

MakeTask = Callable[..., OneTask]
Stored = dict[str, Any]
FOLDER = Path(__file__).parent / "stored"
RELEASES = sorted(each.name for each in FOLDER.iterdir())
#: What a later release may have added, wherever it adds something.
LATER = {"added by a later release": {"any": ["thing"]}}


def stored(release: str, case: JobCase, **now: Any) -> Stored:
    """What a release has left of a task, with the names and times of the job of now in place of its own."""
    text = (FOLDER / release / f"{case.service}.json").read_text()
    for name, value in now.items():
        text = text.replace(f'"<{name}>"', json.dumps(value))
    assert '"<' not in text
    left: Stored = json.loads(text)
    return left


def with_later(left: Any, version: int) -> Any:
    """The same as a later release would have left it: with more in it, and its version raised."""
    if not isinstance(left, dict):
        return left
    return {
        # Of what a hook takes, a release adds nothing that the one before refuses; see CONTRIBUTING.md.
        **{
            key: value if key == "hook_parameters" else with_later(value, version)
            for key, value in left.items()
        },
        **LATER,
        **({"version": version} if "version" in left else {}),
    }


def places(aws: AwsJobs, case: JobCase, task: OneTask) -> dict[str, Any]:
    """What the job of now is called, and when it began."""
    trigger: Any = task.trigger()
    hook = case.hook_class(aws_conn_id=None, region_name="us-east-1")
    job = hook.describe_job(trigger.job_id)
    now = job.started_at and job.started_at.isoformat()
    found = {"job": job.job_id, "details": dict(job.details), "started_at": trigger.started_at or now}
    if not (case.fleeting and task.store):
        return found
    (row,) = json.loads(next(iter(task.store.values())))["attempts"]
    return {**found, **{name: row[name] for name in case.fleeting}}


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    """Each release that has left something."""
    return str(request.param)


@pytest.fixture(params=[None, 2], ids=["upgrade", "downgrade"])
def version(request: pytest.FixtureRequest) -> int | None:
    """What a release before this one has left; and the same as one after this would."""
    version: int | None = request.param
    return version


@pytest.fixture
def left(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, release: str, version: int | None
) -> tuple[OneTask, Stored]:
    """A task that waits for its job, and what the release has left of it."""
    aws.set_pace(seconds=3)
    task = make_deferrable()
    task.begin()
    found = stored(release, case, **places(aws, case, task))
    return task, found if version is None else with_later(found, version)


def resume(task: OneTask, left: Stored, event: Any) -> Any:
    """Let Airflow take the task up with what was stored of its deferral."""
    assert task.deferred is not None
    task.deferred.method_name, task.deferred.kwargs = left["method"], left["kwargs"]
    return task.resume(event)


def fire(left: Stored) -> Any:
    """Let a triggerer run what was stored of the trigger."""
    trigger = import_string(left["trigger"])(**left["arguments"])
    return asyncio.run(next_event(trigger))


@pytest.mark.promise("triggerer-restart")
def test_a_wait_goes_on_and_its_task_ends_well(
    aws: AwsJobs, case: JobCase, left: tuple[OneTask, Stored]
) -> None:
    task, found = left
    (job,) = aws.jobs(case.service)
    aws.advance(job["id"])
    result = resume(task, found, fire(found))
    assert case.job_id(result) == job["id"]
    assert [each["state"] for each in aws.jobs(case.service)] == [case.succeeded]


def test_an_event_ends_its_task_well(aws: AwsJobs, case: JobCase, left: tuple[OneTask, Stored]) -> None:
    task, found = left
    result = resume(task, found, found["event"])
    assert case.job_id(result) == aws.jobs(case.service)[0]["id"]


def test_a_retry_goes_on_with_what_the_try_before_has_noted(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, left: tuple[OneTask, Stored]
) -> None:
    """The rows of a later version count as lost; the mark at AWS is read, or the job waited for."""
    task, found = left
    if task.store is None:
        pytest.skip("This Airflow keeps no notes.")
    (key,) = task.store
    task.store = {key: json.dumps(found["rows"])}
    result = task.run()
    jobs = aws.jobs(case.service)
    assert case.job_id(result) == jobs[-1]["id"]
    assert aws.max_active(case.service) == 1
    if found["rows"]["version"] == 1:
        assert len(jobs) == 1


@pytest.mark.parametrize("argument", ["settling_tiem", "version_of"])
def test_a_misspelt_argument_is_an_error(argument: str) -> None:
    given: dict[str, Any] = {"hook_class": "a.B", "hook_parameters": {}, "job_id": "job", argument: 1}
    for trigger in (JobTrigger, QueueTrigger):
        with pytest.raises(TypeError, match=argument):
            trigger(**given)


def leave(case: JobCase) -> Stored:
    """Return what this release leaves of a task that waits."""
    with mock_aws_jobs(reads=1_000_000) as aws:
        case.prepare()
        task = OneTask(lambda: case.operator(deferrable=True, poll_interval=0.02), store={})
        task.begin()
        assert task.deferred is not None
        assert task.store is not None
        path, arguments = task.deferred.trigger.serialize()
        now = places(aws, case, task)
        rows = [json.loads(row) for row in task.store.values()]
        kept = {"trigger": path, "arguments": arguments, "method": task.deferred.method_name}
        aws.advance(aws.jobs(case.service)[0]["id"])
        event = task.fire()
        event["job"]["details"] = "<details>"
        text = json.dumps({**kept, "kwargs": task.deferred.kwargs, "event": event, "rows": rows[0]})
        for name in ("job", "started_at", *case.fleeting):
            text = text.replace(json.dumps(now[name]), json.dumps(f"<{name}>"))
        found: Stored = json.loads(text)
        return found


if __name__ == "__main__":
    os.makedirs(FOLDER / __version__)
    for each in CASES:
        file = FOLDER / __version__ / f"{each.service}.json"
        file.write_text(json.dumps(leave(each), indent=2, sort_keys=True) + "\n")
