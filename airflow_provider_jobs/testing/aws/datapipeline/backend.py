# SPDX-License-Identifier: Apache-2.0

"""Data Pipeline: pipelines whose definitions are checked and whose activities take their time.

Models https://docs.aws.amazon.com/datapipeline/latest/APIReference/Welcome.html.

A job is an activation. Its id is that of the pipeline with the activation's time behind it, as in
``df-1@2026-01-31T00:00:00``; the pipeline's alone means its latest activation. One whose instances failed is
FAILED, while its pipeline is FINISHED. Each DescribePipelines that shows the pipeline and each first page of
QueryObjects reads it. A schedule is run through at the job's pace and not by the calendar. A job that is to
fail at a fraction of its way fails in the activity that is at work by then, at 1.0 in the last.

Quotas: ``datapipeline`` is the number of pipelines. ``datapipeline-rate`` switches the service's rate limits
on: it is the burst of each operation, which then refills at AWS's rate. ``datapipeline-failed-attempts`` lets
the first so many attempts of every instance fail; a pipeline with that many retries gets over them.
``datapipeline-lag`` lets activations show late: for so many reads the pipeline has its earlier state, and
only the first activity and its resource are there. ``AwsJobs.set_status`` sets an instance's status by hand.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend
from moto.datapipeline.models import datapipeline_backends

from airflow_provider_jobs.testing.aws.datapipeline.checks import (
    invalid,
    refuse_errors,
    refuse_fatal,
    validate,
)
from airflow_provider_jobs.testing.aws.datapipeline.cloudformation import pipeline_of
from airflow_provider_jobs.testing.aws.datapipeline.definition import Definition
from airflow_provider_jobs.testing.aws.datapipeline.expressions import evaluate
from airflow_provider_jobs.testing.aws.datapipeline.pipeline import Pipeline
from airflow_provider_jobs.testing.aws.datapipeline.queries import check_query, leading_to, position
from airflow_provider_jobs.testing.aws.datapipeline.runs import SERVICE
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.moto_ext import AwsError, Backend, JobResponse

#: https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-limits.html
MAX_PIPELINES = 100
CALLS_PER_SECOND = 1.0
QUERIES_PER_SECOND = 2.0
QUERIES = ("DescribeObjects", "QueryObjects")

MAX_IDS = 25
LIST_PAGE = 50


class RateLimit:
    """The rate limits of an account and Region, one bucket per operation."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, datetime]] = {}

    def spend(self, operation: str) -> None:
        """Take a call out of the operation's bucket, or raise ThrottlingException.

        :param operation: its name, e.g. ``ActivatePipeline``
        """
        burst = CONTROL.quota(f"{SERVICE}-rate", 0)
        if not burst:
            return
        now = datetime.now(UTC)
        left, since = self._buckets.get(operation, (burst, now))
        rate = QUERIES_PER_SECOND if operation in QUERIES else CALLS_PER_SECOND
        left = min(burst, left + rate * (now - since).total_seconds())
        admitted = left >= 1
        self._buckets[operation] = (left - admitted, now)
        if not admitted:
            raise AwsError("ThrottlingException", "Rate exceeded")


