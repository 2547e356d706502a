# SPDX-License-Identifier: Apache-2.0

"""What the calls say of their caller, which the Amazon provider tells AWS of every client."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from api_calls import recorded
from job_cases import JobCase
from one_task import OneTask


def test_a_start_names_the_operator(case: JobCase, make_task: Callable[..., OneTask]) -> None:
    with recorded() as calls:
        make_task().begin()
    starts = [call for call in calls if call.action.endswith(f":{case.start_operation}")]
    assert len(starts) == 1
    name = type(case.operator()).__name__
    assert f"Caller/{name} " in starts[0].user_agent


def test_no_source_is_read_to_find_it(
    case: JobCase, make_sync: Callable[..., OneTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quarter of a short task's time would go into that."""
    frames: list[object] = []
    monkeypatch.setattr(inspect, "getframeinfo", lambda frame, *_: frames.append(frame))
    make_sync().run()
    assert frames == []


def test_it_says_what_the_amazon_provider_would(case: JobCase) -> None:
    hook = case.hook_class()

    class Operator:
        def execute(self) -> tuple[str, str]:
            return hook._get_caller(), AwsBaseHook._get_caller(hook)

    assert Operator().execute() == ("Operator", "Operator")
    assert hook._get_caller() == "Unknown"
