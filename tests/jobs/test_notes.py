# SPDX-License-Identifier: Apache-2.0

"""The attempt log's store refuses a write: before the start nothing is started, after it nothing is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from airflow_features import needs
from job_cases import JobCase
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobError
from airflow_provider_jobs.testing import AwsJobs

pytestmark = needs("task_state_store")
MakeTask = Callable[..., OneTask]
#: In the order of a first try's writes.
OPENED, ATTEMPT, JOB_ID = 1, 2, 3


class Rows(dict[str, str]):
    """A store whose server refuses one write.

    :param refused: which, from 1.
    """

    def __init__(self, refused: int) -> None:
        super().__init__()
        self.left = refused

    def __setitem__(self, key: str, value: str) -> None:
        self.left -= 1
        if self.left == 0:
            raise RuntimeError("404: the task instance has another try by now")
        super().__setitem__(key, value)


@pytest.mark.parametrize("refused", [OPENED, ATTEMPT])
def test_a_refusal_before_the_start_starts_nothing(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, refused: int
) -> None:
    """So an old process is fenced off, which does not know that the task has another try."""
    task = make_task({"store": Rows(refused)})
    before = aws.calls(case.service)
    with pytest.raises(JobError, match=r"could not be recorded, so the .* was not started: 404"):
        task.run()
    assert aws.jobs(case.service) == []
    assert case.start_operation not in aws.calls(case.service)
    if refused == OPENED:
        assert aws.calls(case.service) == before
    result = task.run()
    assert [case.job_id(result)] == [job["id"] for job in aws.jobs(case.service)]


def test_a_refusal_after_the_start_is_a_warning(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, logged: Callable[[], str]
) -> None:
    result = make_task({"store": Rows(JOB_ID)}).run()
    (job,) = aws.jobs(case.service)
    assert (job["id"], job["state"]) == (case.job_id(result), case.succeeded)
    assert "AWS's answer could not be recorded: 404" in logged()
