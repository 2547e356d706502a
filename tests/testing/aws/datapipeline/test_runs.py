# SPDX-License-Identifier: Apache-2.0

"""Data Pipeline: activations, their instances and attempts."""

from __future__ import annotations

import time

import pytest

from .pipelines import CASCADE, CHAIN, DEFAULT, Pipelines, activity, error, objects


def test_on_demand(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.run(**CHAIN)
    assert pipelines.statuses(pipeline_id) == {"A": "WAITING_FOR_RUNNER", "B": "WAITING_ON_DEPENDENCIES"}
    first = pipelines.fields(pipeline_id)
    assert first["@pipelineState"] == "SCHEDULED"
    assert first["@healthStatus"] == "HEALTHY"
    assert first["@firstActivationTime"] == first["@lastActivationTime"] == first["@latestRunTime"]
    assert "@finishedTime" not in first
    second = pipelines.fields(pipeline_id)
    assert second["@pipelineState"] == "FINISHED"
    assert second["@finishedTime"] >= second["@lastActivationTime"]
    assert pipelines.statuses(pipeline_id) == {"A": "FINISHED", "B": "FINISHED"}
    (job,) = pipelines.aws.jobs("datapipeline")
    assert (job["pipeline"], job["state"], job["fraction"]) == (pipeline_id, "FINISHED", 1.0)
    assert job["id"] == f"{pipeline_id}@{first['@lastActivationTime']}"
    assert pipelines.aws.max_active("datapipeline") == 1


def test_queries_are_reads_too(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.run(A=activity())
    running = ("@status", "EQ", "RUNNING")
    assert pipelines.ids(pipeline_id, "INSTANCE", running) == [pipelines.instance(pipeline_id, "A")]
    assert pipelines.ids(pipeline_id, "INSTANCE", running) == []
    assert pipelines.state(pipeline_id) == "FINISHED"


def test_by_the_clock(pipelines: Pipelines) -> None:
    pipelines.aws.set_pace(seconds=0.2)
    pipeline_id = pipelines.run(**CHAIN)
    deadline = time.monotonic() + 20
    while pipelines.state(pipeline_id) != "FINISHED":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert set(pipelines.statuses(pipeline_id).values()) == {"FINISHED"}


def test_dependencies_in_order(by_hand: Pipelines) -> None:
    pipeline_id = by_hand.run(
        C=activity(dependsOn="ref:B"),
        A=activity(output="ref:Table"),
        B=activity(input="ref:Table"),
        D=activity(dependsOn="ref:A"),
        Table={"type": "S3DataNode"},
    )
    seen = []
    for to in (0.1, 0.4, 0.5, 0.7, 1.0):
        by_hand.aws.advance(pipeline_id, to=to)
        statuses = by_hand.statuses(pipeline_id)
        seen.append("".join(statuses[name][0] for name in "ABDC"))
    # R is running, F finished, W waiting.
    assert seen == ["RWWW", "FRRW", "FRRW", "FFFR", "FFFF"]


def test_objects(by_hand: Pipelines) -> None:
    pipeline_id = by_hand.run(**CHAIN)
    by_hand.aws.advance(pipeline_id, to=0.25)
    a, b = (by_hand.instance(pipeline_id, name) for name in "AB")
    moment = by_hand.fields(pipeline_id)["@lastActivationTime"]
    assert a == f"@A_{moment}"
    found = by_hand.object(pipeline_id, a)
    assert found.pop("@actualStartTime") >= moment
    common = {
        "@pipelineId": pipeline_id,
        "@version": "1",
        "@scheduledStartTime": moment,
        "@scheduledEndTime": moment,
        "type": "ShellCommandActivity",
        "command": "true",
    }
    assert found == {
        **common,
        "@sphere": "INSTANCE",
        "parent": "A",
        "@componentParent": "A",
        "@status": "RUNNING",
        "@attemptCount": "1",
        "@triesLeft": "2",
        "@headAttempt": f"{a}_Attempt=1",
    }
    attempt = by_hand.object(pipeline_id, f"{a}_Attempt=1")
    assert (attempt["@sphere"], attempt["@status"]) == ("ATTEMPT", "RUNNING")
    # As in AWS's example of PollForTask.
    assert (attempt["@instanceParent"], attempt["@componentParent"], attempt["parent"]) == (a, "A", "A")
    waiting = by_hand.object(pipeline_id, b)
    assert (waiting["dependsOn"], waiting["@waitingOn"], waiting["@attemptCount"]) == (a, a, "0")
    component = by_hand.object(pipeline_id, "A")
    assert (component["@status"], component["@activeInstances"]) == ("SCHEDULED", a)
    assert by_hand.api.describe_objects(pipelineId=pipeline_id, objectIds=["no"])["pipelineObjects"] == []


def test_failure(pipelines: Pipelines) -> None:
    pipelines.aws.fail_next("datapipeline", "no such table")
    pipeline_id = pipelines.run(**CHAIN)
    pipelines.state(pipeline_id)
    fields = pipelines.fields(pipeline_id)
    # FINISHED is no success.
    assert (fields["@pipelineState"], fields["@healthStatus"]) == ("FINISHED", "ERROR")
    assert pipelines.statuses(pipeline_id) == {"A": "FINISHED", "B": "FAILED"}
    # Two retries are AWS's default.
    assert pipelines.attempts(pipeline_id, "B") == ["FAILED"] * 3
    b = pipelines.instance(pipeline_id, "B")
    attempt = pipelines.object(pipeline_id, pipelines.object(pipeline_id, b)["@headAttempt"])
    assert attempt["errorId"] == "ActivityFailed:SystemException"
    assert attempt["errorMessage"] == "no such table"
    assert attempt["errorStackTrace"].endswith("TaskExecutionException: no such table")
    again = pipelines.run(A=activity())
    pipelines.state(again)
    assert pipelines.state(again) == "FINISHED"
    assert pipelines.statuses(again) == {"A": "FINISHED"}


def test_failure_cascades_if_set_to(by_hand: Pipelines) -> None:
    pipeline_id = by_hand.run(
        Default=CASCADE, **CHAIN, C=activity(dependsOn="ref:B"), D=activity(maximumRetries="0")
    )
    by_hand.aws.fail(pipeline_id, "no such table", at=0.2)
    by_hand.aws.advance(pipeline_id)
    assert by_hand.statuses(pipeline_id) == {
        "A": "FAILED",
        "B": "CASCADE_FAILED",
        "C": "CASCADE_FAILED",
        "D": "FINISHED",
    }
    a, b, c = (by_hand.instance(pipeline_id, name) for name in "ABC")
    answer = by_hand.api.describe_objects(pipelineId=pipeline_id, objectIds=[c])
    fields = answer["pipelineObjects"][0]["fields"]
    assert [f["refValue"] for f in fields if f["key"] == "@cascadeFailedOn"] == [a, b]
    assert by_hand.state(pipeline_id) == "FINISHED"


def test_failure_leaves_dependents_waiting_by_default(by_hand: Pipelines) -> None:
    pipeline_id = by_hand.run(**CHAIN)
    by_hand.aws.fail(pipeline_id, "no such table", at=0.2)
    by_hand.aws.advance(pipeline_id)
    assert by_hand.statuses(pipeline_id) == {"A": "FAILED", "B": "WAITING_ON_DEPENDENCIES"}
    fields = by_hand.fields(pipeline_id)
    assert (fields["@pipelineState"], fields["@healthStatus"]) == ("SCHEDULED", "ERROR")
    by_hand.api.deactivate_pipeline(pipelineId=pipeline_id)
    assert by_hand.state(pipeline_id) == "INACTIVE"
    assert by_hand.statuses(pipeline_id) == {"A": "FAILED", "B": "CANCELED"}


def test_failed_attempts_are_retried(by_hand: Pipelines) -> None:
    by_hand.aws.set_quota("datapipeline-failed-attempts", 1)
    pipeline_id = by_hand.run(A=activity(maximumRetries="1"), B=activity(maximumRetries="0"))
    by_hand.aws.advance(pipeline_id, to=0.25)
    assert by_hand.attempts(pipeline_id, "A") == ["RUNNING"]
    by_hand.aws.advance(pipeline_id, to=0.75)
    assert by_hand.attempts(pipeline_id, "A") == ["FAILED", "RUNNING"]
    assert by_hand.statuses(pipeline_id) == {"A": "RUNNING", "B": "RUNNING"}
    by_hand.aws.advance(pipeline_id)
    assert by_hand.statuses(pipeline_id) == {"A": "FINISHED", "B": "FAILED"}
    assert by_hand.attempts(pipeline_id, "A") == ["FAILED", "FINISHED"]


def test_attempts_time_out(by_hand: Pipelines) -> None:
    pipeline_id = by_hand.run(A=activity(attemptTimeout="0 seconds", maximumRetries="1"))
    by_hand.aws.advance(pipeline_id, to=0.5)
    deadline = time.monotonic() + 20
    while by_hand.statuses(pipeline_id) != {"A": "FAILED"}:
        assert time.monotonic() < deadline
    assert by_hand.attempts(pipeline_id, "A") == ["FAILED", "FAILED"]
    attempt = by_hand.object(pipeline_id, by_hand.instance(pipeline_id, "A") + "_Attempt=2")
    assert attempt["errorMessage"] == "The attempt took longer than 0:00:00"
    assert by_hand.state(pipeline_id) == "FINISHED"
    assert by_hand.aws.jobs("datapipeline")[0]["fraction"] == 1.0


def test_activating_a_running_on_demand_pipeline_runs_it_anew(by_hand: Pipelines) -> None:
    pipeline_id = by_hand.run(**CHAIN)
    by_hand.aws.advance(pipeline_id, to=0.75)
    before = by_hand.fields(pipeline_id)
    by_hand.activate(pipeline_id)
    after = by_hand.fields(pipeline_id)
    assert after["@firstActivationTime"] == before["@firstActivationTime"]
    assert after["@lastActivationTime"] > before["@lastActivationTime"]
    first, second = by_hand.aws.jobs("datapipeline")
    assert first["state"] == "INACTIVE"
    assert sorted(first["instances"].values()) == ["CANCELED", "FINISHED"]
    assert second["state"] == "SCHEDULED"
    assert first["instances"].keys().isdisjoint(second["instances"])
    by_hand.aws.advance(pipeline_id)
    assert by_hand.state(pipeline_id) == "FINISHED"
    assert len(by_hand.ids(pipeline_id, "INSTANCE")) == 4
    assert by_hand.aws.max_active("datapipeline") == 1


def test_a_finished_on_demand_pipeline_runs_again_but_cannot_be_changed(pipelines: Pipelines) -> None:
    pipelines.aws.set_pace(seconds=0)
    pipeline_id = pipelines.run(A=activity())
    assert pipelines.state(pipeline_id) == "FINISHED"
    pipelines.activate(pipeline_id)
    assert len(pipelines.ids(pipeline_id, "INSTANCE", ("@status", "EQ", "FINISHED"))) == 2
    put = pipelines.api.put_pipeline_definition
    code, message = error(put, pipelineId=pipeline_id, pipelineObjects=objects(Default=DEFAULT))
    assert code == "InvalidRequestException"
    assert message.startswith("Pipeline definition has errors: Could not save the pipeline definition due to")
    assert pipelines.fields(pipeline_id)["@version"] == "1"
    instance = pipelines.instance(pipeline_id, "A")
    set_status = pipelines.api.set_status
    refused = error(set_status, pipelineId=pipeline_id, objectIds=[instance], status="RERUN")
    message = f"Pipeline {pipeline_id} is in FINISHED state and its objects cannot be changed"
    assert refused == ("InvalidRequestException", message)


def test_deactivate_and_cancel(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.run(**CHAIN)
    pipelines.ids(pipeline_id, "INSTANCE")
    pipelines.api.deactivate_pipeline(pipelineId=pipeline_id)
    (job,) = pipelines.aws.jobs("datapipeline")
    assert job["state"] == "DEACTIVATING"
    refused = error(pipelines.api.activate_pipeline, pipelineId=pipeline_id)
    message = f"Pipeline {pipeline_id} is in DEACTIVATING state and cannot be activated"
    assert refused == ("InvalidRequestException", message)
    assert pipelines.state(pipeline_id) == "INACTIVE"
    assert pipelines.statuses(pipeline_id) == {"A": "FINISHED", "B": "CANCELED"}
    pipelines.activate(pipeline_id)
    pipelines.state(pipeline_id)
    assert pipelines.state(pipeline_id) == "FINISHED"


def test_deactivate_and_wait(by_hand: Pipelines) -> None:
    pipeline_id = by_hand.run(**CHAIN)
    by_hand.aws.advance(pipeline_id, to=0.25)
    by_hand.api.deactivate_pipeline(pipelineId=pipeline_id, cancelActive=False)
    assert by_hand.state(pipeline_id) == "DEACTIVATING"
    assert by_hand.statuses(pipeline_id) == {"A": "RUNNING", "B": "CANCELED"}
    by_hand.aws.advance(pipeline_id, to=0.5)
    assert by_hand.state(pipeline_id) == "INACTIVE"
    assert by_hand.statuses(pipeline_id) == {"A": "FINISHED", "B": "CANCELED"}


def test_deactivating_what_is_not_active_changes_nothing(pipelines: Pipelines) -> None:
    pipelines.aws.set_pace(seconds=0)
    new, done = pipelines.create(), pipelines.run(A=activity())
    for pipeline_id, state in ((new, "PENDING"), (done, "FINISHED")):
        pipelines.api.deactivate_pipeline(pipelineId=pipeline_id)
        assert pipelines.state(pipeline_id) == state


def test_delete_cancels(by_hand: Pipelines) -> None:
    pipeline_id = by_hand.run(A=activity())
    by_hand.aws.advance(pipeline_id, to=0.5)
    by_hand.api.delete_pipeline(pipelineId=pipeline_id)
    (job,) = by_hand.aws.jobs("datapipeline")
    assert list(job["instances"].values()) == ["CANCELED"]
    with pytest.raises(ValueError, match="already ended"):
        by_hand.aws.fail(pipeline_id, "too late")
