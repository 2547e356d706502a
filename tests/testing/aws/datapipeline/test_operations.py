# SPDX-License-Identifier: Apache-2.0

"""Data Pipeline: tags, expressions, and objects as AWS writes them."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest

from .pipelines import DEFAULT, Pipelines, activity, at, error, every


def tags(**given: str) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in given.items()]


def shown_tags(pipelines: Pipelines, pipeline_id: str) -> list[dict[str, str]]:
    (described,) = pipelines.api.describe_pipelines(pipelineIds=[pipeline_id])["pipelineDescriptionList"]
    return list(described["tags"])


def test_ids_are_written_as_on_aws(pipelines: Pipelines) -> None:
    ids = {pipelines.create(unique_id=str(number)) for number in range(20)}
    assert len(ids) == 20
    assert all(re.fullmatch(r"df-0[0-9]{7}[0-9A-Z]{12}", each) for each in ids)


def test_tags_are_added_changed_and_removed(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.create(tags=tags(owner="sales"))
    pipelines.api.add_tags(pipelineId=pipeline_id, tags=tags(environment="test", owner="finance"))
    assert shown_tags(pipelines, pipeline_id) == tags(owner="finance", environment="test")
    pipelines.api.remove_tags(pipelineId=pipeline_id, tagKeys=["owner", "never-there"])
    assert shown_tags(pipelines, pipeline_id) == tags(environment="test")


def test_a_pipeline_has_at_most_ten_tags(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.create(tags=tags(**{f"tag{number}": "x" for number in range(10)}))
    refused = error(pipelines.api.add_tags, pipelineId=pipeline_id, tags=tags(eleventh="x"))
    assert refused == ("InvalidRequestException", "A pipeline has at most 10 tags, not 11")
    pipelines.api.add_tags(pipelineId=pipeline_id, tags=tags(tag0="y"))
    assert shown_tags(pipelines, pipeline_id)[0] == {"key": "tag0", "value": "y"}
    unknown = error(pipelines.api.remove_tags, pipelineId="df-0", tagKeys=["tag0"])
    assert unknown == ("PipelineNotFoundException", "Pipeline with id: df-0 does not exist")


class TestEvaluateExpression:
    def evaluate(self, pipelines: Pipelines, pipeline_id: str, object_id: str, expression: str) -> str:
        answer = pipelines.api.evaluate_expression(
            pipelineId=pipeline_id, objectId=object_id, expression=expression
        )
        return str(answer["evaluatedExpression"])

    def test_the_example_of_aws(self, pipelines: Pipelines) -> None:
        """https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_EvaluateExpression.html"""
        pipeline_id = pipelines.create()
        times = {"startDateTime": "2012-12-12T00:00:00", "endDateTime": "2012-12-21T18:00:00"}
        pipelines.put(pipeline_id, **every("1 hour", **times), A=activity())
        expression = "Transform started at #{startDateTime} and finished at #{endDateTime}"
        evaluated = "Transform started at 2012-12-12T00:00:00 and finished at 2012-12-21T18:00:00"
        assert self.evaluate(pipelines, pipeline_id, "Schedule", expression) == evaluated

    def test_fields_of_instances_and_attempts_and_parameters(self, pipelines: Pipelines) -> None:
        pipeline_id = pipelines.create()
        objects = [
            {
                "id": "Default",
                "name": "Default",
                "fields": [{"key": k, "stringValue": v} for k, v in DEFAULT.items()],
            },
            {
                "id": "A",
                "name": "A",
                "fields": [{"key": k, "stringValue": v} for k, v in activity(stdout="s3://x/").items()],
            },
        ]
        parameters = [{"id": "myDay", "attributes": []}]
        pipelines.api.put_pipeline_definition(
            pipelineId=pipeline_id, pipelineObjects=objects, parameterObjects=parameters
        )
        pipelines.activate(pipeline_id, parameterValues=[{"id": "myDay", "stringValue": "Monday"}])
        instance = pipelines.instance(pipeline_id, "A")
        pipelines.state(pipeline_id)
        assert self.evaluate(pipelines, pipeline_id, instance, "#{stdout}#{myDay} #{@id}") == (
            f"s3://x/Monday {instance}"
        )
        attempt = f"{instance}_Attempt=1"
        assert self.evaluate(pipelines, pipeline_id, attempt, "#{@instanceParent}") == instance

    def test_what_cannot_be_evaluated_is_refused(self, pipelines: Pipelines) -> None:
        pipeline_id = pipelines.create()
        pipelines.put(pipeline_id, Default=DEFAULT, A=activity())
        call = {"pipelineId": pipeline_id, "objectId": "A"}
        refused = error(pipelines.api.evaluate_expression, **call, expression="#{stdout}")
        assert refused == (
            "InvalidRequestException",
            "Expression #{stdout} cannot be evaluated: the object has no field 'stdout'",
        )
        code, message = error(
            pipelines.api.evaluate_expression, **call, expression="#{format(@scheduledStartTime,'YYYY')}"
        )
        assert code == "NotImplemented"
        assert "EvaluateExpression. It evaluates fields and parameters" in message
        call["objectId"] = "B"
        assert error(pipelines.api.evaluate_expression, **call, expression="x") == (
            "TaskNotFoundException",
            "Object B does not exist",
        )


def test_a_resource_has_attempts(by_hand: Pipelines) -> None:
    """As in what AWS's command line is tested with."""
    pipeline_id = by_hand.run(
        M={"type": "Ec2Resource", "terminateAfter": "1 hour"}, A=activity(runsOn="ref:M")
    )
    machine = by_hand.instance(pipeline_id, "M")
    found = by_hand.object(pipeline_id, machine)
    assert (found["@status"], found["@attemptCount"], found["@triesLeft"]) == ("CREATING", "1", "2")
    attempt = by_hand.object(pipeline_id, found["@headAttempt"])
    assert found["@headAttempt"] == f"{machine}_Attempt=1"
    assert (attempt["@instanceParent"], attempt["parent"], attempt["@status"]) == (machine, "M", "RUNNING")
    by_hand.aws.advance(pipeline_id)
    assert by_hand.attempts(pipeline_id, "M") == ["FINISHED"]


