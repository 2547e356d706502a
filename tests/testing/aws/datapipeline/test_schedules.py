# SPDX-License-Identifier: Apache-2.0

"""Data Pipeline: schedules, and instances that are set by hand."""

from __future__ import annotations

from datetime import timedelta

from .pipelines import CASCADE, CHAIN, NOW, Pipelines, activity, at, error, every


def test_schedule_with_an_end(by_hand: Pipelines) -> None:
    start, later = at(timedelta(hours=-2)), at(timedelta(hours=1))
    pipeline_id = by_hand.run(**every("1 hour", startDateTime=start, endDateTime=later), **CHAIN)
    assert by_hand.ids(pipeline_id, "INSTANCE") == [f"@{name}_{start}" for name in "AB"]
    fields = by_hand.fields(pipeline_id)
    assert fields["@latestRunTime"] == start
    assert fields["@nextRunTime"] == at(timedelta(hours=-1))
    by_hand.aws.advance(pipeline_id, to=0.5)
    assert len(by_hand.ids(pipeline_id, "INSTANCE", ("@status", "EQ", "FINISHED"))) == 3
    assert by_hand.state(pipeline_id) == "SCHEDULED"
    by_hand.aws.advance(pipeline_id)
    fields = by_hand.fields(pipeline_id)
    assert fields["@pipelineState"] == "FINISHED"
    assert "@nextRunTime" not in fields
    assert len(by_hand.ids(pipeline_id, "INSTANCE", ("@status", "EQ", "FINISHED"))) == 6
    refused = error(by_hand.api.activate_pipeline, pipelineId=pipeline_id)
    message = f"Pipeline {pipeline_id} is in FINISHED state and cannot be activated"
    assert refused == ("InvalidRequestException", message)


def test_schedule_without_an_end(pipelines: Pipelines) -> None:
    pipelines.aws.set_pace(seconds=0)
    pipeline_id = pipelines.run(
        **every("15 minutes", startAt="FIRST_ACTIVATION_DATE_TIME"), A=activity(maximumRetries="0")
    )
    fields = pipelines.fields(pipeline_id)
    assert fields["@pipelineState"] == "SCHEDULED"
    assert fields["@latestRunTime"] == fields["@firstActivationTime"]
    assert fields["@nextRunTime"] > fields["@firstActivationTime"]
    assert pipelines.statuses(pipeline_id) == {"A": "FINISHED"}
    instance = pipelines.instance(pipeline_id, "A")
    pipelines.activate(pipeline_id)
    assert pipelines.ids(pipeline_id, "INSTANCE") == [instance]
    pipelines.set_status(pipeline_id, "RERUN", instance)
    assert pipelines.attempts(pipeline_id, "A") == ["FINISHED", "FINISHED"]


def test_start_timestamp_skips_and_reactivation_goes_on(by_hand: Pipelines) -> None:
    pipeline_id = by_hand.create()
    by_hand.put(
        pipeline_id,
        **every("1 day", startDateTime=at(timedelta(days=-3)), occurrences="4"),
        A=activity(),
    )
    by_hand.activate(pipeline_id, startTimestamp=NOW - timedelta(days=1))
    statuses = [by_hand.object(pipeline_id, i)["@status"] for i in by_hand.ids(pipeline_id, "INSTANCE")]
    assert statuses == ["SKIPPED", "SKIPPED", "WAITING_FOR_RUNNER"]
    by_hand.aws.advance(pipeline_id, to=0.25)
    by_hand.api.deactivate_pipeline(pipelineId=pipeline_id)
    by_hand.aws.advance(pipeline_id)
    assert by_hand.state(pipeline_id) == "INACTIVE"
    by_hand.activate(pipeline_id)
    by_hand.aws.advance(pipeline_id)
    assert by_hand.state(pipeline_id) == "FINISHED"
    instances = by_hand.ids(pipeline_id, "INSTANCE")
    statuses = [by_hand.object(pipeline_id, instance)["@status"] for instance in instances]
    assert statuses == ["SKIPPED", "SKIPPED", "FINISHED", "FINISHED"]
    attempts = by_hand.ids(pipeline_id, "ATTEMPT", ("@instanceParent", "REF_EQ", instances[2]))
    assert [by_hand.object(pipeline_id, a)["@status"] for a in attempts] == ["CANCELED", "FINISHED"]


