# SPDX-License-Identifier: Apache-2.0

"""Temporary rules: a trial reaches its target and nobody else, and nothing of it stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator
from job_cases import AWS, REGION
from one_task import OneTask

from airflow_provider_jobs._eventbridge.rule import expired, temporary_name, temporary_prefix
from airflow_provider_jobs._once.identity import Identity
from airflow_provider_jobs.exceptions import JobApiError, JobError, JobInputError, JobNotFoundError
from airflow_provider_jobs.operators.eventbridge import (
    EventBridgeCreateTemporaryRuleOperator,
    EventBridgeDeleteTemporaryRuleOperator,
)
from airflow_provider_jobs.operators.temporary_rule import EventBridgeTemporaryRule
from airflow_provider_jobs.testing import AwsJobs, Fault

from .replays import BUS, DAY, replay

TRIAL, DEAD, OTHER = (f"arn:aws:sqs:{REGION}:123456789012:{name}" for name in ("trial", "dead", "other"))
ROLE = "arn:aws:iam::123456789012:role/events"
STATES = f"arn:aws:states:{REGION}:123456789012:stateMachine:orders"
ONCE: dict[str, Any] = {"botocore_config": {"retries": {"total_max_attempts": 1}}}


@pytest.fixture
def events(aws: AwsJobs) -> Any:
    return boto3.client("events", region_name=REGION)


@pytest.fixture
def sqs(aws: AwsJobs) -> Any:
    sqs = boto3.client("sqs", region_name=REGION)
    for arn in (TRIAL, DEAD, OTHER):
        sqs.create_queue(QueueName=arn.rpartition(":")[2])
    return sqs


def create(run_id: str = "run-1", map_index: int = -1, **kwargs: Any) -> OneTask:
    given = {"task_id": "create", "target_arn": TRIAL, **AWS, **ONCE, **kwargs}
    return OneTask(
        lambda: EventBridgeCreateTemporaryRuleOperator(**given), run_id=run_id, map_index=map_index
    )


def delete(rule_name: Any, **kwargs: Any) -> OneTask:
    given = {"task_id": "delete", "rule_name": rule_name, **AWS, **ONCE, **kwargs}
    return OneTask(lambda: EventBridgeDeleteTemporaryRuleOperator(**given))


def rules(events: Any, bus: str = "default") -> list[str]:
    rows = events.list_rules(EventBusName=bus)["Rules"]
    return [row["Name"] for row in rows if "ManagedBy" not in row]


def bodies(sqs: Any, arn: str) -> list[dict[str, Any]]:
    url, found = sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"], []
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        found += [json.loads(each["Body"]) | {"told": each.get("MessageAttributes")} for each in messages]
    return found


def send(events: Any, *details: str) -> None:
    entries: Any = [
        {"Source": "shop", "DetailType": each, "Detail": "{}", "Time": DAY["event_start_time"]}
        for each in details
    ]
    events.put_events(Entries=entries)


def test_a_trial_reaches_its_target_and_nobody_else(events: Any, sqs: Any) -> None:
    events.put_rule(Name="live", EventPattern='{"source": ["shop"]}')
    events.put_targets(Rule="live", Targets=[{"Id": "live", "Arn": OTHER}])
    rule = create(event_pattern={"detail-type": ["paid"]}).run()
    send(events, "paid", "paid", "sent")
    # A live event does not match the rule, and reaches the others alone.
    assert (bodies(sqs, TRIAL), len(bodies(sqs, OTHER))) == ([], 3)
    started = replay(rule_arns=[rule["rule_arn"]]).run()
    got = bodies(sqs, TRIAL)
    assert [each["detail-type"] for each in got] == ["paid", "paid"]
    assert {each["replay-name"] for each in got} == {started["replay_name"]}
    assert bodies(sqs, OTHER) == []
    delete(rule).run()
    assert rules(events) == ["live"]


def test_the_rule_as_it_is_at_aws(events: Any) -> None:
    task = create(role_arn=ROLE, dead_letter_arn=DEAD, event_bus_name=BUS)
    result = task.run()
    name = result["rule_name"]
    assert result == {
        "rule_name": name,
        "rule_arn": f"{BUS.split(':event-bus')[0]}:rule/{name}",
        "event_bus_name": BUS,
    }
    assert task.xcoms == {name: result[name] for name in ("rule_name", "rule_arn")}
    found = events.describe_rule(Name=name)
    assert found["State"] == "ENABLED"
    assert json.loads(found["EventPattern"]) == {"replay-name": [{"exists": True}]}
    assert found["Description"].startswith(
        "Temporary rule of Airflow task orders.create, run run-1 [airflow until "
    )
    assert events.list_targets_by_rule(Rule=name)["Targets"] == [
        {"Id": "trial", "Arn": TRIAL, "RoleArn": ROLE, "DeadLetterConfig": {"Arn": DEAD}}
    ]


def test_a_fifo_queue_has_its_messages_in_one_group(events: Any) -> None:
    name = create(target_arn=f"{TRIAL}.fifo").run()["rule_name"]
    (target,) = events.list_targets_by_rule(Rule=name)["Targets"]
    assert target["SqsParameters"] == {"MessageGroupId": name}


def test_a_retry_puts_the_same_rule(events: Any) -> None:
    task = create()
    first = task.run()
    assert task.run() == first
    assert rules(events) == [first["rule_name"]]
    assert len(events.list_targets_by_rule(Rule=first["rule_name"])["Targets"]) == 1


@pytest.mark.parametrize("operation", ["PutRule", "PutTargets"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_made_up_for_by_the_retry(
    aws: AwsJobs, events: Any, operation: str, when: Any
) -> None:
    aws.add_fault(Fault(operation, "drop", when=when))
    task = create()
    with pytest.raises(JobApiError):
        task.run()
    # It was handed on before the call: a teardown deletes what there is.
    assert [*task.xcoms] == ["rule_name"]
    result = task.run()
    assert rules(events) == [result["rule_name"]]
    assert len(events.list_targets_by_rule(Rule=result["rule_name"])["Targets"]) == 1


def test_a_rule_without_a_target_does_not_stay(aws: AwsJobs, events: Any) -> None:
    aws.add_fault(
        Fault("PutTargets", "error", code="ValidationException", message="No such target", status=400)
    )
    with pytest.raises(JobInputError, match="No such target"):
        create().run()
    assert rules(events) == []


@pytest.mark.parametrize(
    ("operation", "run"),
    [
        ("PutTargets", lambda: create().run()),
        ("RemoveTargets", lambda: delete("a" + "-0123456789ab" * 2).run()),
    ],
)
def test_an_entry_that_failed_is_an_error(
    aws: AwsJobs, events: Any, operation: str, run: Callable[[], object]
) -> None:
    events.put_rule(Name="a" + "-0123456789ab" * 2, EventPattern='{"source": ["shop"]}')
    entries = [{"TargetId": "trial", "ErrorCode": "ConcurrentModificationException", "ErrorMessage": "Later"}]
    aws.add_fault(Fault(operation, "alter", member="FailedEntries", value=entries))
    with pytest.raises(JobApiError, match=f"{operation} of rule a?.* has failed: ConcurrentModification"):
        run()


def test_names_tell_tasks_runs_and_map_indices_apart() -> None:
    keys = [
        Identity("orders", "run-1", "create"),
        Identity("orders", "run-2", "create"),
        Identity("orders", "run-1", "create", 0),
        Identity("orders", "run-1", "create", 1),
        Identity("orders", "run-1", "create", site="blue"),
        Identity("orders" * 40, "run-1", "создать"),
    ]
    names = [temporary_name(key) for key in keys]
    assert len(set(names)) == len(keys)
    assert all(len(name) <= 64 for name in names)
    assert [name for name in names if name.startswith(temporary_prefix(keys[0]))] == names[:2]


def test_what_no_teardown_has_deleted_in_its_time_a_later_run_deletes(
    aws: AwsJobs, events: Any, logged: Callable[[], str]
) -> None:
    # One whose time is over, one whose time is not, one of another mapped task, and two of other people.
    old = create("run-1", keep_for=60).run()["rule_name"]
    new = create("run-2", keep_for=timedelta(days=1)).run()["rule_name"]
    mapped = create("run-1", map_index=0, keep_for=60).run()["rule_name"]
    text = "Temporary rule of it [airflow until 2020-01-01T00:00:00+00:00]"
    for name, description in ((f"{new[:-12]}other", text), ("live", text)):
        events.put_rule(Name=name, EventPattern='{"source": ["shop"]}', Description=description)
    row = events.describe_rule(Name=old)
    until = datetime.fromisoformat(row["Description"].partition("until ")[2].rstrip("]"))
    assert not expired(row, until)
    assert expired(row, until + timedelta(seconds=1))
    aws.set_clock_skew(70)
    third = create("run-3").run()["rule_name"]
    assert set(rules(events)) == {new, mapped, third, f"{new[:-12]}other", "live"}
    assert f"Temporary rule {old} of an earlier run was left." in logged()


@pytest.mark.parametrize(
    "description", [None, "", "orders", "[airflow until never]", "[airflow until 2026-01-01T00:00:00]"]
)
def test_a_rule_that_does_not_say_until_when_stays(description: str | None) -> None:
    row = {"Name": "a" + "-0123456789ab" * 2, "Description": description}
    assert not expired(row, DAY["event_end_time"])


@pytest.mark.parametrize("kind", ["access-denied", "throttle", "garbage"])
def test_without_a_list_the_rule_is_created(
    aws: AwsJobs, events: Any, logged: Callable[[], str], kind: Any
) -> None:
    aws.add_fault(Fault("ListRules", kind, count=9))
    assert rules_after(aws, events, create().run())
    assert "Whether earlier runs have left temporary rules is not known:" in logged()


def rules_after(aws: AwsJobs, events: Any, result: dict[str, Any]) -> bool:
    aws.clear_faults()
    return rules(events) == [result["rule_name"]]


class TestDelete:
    @pytest.mark.parametrize("given", ["the name", "the result"])
    def test_the_rule_and_its_target(self, events: Any, logged: Callable[[], str], given: str) -> None:
        result = create().run()
        delete(result["rule_name"] if given == "the name" else result).run()
        assert rules(events) == []
        assert f"Rule {result['rule_name']} is deleted." in logged()

    def test_one_that_is_gone_counts_as_deleted(self, events: Any, logged: Callable[[], str]) -> None:
        name = create().run()["rule_name"]
        for _ in range(2):
            delete(name).run()
        assert f"Rule {name} is gone already." in logged()

    @pytest.mark.parametrize("operation", ["RemoveTargets", "DeleteRule"])
    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_retry_deletes_what_is_left(self, aws: AwsJobs, events: Any, operation: str, when: Any) -> None:
        task = delete(create().run()["rule_name"])
        aws.add_fault(Fault(operation, "drop", when=when))
        with pytest.raises(JobError):
            task.run()
        task.run()
        assert rules(events) == []

    @pytest.mark.parametrize(
        "name", ["live", "orders.create-0123456789ab", "", "a-0123456789AB-0123456789ab"]
    )
    def test_no_other_rule_is_deleted(self, aws: AwsJobs, name: str) -> None:
        before = aws.calls("events")
        if not name:
            delete(name).run()
        else:
            with pytest.raises(JobInputError, match="the name of a temporary rule"):
                delete(name).run()
        assert aws.calls("events") == before

    def test_a_target_that_somebody_has_added_is_not_lost(self, events: Any) -> None:
        name = create().run()["rule_name"]
        events.put_targets(Rule=name, Targets=[{"Id": "mine", "Arn": OTHER}])
        with pytest.raises(JobInputError, match=r"since it has targets.*Remove the targets that others"):
            delete(name).run()
        assert rules(events) == [name]

    def test_nothing_was_handed_on(self, aws: AwsJobs, logged: Callable[[], str]) -> None:
        before = aws.calls("events")
        delete(None).run()
        assert aws.calls("events") == before
        assert "There is no rule to delete" in logged()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"target_arn": "trial"}, "target_arn='trial' must be an ARN"),
        ({"target_arn": STATES}, "AWS sends events to states with a role only. Give role_arn"),
        ({"target_arn": None}, "target_arn is missing"),
        ({"role_arn": TRIAL}, "must be a role's ARN"),
        ({"dead_letter_arn": "dead"}, "dead_letter_arn='dead' must be a standard queue's ARN"),
        ({"dead_letter_arn": f"{DEAD}.fifo"}, "AWS takes no FIFO queue"),
        ({"event_bus_name": "a b"}, "event_bus_name='a b' must be an event bus's name"),
        ({"event_pattern": {"source": "shop"}}, "must be a list of values"),
        ({"event_pattern": {"replay-name": [{"exists": False}]}}, "may match events that are not replayed"),
        ({"keep_for": 0}, "keep_for=0 must be a positive number"),
    ],
)
def test_what_cannot_work_fails_with_the_dags_file(given: dict[str, Any], told: str) -> None:
    with pytest.raises(JobInputError, match=told):
        create(**given).make()


def test_a_pattern_that_comes_to_nothing_does_not_widen_the_trial() -> None:
    operator: Any = create(event_pattern="{{ x }}").make()
    operator.event_pattern = None
    with pytest.raises(JobInputError, match="event_pattern is set but empty"):
        operator.read("event_pattern")
    whole: Any = create().make()
    assert whole.read("event_pattern") == {"replay-name": [{"exists": True}]}


def test_with_a_role_a_state_machine_is_a_target(events: Any) -> None:
    name = create(target_arn=STATES, role_arn=ROLE).run()["rule_name"]
    (target,) = events.list_targets_by_rule(Rule=name)["Targets"]
    assert (target["Arn"], target["RoleArn"]) == (STATES, ROLE)


def test_a_missing_bus_is_an_error(aws: AwsJobs) -> None:
    with pytest.raises(JobNotFoundError, match="Event bus shop does not exist"):
        create(event_bus_name="shop").run()


def test_the_tasks_of_a_block_stand_between_setup_and_teardown() -> None:
    with DAG("orders", schedule=None) as dag:
        before = BaseOperator(task_id="before")
        with EventBridgeTemporaryRule("trial", target_arn=TRIAL, **AWS) as trial:
            tried = BaseOperator(task_id="tried")
            before >> tried
    assert (trial.create.is_setup, trial.delete.is_teardown) == (True, True)
    assert dag.get_task("create_trial").downstream_task_ids == {"tried", "delete_trial"}
    assert dag.get_task("delete_trial").upstream_task_ids == {"tried", "create_trial"}
    assert trial.delete.aws_conn_id is None
    key: Any = trial.rule_arn
    assert (key.operator, key.key) == (trial.create, "rule_arn")
