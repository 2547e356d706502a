# SPDX-License-Identifier: Apache-2.0

"""Data Pipeline's hook by itself: what errors say, and many pipelines at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from job_cases import AWS
from load_pipelines import activate, on_demand

from airflow_provider_jobs.exceptions import JobApiError, JobNotFoundError, JobOutcomeUnknownError
from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook
from airflow_provider_jobs.testing import AwsJobs, Fault

#: No retries of botocore's own, so that a fault reaches the hook at once.
ONE_CALL = Config(retries={"total_max_attempts": 1})


class TestCalls:
    """What an error says of the call's effect, by a call that botocore repeats and one that it does not."""

    @pytest.mark.parametrize(("kind", "in_doubt"), [("access-denied", False), ("error", True)])
    def test_a_refusal_leaves_no_doubt(
        self, aws: AwsJobs, hook: DataPipelineHook, kind: Any, in_doubt: bool
    ) -> None:
        aws.add_fault(Fault("ActivatePipeline", kind))
        with pytest.raises(JobApiError) as caught:
            hook.activate_pipeline("df-1")
        assert isinstance(caught.value, JobOutcomeUnknownError) is in_doubt
        assert aws.calls("datapipeline")["ActivatePipeline"] == 1

    def test_a_refusal_of_a_call_that_botocore_repeated_is_in_doubt(
        self, aws: AwsJobs, pipeline: Callable[..., str], hook: DataPipelineHook
    ) -> None:
        pipeline_id = pipeline()
        aws.add_fault(Fault("DeactivatePipeline", "drop", when="after"))
        aws.add_fault(Fault("DeactivatePipeline", "access-denied"))
        with pytest.raises(JobApiError, match="AccessDenied") as caught:
            hook.deactivate_pipeline(pipeline_id)
        assert isinstance(caught.value, JobOutcomeUnknownError)


class TestManyPipelines:
    def test_one_that_is_gone_does_not_spoil_the_look_at_the_others(
        self, aws: AwsJobs, hook: DataPipelineHook, pipeline: Callable[..., str]
    ) -> None:
        ids = [pipeline(on_demand(A={})) for _ in range(27)]
        for pipeline_id in ids[5], ids[26]:
            hook.delete_pipeline(pipeline_id)
        found = hook.describe_jobs(ids)
        gone = [pipeline_id for pipeline_id in ids if isinstance(found[pipeline_id], JobNotFoundError)]
        assert gone == [ids[5], ids[26]]

    @pytest.mark.parametrize(("kind", "passing"), [("throttle", True), ("access-denied", False)])
    def test_an_error_in_the_middle_of_a_look_loses_nothing_that_was_found(
        self, aws: AwsJobs, pipeline: Callable[..., str], client: Any, kind: Any, passing: bool
    ) -> None:
        aws.set_pace()
        for _ in range(4):
            client.activate_pipeline(pipelineId=pipeline(on_demand(A={})))
        jobs = [job["id"] for job in aws.jobs("datapipeline")]
        hook = DataPipelineHook(**AWS, config=ONE_CALL)
        # Each activation that is new takes three queries.
        aws.add_fault(Fault("QueryObjects", kind, skip=3))
        found = hook.describe_jobs(jobs)
        failed = [isinstance(found[job], JobApiError) for job in jobs]
        assert failed == [False, True, passing, passing]

    @pytest.mark.parametrize("look", ["find", "count"])
    def test_an_activation_that_could_not_be_looked_at_is_not_taken_for_none(
        self, aws: AwsJobs, pipeline: Callable[..., str], look: str
    ) -> None:
        aws.set_pace()
        task = activate(
            pipeline(), wait_for_completion=False, botocore_config={"retries": {"total_max_attempts": 1}}
        )
        task.run()
        aws.add_fault(Fault("QueryObjects", "throttle"))
        hook = DataPipelineHook(**AWS, config=ONE_CALL)
        with pytest.raises(JobApiError, match="ThrottlingException"):
            task.run() if look == "find" else hook.active_jobs(())
        assert len(aws.jobs("datapipeline")) == 1

    def test_only_those_that_moved_or_are_due_are_asked_for_their_instances(
        self, aws: AwsJobs, hook: DataPipelineHook, pipeline: Callable[..., str], client: Any
    ) -> None:
        aws.set_pace()
        ids = [pipeline(on_demand(A={})) for _ in range(50)]
        for pipeline_id in ids:
            client.activate_pipeline(pipelineId=pipeline_id)
        jobs = [job["id"] for job in aws.jobs("datapipeline")]

        def look() -> tuple[dict[str, Any], dict[str, int]]:
            before = aws.calls("datapipeline")
            found = hook.describe_jobs(jobs)
            after = aws.calls("datapipeline")
            return found, {
                name: after.get(name, 0) - before.get(name, 0)
                for name in ("DescribePipelines", "QueryObjects", "DescribeObjects")
            }

        assert look()[1] == {"DescribePipelines": 2, "QueryObjects": 60, "DescribeObjects": 20}
        for _ in range(2):
            look()
        # All are known by now, and only what they still run is asked for.
        assert look()[1] == {"DescribePipelines": 2, "QueryObjects": 0, "DescribeObjects": 50}
        aws.advance(jobs[33])
        found, calls = look()
        assert calls == {"DescribePipelines": 2, "QueryObjects": 2, "DescribeObjects": 50}
        assert [job for job in jobs if found[job].state.ended] == [jobs[33]]
