# SPDX-License-Identifier: Apache-2.0

"""Data Pipeline: instances of resources and data nodes, and statuses that a test sets."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from testing.conftest import Cloud

from .pipelines import CASCADE, Pipelines, activity, at, error, every

MACHINE = {"type": "Ec2Resource", "terminateAfter": "1 hour"}
NODE = {"type": "S3DataNode", "directoryPath": "s3://orders/"}
#: AWS's own example: https://docs.aws.amazon.com/cli/latest/reference/datapipeline/list-runs.html#examples
EXAMPLE = {
    "EC2ResourceObj": MACHINE,
    "S3InputLocation": NODE,
    "S3OutputLocation": NODE,
    "ShellCommandActivityObj": activity(
        runsOn="ref:EC2ResourceObj", input="ref:S3InputLocation", output="ref:S3OutputLocation"
    ),
}
ON_MACHINE = {"R": MACHINE, "A": activity(runsOn="ref:R")}


@pytest.fixture
def pipelines(cloud: Cloud) -> Pipelines:
    made = Pipelines(cloud)
    made.aws.set_pace()
    return made


def way(pipelines: Pipelines, pipeline_id: str, *stops: float) -> list[tuple[str, ...]]:
    """The statuses at each of these points of the way."""
    seen = []
    for to in stops:
        pipelines.aws.advance(pipeline_id, to=to)
        seen.append(tuple(pipelines.statuses(pipeline_id).values()))
    return seen


def test_the_four_rows_of_aws_s_example(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.run(**EXAMPLE)
    assert pipelines.statuses(pipeline_id) == {
        "EC2ResourceObj": "CREATING",
        "S3InputLocation": "FINISHED",
        "S3OutputLocation": "WAITING_ON_DEPENDENCIES",
        "ShellCommandActivityObj": "WAITING_FOR_RUNNER",
    }
    moment = pipelines.fields(pipeline_id)["@lastActivationTime"]
    ids = pipelines.ids(pipeline_id, "INSTANCE")
    assert sorted(ids) == sorted(f"@{name}_{moment}" for name in EXAMPLE)
    found = {i: pipelines.object(pipeline_id, i) for i in ids}
    ended = {i for i in ids if "@actualEndTime" in found[i]}
    assert ended == {pipelines.instance(pipeline_id, "S3InputLocation")}
    assert {i for i in ids if "@actualStartTime" not in found[i]} == {
        pipelines.instance(pipeline_id, "ShellCommandActivityObj")
    }


def test_fields_refer_to_the_instances(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.run(**EXAMPLE)
    shell = pipelines.object(pipeline_id, pipelines.instance(pipeline_id, "ShellCommandActivityObj"))
    assert shell["runsOn"] == pipelines.instance(pipeline_id, "EC2ResourceObj")
    assert shell["output"] == pipelines.instance(pipeline_id, "S3OutputLocation")
    written = pipelines.object(pipeline_id, shell["output"])
    assert written["@waitingOn"] == pipelines.instance(pipeline_id, "ShellCommandActivityObj")
    assert (written["type"], written["@componentParent"]) == ("S3DataNode", "S3OutputLocation")


@pytest.mark.parametrize("kind", ["Ec2Resource", "EmrCluster"])
def test_a_resource_is_up_before_its_activity_and_outlives_it(pipelines: Pipelines, kind: str) -> None:
    pipeline_id = pipelines.run(R={"type": kind}, A=activity(runsOn="ref:R"))
    assert way(pipelines, pipeline_id, 0, 0.32, 0.5, 0.7, 1.0) == [
        ("CREATING", "WAITING_FOR_RUNNER"),
        ("CREATING", "WAITING_FOR_RUNNER"),
        ("RUNNING", "RUNNING"),
        ("SHUTTING_DOWN", "FINISHED"),
        ("FINISHED", "FINISHED"),
    ]
    assert pipelines.state(pipeline_id) == "FINISHED"


def test_a_pipeline_is_scheduled_until_its_resource_has_ended(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.run(**ON_MACHINE)
    pipelines.aws.advance(pipeline_id, to=0.7)
    assert pipelines.state(pipeline_id) == "SCHEDULED"


def test_a_resource_that_no_activity_runs_on_has_no_instance(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.run(R=MACHINE, Node=NODE, A=activity())
    assert pipelines.statuses(pipeline_id) == {"A": "WAITING_FOR_RUNNER"}


def test_a_resource_waits_while_what_runs_on_it_is_blocked(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.run(A=activity(), B=activity(dependsOn="ref:A", runsOn="ref:R"), R=MACHINE)
    assert pipelines.statuses(pipeline_id)["R"] == "WAITING_ON_DEPENDENCIES"
    pipelines.aws.advance(pipeline_id, to=0.3)
    assert pipelines.statuses(pipeline_id) == {
        "A": "FINISHED",
        "B": "WAITING_FOR_RUNNER",
        "R": "CREATING",
    }


def test_terminate_after(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.run(R={**MACHINE, "terminateAfter": "0 seconds"}, A=activity(runsOn="ref:R"))
    deadline = time.monotonic() + 20
    while pipelines.statuses(pipeline_id)["R"] != "TIMEDOUT":
        assert time.monotonic() < deadline
    assert pipelines.statuses(pipeline_id)["A"] == "WAITING_FOR_RUNNER"
    assert pipelines.state(pipeline_id) == "SCHEDULED"


@pytest.mark.parametrize("status", ["TIMEDOUT", "CANCELED", "FAILED"])
def test_a_resource_ends_badly_after_its_activities_finished(pipelines: Pipelines, status: str) -> None:
    pipeline_id = pipelines.run(**ON_MACHINE)
    pipelines.aws.advance(pipeline_id, to=0.7)
    pipelines.aws.set_status(pipeline_id, pipelines.instance(pipeline_id, "R"), status)
    assert pipelines.statuses(pipeline_id) == {"A": "FINISHED", "R": status}
    assert pipelines.state(pipeline_id) == "FINISHED"
    assert pipelines.aws.jobs("datapipeline")[0]["state"] == "FINISHED"
    assert "@actualEndTime" in pipelines.object(pipeline_id, pipelines.instance(pipeline_id, "R"))


def test_a_resource_that_fails_lets_its_activity_wait_or_cascades(pipelines: Pipelines) -> None:
    """https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-manage-cascade-failandrerun.html"""
    chain = {**ON_MACHINE, "B": activity(dependsOn="ref:A")}
    left, cascading = pipelines.run(**chain), pipelines.run(Default=CASCADE, **chain)
    for pipeline_id in left, cascading:
        pipelines.aws.set_status(pipeline_id, pipelines.instance(pipeline_id, "R"), "FAILED")
        pipelines.aws.advance(pipeline_id)
    assert pipelines.statuses(left) == {
        "R": "FAILED",
        "A": "WAITING_FOR_RUNNER",
        "B": "WAITING_ON_DEPENDENCIES",
    }
    assert pipelines.statuses(cascading) == {"R": "FAILED", "A": "CANCELED", "B": "CASCADE_FAILED"}


def test_an_activity_fails_with_the_resource_under_it(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.run(**ON_MACHINE)
    pipelines.aws.advance(pipeline_id, to=0.5)
    machine = pipelines.instance(pipeline_id, "R")
    pipelines.aws.set_status(pipeline_id, machine, "TIMEDOUT")
    assert pipelines.statuses(pipeline_id) == {"A": "FAILED", "R": "TIMEDOUT"}
    attempt = pipelines.object(pipeline_id, pipelines.instance(pipeline_id, "A") + "_Attempt=1")
    assert attempt["errorMessage"] == f"Resource {machine} is TIMEDOUT"


@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
def test_a_job_fails_in_an_activity_wherever_on_its_way(pipelines: Pipelines, at: float) -> None:
    pipelines.aws.fail_next("datapipeline", "no such table", at=at)
    pipeline_id = pipelines.run(Default=CASCADE, **EXAMPLE)
    pipelines.aws.advance(pipeline_id)
    statuses = pipelines.statuses(pipeline_id)
    assert (statuses["ShellCommandActivityObj"], statuses["S3OutputLocation"]) == ("FAILED", "CASCADE_FAILED")
    assert statuses["EC2ResourceObj"] == "FINISHED"
    assert pipelines.aws.jobs("datapipeline")[0]["state"] == "FAILED"


def test_a_data_node_waits_for_its_precondition_and_its_reader_for_it(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.run(
        Ready={"type": "S3KeyExists", "s3Key": "s3://orders/done"},
        Orders={**NODE, "precondition": "ref:Ready"},
        A=activity(input="ref:Orders"),
    )
    assert way(pipelines, pipeline_id, 0.2, 0.5, 0.75) == [
        ("WAITING_ON_DEPENDENCIES", "WAITING_ON_DEPENDENCIES"),
        ("FINISHED", "WAITING_FOR_RUNNER"),
        ("FINISHED", "RUNNING"),
    ]


def test_a_chain_through_a_data_node(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.run(Table=NODE, A=activity(output="ref:Table"), B=activity(input="ref:Table"))
    assert pipelines.statuses(pipeline_id) == {
        "A": "WAITING_FOR_RUNNER",
        "Table": "WAITING_ON_DEPENDENCIES",
        "B": "WAITING_ON_DEPENDENCIES",
    }
    pipelines.aws.advance(pipeline_id, to=0.75)
    assert pipelines.statuses(pipeline_id) == {"A": "FINISHED", "Table": "FINISHED", "B": "RUNNING"}


def test_each_interval_has_its_own(pipelines: Pipelines) -> None:
    schedule = every(startDateTime=at(timedelta()), occurrences="2")
    pipeline_id = pipelines.run(**schedule, **EXAMPLE)
    assert len(pipelines.ids(pipeline_id, "INSTANCE")) == 4
    pipelines.aws.advance(pipeline_id)
    assert len(pipelines.ids(pipeline_id, "INSTANCE", ("@status", "EQ", "FINISHED"))) == 8
    assert pipelines.state(pipeline_id) == "FINISHED"


def test_an_activity_that_runs_again_gets_its_resource_again(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.run(
        **every(startDateTime=at(timedelta()), occurrences="2"), R=MACHINE, A=activity(runsOn="ref:R")
    )
    pipelines.aws.advance(pipeline_id, to=0.5)
    pipelines.set_status(pipeline_id, "RERUN", pipelines.ids(pipeline_id, "INSTANCE")[0])
    pipelines.aws.advance(pipeline_id)
    assert set(pipelines.statuses(pipeline_id).values()) == {"FINISHED"}
    assert pipelines.state(pipeline_id) == "FINISHED"


def test_deactivated_without_cancelling_a_resource_stays_for_what_runs(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.run(**ON_MACHINE)
    pipelines.aws.advance(pipeline_id, to=0.5)
    pipelines.api.deactivate_pipeline(pipelineId=pipeline_id, cancelActive=False)
    assert pipelines.statuses(pipeline_id) == {"A": "RUNNING", "R": "RUNNING"}
    pipelines.aws.advance(pipeline_id)
    assert pipelines.state(pipeline_id) == "INACTIVE"
    assert pipelines.statuses(pipeline_id) == {"A": "FINISHED", "R": "FINISHED"}


@pytest.mark.parametrize("status", ["VALIDATING", "NEW_STATUS_OF_2027"])
def test_a_status_that_is_no_end_is_kept_until_an_api_call_changes_it(
    pipelines: Pipelines, status: str
) -> None:
    pipeline_id = pipelines.run(A=activity())
    instance = pipelines.instance(pipeline_id, "A")
    pipelines.aws.set_status(pipeline_id, instance, status)
    pipelines.aws.advance(pipeline_id)
    assert pipelines.object(pipeline_id, instance)["@status"] == status
    assert pipelines.state(pipeline_id) == "SCHEDULED"
    pipelines.api.deactivate_pipeline(pipelineId=pipeline_id)
    assert pipelines.object(pipeline_id, instance)["@status"] == "CANCELED"


def test_a_status_that_is_set_after_the_end(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.run(A=activity())
    pipelines.aws.advance(pipeline_id)
    instance = pipelines.instance(pipeline_id, "A")
    pipelines.aws.set_status(pipeline_id, instance, "NEW_STATUS_OF_2027")
    found = pipelines.object(pipeline_id, instance)
    assert (found["@status"], "@actualEndTime" in found) == ("NEW_STATUS_OF_2027", False)
    assert pipelines.statuses(pipeline_id) == {"A": "NEW_STATUS_OF_2027"}
    assert pipelines.state(pipeline_id) == "FINISHED"


def test_the_status_of_what_is_not_there(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.run(A=activity())
    with pytest.raises(ValueError, match="has no instance '@B'"):
        pipelines.aws.set_status(pipeline_id, "@B", "FAILED")
    # The API itself knows no such status.
    call = {"pipelineId": pipeline_id, "objectIds": [pipelines.instance(pipeline_id, "A")]}
    refused = error(pipelines.api.set_status, **call, status="NEW_STATUS_OF_2027")
    assert refused == ("InvalidRequestException", "Status NEW_STATUS_OF_2027 is not valid")


def test_an_activation_that_shows_late(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.run(A=activity(), B=activity())
    pipelines.aws.advance(pipeline_id)
    before = pipelines.fields(pipeline_id)
    pipelines.aws.set_quota("datapipeline-lag", 3)
    pipelines.activate(pipeline_id)
    for _ in range(2):
        after = pipelines.fields(pipeline_id)
        assert after["@lastActivationTime"] > before["@lastActivationTime"]
        assert (after["@pipelineState"], after["@finishedTime"]) == ("FINISHED", before["@finishedTime"])
        moment = after["@lastActivationTime"]
        instances = pipelines.api.describe_objects(
            pipelineId=pipeline_id, objectIds=[f"@A_{moment}", f"@B_{moment}"]
        )["pipelineObjects"]
        assert [found["id"] for found in instances] == [f"@A_{moment}"]
    assert pipelines.state(pipeline_id) == "SCHEDULED"
    assert len(pipelines.ids(pipeline_id, "INSTANCE")) == 4