def test_activating_a_running_schedule_takes_up_changes(by_hand: Pipelines) -> None:
    schedule = every("1 day", startDateTime=at(timedelta()), occurrences="2")
    pipeline_id = by_hand.run(**schedule, A=activity())
    by_hand.aws.advance(pipeline_id, to=0.25)
    by_hand.put(pipeline_id, **schedule, A=activity(), B=activity(dependsOn="ref:A"))
    by_hand.activate(pipeline_id)
    assert by_hand.attempts(pipeline_id, "A") == ["RUNNING"]
    by_hand.aws.advance(pipeline_id)
    assert by_hand.state(pipeline_id) == "FINISHED"
    assert len(by_hand.ids(pipeline_id, "INSTANCE", ("@status", "EQ", "FINISHED"))) == 4
    assert len(by_hand.ids(pipeline_id, "ATTEMPT")) == 4


def test_try_cancel(by_hand: Pipelines) -> None:
    pipeline_id = by_hand.run(Default=CASCADE, **CHAIN)
    by_hand.aws.advance(pipeline_id, to=0.25)
    by_hand.set_status(pipeline_id, "TRY_CANCEL", by_hand.instance(pipeline_id, "A"))
    assert by_hand.statuses(pipeline_id) == {"A": "CANCELED", "B": "CASCADE_FAILED"}
    assert by_hand.state(pipeline_id) == "FINISHED"


def test_mark_finished_sets_dependents_free(by_hand: Pipelines) -> None:
    pipeline_id = by_hand.run(**CHAIN)
    by_hand.aws.fail(pipeline_id, "no such table", at=0.2)
    by_hand.aws.advance(pipeline_id)
    by_hand.set_status(pipeline_id, "MARK_FINISHED", by_hand.instance(pipeline_id, "A"))
    assert by_hand.statuses(pipeline_id) == {"B": "WAITING_FOR_RUNNER"}
    by_hand.aws.advance(pipeline_id)
    assert by_hand.state(pipeline_id) == "FINISHED"
    assert len(by_hand.ids(pipeline_id, "INSTANCE", ("@status", "EQ", "FINISHED"))) == 2


def test_rerun(by_hand: Pipelines) -> None:
    pipeline_id = by_hand.run(
        **CHAIN, C=activity(dependsOn="ref:A", failureAndRerunMode="cascade", maximumRetries="0")
    )
    by_hand.aws.fail(pipeline_id, "no such table", at=0.2)
    by_hand.aws.advance(pipeline_id)
    assert by_hand.statuses(pipeline_id) == {
        "A": "FAILED",
        "B": "WAITING_ON_DEPENDENCIES",
        "C": "CASCADE_FAILED",
    }
    by_hand.set_status(pipeline_id, "RERUN", by_hand.instance(pipeline_id, "A"))
    assert by_hand.statuses(pipeline_id) == {
        "A": "WAITING_FOR_RUNNER",
        "B": "WAITING_ON_DEPENDENCIES",
        "C": "WAITING_ON_DEPENDENCIES",
    }
    by_hand.aws.advance(pipeline_id)
    assert set(by_hand.statuses(pipeline_id).values()) == {"FINISHED"}
    assert by_hand.attempts(pipeline_id, "A") == ["FAILED"] * 3 + ["FINISHED"]
    assert by_hand.state(pipeline_id) == "FINISHED"


def test_pause_and_resume(by_hand: Pipelines) -> None:
    pipeline_id = by_hand.run(**CHAIN)
    by_hand.set_status(pipeline_id, "PAUSE", "B")
    assert by_hand.object(pipeline_id, "B")["@status"] == "PAUSED"
    by_hand.aws.advance(pipeline_id)
    assert by_hand.statuses(pipeline_id) == {"A": "FINISHED", "B": "PAUSED"}
    assert by_hand.state(pipeline_id) == "SCHEDULED"
    by_hand.set_status(pipeline_id, "RESUME", "B")
    by_hand.aws.advance(pipeline_id)
    assert by_hand.state(pipeline_id) == "FINISHED"


def test_set_status_of_wrong_objects(by_hand: Pipelines) -> None:
    pipeline_id = by_hand.run(A=activity())
    instance = by_hand.instance(pipeline_id, "A")
    for status, object_ids, message in (
        ("PAUSE", [instance], f"Status PAUSE cannot be set on {instance}"),
        ("RERUN", [instance, "A"], "Status RERUN cannot be set on A"),
        ("EXPLODE", [instance], "Status EXPLODE is not valid"),
    ):
        call = {"pipelineId": pipeline_id, "objectIds": object_ids, "status": status}
        assert error(by_hand.api.set_status, **call) == ("InvalidRequestException", message)