class PipelinesBackend(BaseBackend):
    """The pipelines of an account and Region, deleted ones too, in the order of their creation."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.rate = RateLimit()
        self._pipelines: dict[str, Pipeline] = {}

    @property
    def pipelines(self) -> list[Pipeline]:
        """Those that are not deleted."""
        return [pipeline for pipeline in self._all.values() if not pipeline.deleted]

    @property
    def _all(self) -> dict[str, Pipeline]:
        for made in datapipeline_backends[self.account_id][self.region_name].pipelines.values():
            if made.pipeline_id not in self._pipelines:
                self._pipelines[made.pipeline_id] = pipeline_of(made, self.account_id)
        return self._pipelines

    def page(self, marker: str | None) -> tuple[list[Pipeline], dict[str, Any]]:
        """Return a page of those that are not deleted, and what ListPipelines says of the next page."""
        # One that is deleted keeps its position, so that a marker stays true.
        first = position(marker)
        left = [(at, each) for at, each in enumerate(self._all.values()) if at >= first and not each.deleted]
        shown = [pipeline for _, pipeline in left[:LIST_PAGE]]
        return shown, leading_to(left[LIST_PAGE][0] if len(left) > LIST_PAGE else None)

    def create(self, request: dict[str, Any]) -> Pipeline:
        """Create a pipeline, or return the one that was created with the same name and uniqueId."""
        key = (request["name"], request["uniqueId"])
        for pipeline in self.pipelines:
            if (pipeline.name, pipeline.unique_id) == key:
                return pipeline
        limit = CONTROL.quota(SERVICE, MAX_PIPELINES)
        if len(self.pipelines) >= limit:
            raise invalid(f"Web service limit exceeded: Exceeded maximum number of pipelines, {limit}")
        pipeline = Pipeline(self.account_id, request)
        self._pipelines[pipeline.id] = pipeline
        return pipeline

    def get(self, pipeline_id: str) -> Pipeline:
        """Return a pipeline by its id."""
        if pipeline_id not in self._all:
            message = f"Pipeline with id: {pipeline_id} does not exist"
            raise AwsError("PipelineNotFoundException", message)
        if self._pipelines[pipeline_id].deleted:
            raise AwsError("PipelineDeletedException", f"Pipeline with id: {pipeline_id} has been deleted")
        return self._pipelines[pipeline_id]


PIPELINES = BackendDict(PipelinesBackend, SERVICE)


class DataPipelineResponse(JobResponse):
    """The operations. Those of task runners are not among them, but for EvaluateExpression."""

    internal_error = "InternalServiceError"

    def __init__(self) -> None:
        super().__init__(service_name=SERVICE)

    def _admit(self) -> PipelinesBackend:
        backend = PIPELINES[self.current_account][self.region]
        backend.rate.spend(self._get_action() or "")
        return backend

    def _pipeline(self) -> Pipeline:
        return self._admit().get(self.arguments["pipelineId"])

    def create_pipeline(self) -> str:
        """https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_CreatePipeline.html."""
        return json.dumps({"pipelineId": self._admit().create(self.arguments).id})

    def list_pipelines(self) -> str:
        """https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_ListPipelines.html."""
        found, more = self._admit().page(self.arguments.get("marker"))
        rows = [{"id": pipeline.id, "name": pipeline.name} for pipeline in found]
        return json.dumps({"pipelineIdList": rows, **more})

    def describe_pipelines(self) -> str:
        """https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_DescribePipelines.html."""
        backend, ids = self._admit(), self.arguments["pipelineIds"]
        _check_ids(ids)
        pipelines = [backend.get(pipeline_id) for pipeline_id in ids]
        shown = [pipeline.described for pipeline in pipelines]
        return json.dumps({"pipelineDescriptionList": [each.read() for each in shown if each.look()]})

    def delete_pipeline(self) -> str:
        """https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_DeletePipeline.html."""
        backend, pipeline_id = self._admit(), self.arguments["pipelineId"]
        if pipeline_id not in {pipeline.id for pipeline in backend.pipelines}:
            # The operation does not know PipelineDeletedException.
            message = f"Pipeline with id: {pipeline_id} does not exist"
            raise AwsError("PipelineNotFoundException", message)
        backend.get(pipeline_id).delete()
        return ""

    def put_pipeline_definition(self) -> str:
        """https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_PutPipelineDefinition.html."""
        pipeline, definition = self._pipeline(), Definition.of(self.arguments)
        finished = [("", "Pipeline is in FINISHED state")] if pipeline.state == "FINISHED" else []
        refuse_fatal(definition, *finished)
        pipeline.put(definition)
        return json.dumps(validate(definition))

    def validate_pipeline_definition(self) -> str:
        """https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_ValidatePipelineDefinition.html."""
        self._pipeline()
        return json.dumps(validate(Definition.of(self.arguments)))

    def get_pipeline_definition(self) -> str:
        """https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_GetPipelineDefinition.html."""
        pipeline = self._pipeline()
        active = self.arguments.get("version") == "active"
        return json.dumps((pipeline.active if active else pipeline.definition).to_json())

    def activate_pipeline(self) -> str:
        """https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_ActivatePipeline.html."""
        pipeline, request = self._pipeline(), self.arguments
        definition = pipeline.definition.with_values(request.get("parameterValues", ()))
        refuse_errors(definition)
        start = request.get("startTimestamp")
        pipeline.activate(definition, None if start is None else datetime.fromtimestamp(start, UTC))
        return "{}"

    def deactivate_pipeline(self) -> str:
        """https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_DeactivatePipeline.html."""
        self._pipeline().deactivate(self.arguments.get("cancelActive", True))
        return "{}"

    def describe_objects(self) -> str:
        """https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_DescribeObjects.html."""
        pipeline, request = self._pipeline(), self.arguments
        _check_ids(request["objectIds"])
        objects, expressions = pipeline.objects(), request.get("evaluateExpressions", False)
        found = [(each, objects.find(each, expressions)) for each in request["objectIds"]]
        shown = [
            {"id": object_id, "name": objects.name_of(object_id), "fields": fields}
            for object_id, fields in found
            if fields is not None
        ]
        return json.dumps({"pipelineObjects": shown, "hasMoreResults": False})

    def query_objects(self) -> str:
        """https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_QueryObjects.html."""
        pipeline, request = self._pipeline(), self.arguments
        check_query(request)
        if not request.get("marker"):
            pipeline.read()
        return json.dumps(pipeline.queries.answer(request, pipeline.objects))

    def evaluate_expression(self) -> str:
        """https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_EvaluateExpression.html.

        Assumption: an object that there is not is a TaskNotFoundException.
        """
        pipeline, request = self._pipeline(), self.arguments
        object_id, objects = request["objectId"], pipeline.objects()
        fields = objects.find(object_id)
        if fields is None:
            raise AwsError("TaskNotFoundException", f"Object {object_id} does not exist")
        in_use = pipeline.definition if object_id in pipeline.definition.by_id else pipeline.active
        evaluated = evaluate(request["expression"], in_use.parameter_values, objects.context(object_id))
        return json.dumps({"evaluatedExpression": evaluated})

    def add_tags(self) -> str:
        """https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_AddTags.html."""
        self._pipeline().add_tags(self.arguments["tags"])
        return "{}"

    def remove_tags(self) -> str:
        """https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_RemoveTags.html."""
        self._pipeline().remove_tags(self.arguments["tagKeys"])
        return "{}"

    def set_status(self) -> str:
        """https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_SetStatus.html."""
        self._pipeline().set_status(self.arguments["objectIds"], self.arguments["status"])
        return ""


BACKEND = Backend(SERVICE, DataPipelineResponse)


def _check_ids(ids: list[str]) -> None:
    if len(ids) > MAX_IDS:
        raise invalid(f"At most {MAX_IDS} identifiers are allowed in a single call, got {len(ids)}")
