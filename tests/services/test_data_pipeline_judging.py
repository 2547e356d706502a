# SPDX-License-Identifier: Apache-2.0

"""How an activation of Data Pipeline is judged by what was seen of it, without any call."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_jobs._data_pipeline.activation import ActivationId
from airflow_provider_jobs._data_pipeline.instance import Instance
from airflow_provider_jobs._data_pipeline.pipeline import PipelineLook
from airflow_provider_jobs._data_pipeline.status import blocked, judge
from airflow_provider_jobs.job import JobState, JobStatus

BEGAN = "2026-01-31T00:00:00"
LATER = "2026-01-31T00:05:00"
JOB = ActivationId("df-1", BEGAN)
UNKNOWN = "NEW_STATUS_OF_2027"
TYPES = {"A": "ShellCommandActivity", "B": "CopyActivity", "R": "Ec2Resource", "D": "S3DataNode"}


def look(state: str, **fields: str) -> PipelineLook:
    given = {"@pipelineState": state, "@lastActivationTime": BEGAN}
    return PipelineLook("df-1", given | {f"@{key}": value for key, value in fields.items()})


def instances(statuses: dict[str, str], **fields: dict[str, str]) -> list[Instance]:
    """Instances by the component, the first letter telling the type."""
    return [
        Instance(
            f"@{name}_{BEGAN}",
            {
                key: (value,)
                for key, value in {
                    "type": TYPES[name[0]],
                    "@status": status,
                    "@componentParent": name,
                    "@scheduledStartTime": BEGAN,
                    **fields.get(name, {}),
                }.items()
            },
        )
        for name, status in statuses.items()
    ]


def status(pipeline: PipelineLook, found: list[Instance], **seen: Any) -> JobStatus:
    return judge(JOB, pipeline, found, **{"settled": True, **seen})[0]


class TestResourcesAndDataNodes:
    @pytest.mark.parametrize("bad", ["TIMEDOUT", "CANCELED", "CANCELLED", "FAILED", "CASCADE_FAILED"])
    @pytest.mark.parametrize("name", ["R", "D"])
    @pytest.mark.parametrize("state", ["FINISHED", "SCHEDULED"])
    def test_a_bad_end_after_the_activities_finished_changes_nothing(
        self, state: str, name: str, bad: str
    ) -> None:
        found = instances({"A": "FINISHED", "B": "SKIPPED", name: bad}, A={"runsOn": f"@R_{BEGAN}"})
        assert status(look(state), found).state is JobState.SUCCEEDED

    @pytest.mark.parametrize("end", ["FAILED", "CANCELED"])
    def test_what_became_of_an_activity_counts(self, end: str) -> None:
        expected = {"FAILED": JobState.FAILED, "CANCELED": JobState.CANCELLED}[end]
        found = status(look("FINISHED"), instances({"A": end, "R": "FINISHED", "D": "FINISHED"}))
        assert found.state is expected
        assert found.reason == f"@A_{BEGAN} is {end}"

    @pytest.mark.parametrize("bad", ["FAILED", "TIMEDOUT"])
    @pytest.mark.parametrize("ref", ["R", f"@R_{BEGAN}"])
    def test_an_activity_that_waits_for_a_resource_that_failed_is_blocked(self, ref: str, bad: str) -> None:
        found = instances({"A": "WAITING_FOR_RUNNER", "R": bad}, A={"runsOn": ref})
        assert blocked(found) == {f"@A_{BEGAN}": f"@R_{BEGAN}"}
        judged, explained = judge(JOB, look("SCHEDULED"), found)
        assert judged.state is JobState.FAILED
        assert f"@R_{BEGAN} is {bad}" in str(judged.reason)
        assert [each.id for each in explained] == [f"@A_{BEGAN}", f"@R_{BEGAN}"]

    def test_an_activity_that_aws_cancelled_since_its_resource_failed_has_failed(self) -> None:
        found = instances({"A": "CANCELED", "R": "FAILED"}, A={"runsOn": f"@R_{BEGAN}"})
        assert status(look("FINISHED"), found).state is JobState.FAILED

    def test_an_activity_that_waits_for_a_data_node_that_failed_is_blocked(self) -> None:
        found = instances({"A": "WAITING_ON_DEPENDENCIES", "D": "FAILED"}, A={"input": f"@D_{BEGAN}"})
        assert status(look("SCHEDULED"), found).state is JobState.FAILED

    def test_an_activity_without_a_resource_yet_waits(self) -> None:
        found = instances({"A": "WAITING_FOR_RUNNER", "R": "CREATING"}, A={"runsOn": f"@R_{BEGAN}"})
        assert status(look("SCHEDULED"), found, still=1e9).state is JobState.RUNNING

    @pytest.mark.parametrize("left", ["SHUTTING_DOWN", "WAITING_ON_DEPENDENCIES", UNKNOWN])
    @pytest.mark.parametrize(
        ("state", "still", "ended"),
        [("SCHEDULED", 59.0, False), ("SCHEDULED", 60.0, True), ("FINISHED", 0.0, True)],
    )
    def test_what_is_left_is_waited_for_while_something_changes(
        self, left: str, state: str, still: float, ended: bool
    ) -> None:
        found = status(look(state), instances({"A": "FINISHED", "R": left}), still=still)
        assert found.state is (JobState.SUCCEEDED if ended else JobState.RUNNING)

    def test_a_resource_that_stays_for_what_is_blocked_is_not_waited_for(self) -> None:
        found = instances(
            {"A": "FAILED", "B": "WAITING_ON_DEPENDENCIES", "R": "RUNNING"},
            B={"dependsOn": f"@A_{BEGAN}", "runsOn": f"@R_{BEGAN}"},
        )
        assert status(look("SCHEDULED"), found).state is JobState.FAILED

    def test_a_type_that_is_not_known_is_taken_for_an_activity(self) -> None:
        found = instances({"A": "FAILED"}, A={"type": "NewKindOfWork"})
        assert status(look("FINISHED"), found).state is JobState.FAILED

    def test_without_an_activity_all_count(self) -> None:
        assert status(look("FINISHED"), instances({"R": "FAILED"})).state is JobState.FAILED


class TestUnknownStatus:
    @pytest.mark.parametrize(
        ("state", "still", "ended"),
        [
            ("SCHEDULED", 60.0, False),
            ("SCHEDULED", 3599.0, False),
            ("SCHEDULED", 3600.0, True),
            ("FINISHED", 59.0, False),
            ("FINISHED", 60.0, True),
        ],
    )
    def test_it_is_in_flight_until_nothing_changes(self, state: str, still: float, ended: bool) -> None:
        found = status(look(state), instances({"A": "FINISHED", "B": UNKNOWN}), still=still)
        assert found.state is (JobState.FAILED if ended else JobState.RUNNING)
        told = f"@B_{BEGAN} is {UNKNOWN}, a status that is not known"
        assert told in str(found.note)
        assert found.reason == (f"{told} and did not change" if ended else None)

    @pytest.mark.parametrize(
        ("pipeline", "more"),
        [
            (look("SCHEDULED", nextRunTime=LATER), {}),
            (look("DEACTIVATING"), {}),
            (look("FINISHED"), {"settled": False}),
            (look("SCHEDULED"), {"settled": False}),
        ],
    )
    def test_it_is_waited_for_while_more_may_come(self, pipeline: PipelineLook, more: dict[str, Any]) -> None:
        found = status(pipeline, instances({"B": UNKNOWN}), still=1e9, **more)
        assert not found.state.ended

    def test_it_is_waited_for_beside_one_that_runs(self) -> None:
        found = instances({"A": "RUNNING", "B": UNKNOWN})
        assert status(look("SCHEDULED"), found, still=1e9).state is JobState.RUNNING

    def test_with_an_end_time_it_has_ended(self) -> None:
        found = instances({"A": UNKNOWN}, A={"@actualEndTime": LATER})
        judged = status(look("FINISHED"), found)
        assert judged.state is JobState.FAILED
        assert UNKNOWN in str(judged.reason)

    def test_in_an_inactive_pipeline_it_is_cancelled_with_the_rest(self) -> None:
        judged = status(look("INACTIVE"), instances({"A": UNKNOWN}), still=60.0)
        assert judged.state is JobState.CANCELLED
        assert UNKNOWN in str(judged.reason)

    def test_in_an_activation_that_was_replaced(self) -> None:
        replaced = PipelineLook("df-1", {"@pipelineState": "SCHEDULED", "@lastActivationTime": LATER})
        assert status(replaced, instances({"A": UNKNOWN}), still=59.0).state is JobState.RUNNING
        assert status(replaced, instances({"A": UNKNOWN}), still=60.0).state is JobState.FAILED


class TestAStateThatLags:
    """One activity is done; of the second nothing shows yet."""

    HALF = instances({"A": "FINISHED"})

    @pytest.mark.parametrize(
        ("pipeline", "more", "ended"),
        [
            (look("FINISHED"), {}, False),
            (look("FINISHED", finishedTime="2026-01-30T00:00:00"), {}, False),
            (look("FINISHED", finishedTime=BEGAN), {}, False),
            (look("FINISHED", finishedTime=LATER), {}, True),
            (look("FINISHED"), {"active": True}, True),
            (look("FINISHED"), {"settled": True}, True),
            (look("INACTIVE"), {}, False),
            (look("INACTIVE"), {"active": True}, True),
            (look("INACTIVE"), {"settled": True}, True),
            (look("SCHEDULED"), {}, False),
            (look("SCHEDULED"), {"active": True}, False),
            (look("SCHEDULED"), {"settled": True}, True),
        ],
    )
    def test_it_counts_once_it_changed_or_has_settled(
        self, pipeline: PipelineLook, more: dict[str, Any], ended: bool
    ) -> None:
        assert status(pipeline, self.HALF, **{"settled": False, **more}).state.ended is ended

    @pytest.mark.parametrize("state", ["FINISHED", "INACTIVE", "PENDING"])
    @pytest.mark.parametrize("settled", [False, True])
    def test_without_any_instance_it_counts_when_settled(self, state: str, settled: bool) -> None:
        found = status(look(state, finishedTime=LATER), [], settled=settled, active=True)
        assert found.state.ended is settled

    def test_a_cancelled_activity_shows_that_the_pipeline_was_deactivated_since(self) -> None:
        judged = status(look("INACTIVE"), instances({"A": "CANCELED"}), settled=False)
        assert judged.state is JobState.CANCELLED

    def test_no_clock_of_this_machine_is_asked(self) -> None:
        """A time to wait up to that is long over or far ahead makes no difference to what AWS says."""
        for until in ("2026-02-01T00:00:00", "2099-01-01T00:00:00"):
            job = ActivationId("df-1", BEGAN, until)
            for next_run, ended in ((until, True), (LATER, False)):
                found, _ = judge(job, look("SCHEDULED", nextRunTime=next_run), self.HALF)
                assert found.state.ended is ended


class TestAnswers:
    def test_members_that_are_missing(self) -> None:
        row = {"pipelineId": "df-1", "fields": [{"stringValue": "x"}, {"key": "@pipelineState"}]}
        assert PipelineLook.of(row).fields == {"@pipelineState": ""}
        assert PipelineLook.of({"pipelineId": "df-1"}).state == "PENDING"
        found = Instance.of({"id": "@A", "fields": [{"refValue": "x"}, {"key": "@status"}]})
        assert (found.status, found.ended, found.works) == ("PENDING", False, True)
        assert Instance.of({"id": "@A"}).scheduled == ""

    def test_when_aws_answered(self) -> None:
        at = datetime(2026, 1, 31, tzinfo=UTC)
        assert PipelineLook.of({"pipelineId": "df-1"}, at).at == at


def test_thousands_of_instances_are_judged_at_once() -> None:
    """A pipeline that runs every quarter of an hour has 8,000 after some weeks."""
    found = [
        replace(each, id=f"{each.id}.{number}")
        for number in range(2_000)
        for each in instances(dict.fromkeys(TYPES, "FINISHED"), A={"runsOn": f"@R_{BEGAN}"})
    ]
    found += instances({"A": "WAITING_ON_DEPENDENCIES", "R": "FINISHED"})
    before = time.process_time()
    judged = status(look("SCHEDULED"), found)
    assert time.process_time() - before < 1
    assert (judged.state, judged.note) == (JobState.RUNNING, "8001 of 8002 instances done")