def test_a_status_may_be_in_lower_case(by_hand: Pipelines) -> None:
    """As in AWS's example of SetStatus."""
    pipeline_id = by_hand.run(A=activity(), B=activity(dependsOn="ref:A"))
    by_hand.set_status(pipeline_id, "pause", "B")
    by_hand.aws.advance(pipeline_id)
    assert by_hand.statuses(pipeline_id) == {"A": "FINISHED", "B": "PAUSED"}


def test_objects_are_selected_by_name(by_hand: Pipelines) -> None:
    pipeline_id = by_hand.run(A=activity(), B=activity())
    assert by_hand.ids(pipeline_id, "COMPONENT", ("name", "EQ", "B")) == ["B"]
    instance = by_hand.instance(pipeline_id, "B")
    assert by_hand.ids(pipeline_id, "INSTANCE", ("name", "EQ", instance)) == [instance]


def test_pages_of_an_answer_are_those_of_its_first(by_hand: Pipelines) -> None:
    pipeline_id = by_hand.run(**every(startDateTime=at(timedelta()), occurrences="5"), A=activity())
    by_hand.aws.advance(pipeline_id, to=0.9)
    query = {"pipelineId": pipeline_id, "sphere": "INSTANCE", "limit": 3}
    running = {"selectors": [{"fieldName": "@status", "operator": {"type": "EQ", "values": ["RUNNING"]}}]}
    first = by_hand.api.query_objects(**query)
    by_hand.api.query_objects(**query, query=running)
    by_hand.aws.advance(pipeline_id)
    second = by_hand.api.query_objects(**query, marker=first["marker"])
    assert len({*first["ids"], *second["ids"]}) == 5
    assert by_hand.api.query_objects(**query, query=running)["ids"] == []


@pytest.mark.parametrize("way", [0.1, 0.9])
def test_a_look_at_thousands_of_instances_takes_no_long(by_hand: Pipelines, way: float) -> None:
    began = {"startDateTime": at(timedelta()), "occurrences": "2000"}
    default = {"Default": {**every()["Default"], "failureAndRerunMode": "CASCADE"}}
    pipeline_id = by_hand.run(
        **{**every("15 minutes", **began), **default},
        M={"type": "Ec2Resource", "terminateAfter": "1 hour"},
        A=activity(runsOn="ref:M", output="ref:D"),
        D={"type": "S3DataNode"},
        B=activity(runsOn="ref:M", input="ref:D"),
    )
    by_hand.aws.advance(pipeline_id, to=way)
    before = time.process_time()
    by_hand.state(pipeline_id)
    pages = by_hand.api.get_paginator("query_objects").paginate(pipelineId=pipeline_id, sphere="INSTANCE")
    ids = [each for page in pages for each in page["ids"]]
    by_hand.api.describe_objects(pipelineId=pipeline_id, objectIds=ids[-25:])
    took = time.process_time() - before
    assert len(ids) >= 8000 * way - 8
    assert took < 2
