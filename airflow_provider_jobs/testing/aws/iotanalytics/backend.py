# SPDX-License-Identifier: Apache-2.0

"""IoT Analytics: channels, data stores and pipelines, with reprocessings that take their time.

Models https://docs.aws.amazon.com/iotanalytics/latest/userguide/reprocessing.html. There is no call that
reads a data store: give it a bucket (``customerManagedS3``), and what lands in it is in moto's S3, gzipped
JSON lines, one object for each reprocessing, named by its id.
"""

from __future__ import annotations

import json
import logging
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeVar

from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.responses import ActionResult
from moto.s3.models import s3_backends

from airflow_provider_jobs.testing.aws.iotanalytics.activities import step_of
from airflow_provider_jobs.testing.aws.iotanalytics.messages import ActivityError, Message
from airflow_provider_jobs.testing.aws.iotanalytics.pipeline import Route
from airflow_provider_jobs.testing.aws.iotanalytics.resources import (
    SERVICE,
    STATES,
    Pipeline,
    Repository,
    Reprocessing,
)
from airflow_provider_jobs.testing.aws.iotanalytics.rest import RestResponse
from airflow_provider_jobs.testing.aws.iotanalytics.storage import Kind, MessageStore, parse_message
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.moto_ext import AwsError, Backend

T = TypeVar("T")

log = logging.getLogger(__name__)

#: Where the service was.
REGIONS = [
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-2",
    "cn-north-1",
    "eu-central-1",
    "eu-west-1",
    "us-east-1",
    "us-east-2",
    "us-west-2",
]

#: Starts of reprocessings of one pipeline in 24 hours.
#: https://docs.aws.amazon.com/iotanalytics/latest/userguide/reprocessing.html
MAX_STARTS = 1000
DAY = timedelta(hours=24)
MAX_PAGE = 100
MAX_SAMPLE = 10


class IotAnalyticsBackend(BaseBackend):
    """What an account has in a Region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.repositories: dict[Kind, dict[str, Repository]] = {"channel": {}, "datastore": {}}
        self.pipelines: dict[str, Pipeline] = {}

    def create_repository(self, kind: Kind, request: Mapping[str, Any]) -> Repository:
        """Create a channel or a data store."""
        name, storage = request[f"{kind}Name"], request.get(f"{kind}Storage", {})
        arn = self._new_arn(kind, name, self.repositories[kind])
        if len(storage) > 1:
            raise _invalid(f"{kind}Storage is one of {' and '.join(storage)}.")
        if "iotSiteWiseMultiLayerStorage" in storage:
            raise NotImplementedError("iotSiteWiseMultiLayerStorage is not mocked.")
        store = MessageStore(kind, name, storage, s3_backends[self.account_id][self.partition])
        repository = self.repositories[kind][name] = Repository(kind, arn, request, store)
        return repository

    def create_pipeline(self, name: str, activities: list[dict[str, Any]]) -> Pipeline:
        """Create a pipeline between a channel and a data store that exist."""
        arn = self._new_arn("pipeline", name, self.pipelines)
        pipeline = self.pipelines[name] = Pipeline(name, arn, self.route(activities))
        return pipeline

    def route(self, activities: list[dict[str, Any]]) -> Route:
        """Make a pipeline's activities, between a channel and a data store that exist."""
        try:
            route = Route(activities)
        except ActivityError as error:
            raise _invalid(str(error)) from None
        ends: list[tuple[Kind, str]] = [("channel", route.channel), ("datastore", route.datastore)]
        for kind, name in ends:
            if name not in self.repositories[kind]:
                raise _invalid(f"{kind.capitalize()} {name} does not exist.")
        return route

    def delete_pipeline(self, name: str) -> None:
        """Delete a pipeline; its reprocessings stop."""
        pipeline = self.pipeline(name)
        del self.pipelines[name]
        for reprocessing in pipeline.reprocessings.values():
            if reprocessing.life.active:
                reprocessing.life.stop()

    def repository(self, kind: Kind, name: str) -> Repository:
        """Return a channel or a data store by its name."""
        return _find(kind.capitalize(), self.repositories[kind], name)

    def pipeline(self, name: str) -> Pipeline:
        """Return a pipeline by its name."""
        return _find("Pipeline", self.pipelines, name)

    def put_messages(self, channel_name: str, messages: list[Message]) -> None:
        """Let messages arrive in a channel, and go through its pipelines at once."""
        channel, now = self.repository("channel", channel_name), CONTROL.now()
        channel.append(messages, now)
        for pipeline in self.pipelines.values():
            datastore = self.repositories["datastore"].get(pipeline.route.datastore)
            if pipeline.route.channel == channel_name and datastore is not None:
                failures: list[str] = []
                datastore.append(pipeline.route.run(messages, failures), now)
                for failure in failures:
                    log.warning("Pipeline %s: %s", pipeline.name, failure)

    def start_reprocessing(self, request: Mapping[str, Any]) -> Reprocessing:
        """Start to pass messages of the channel through a pipeline.

        :param request: StartPipelineReprocessing's arguments
        """
        pipeline = self.pipeline(request["pipelineName"])
        messages = self._chosen(self.repository("channel", pipeline.route.channel), request)
        datastore = self.repository("datastore", pipeline.route.datastore)
        yesterday = CONTROL.now() - DAY
        recent = sum(job.life.started_at > yesterday for job in pipeline.reprocessings.values())
        quota = CONTROL.quota(SERVICE, MAX_STARTS)
        if recent >= quota:
            message = f"Pipeline {pipeline.name} has had {quota} reprocessings in 24 hours."
            # AWS does not say which. Of the two that the operation lists, 429 means too many calls as well.
            raise AwsError("ResourceAlreadyExistsException", message, 409)
        window = request.get("startTime"), request.get("endTime")
        job = Reprocessing(pipeline.name, pipeline.route, messages, datastore, window)
        pipeline.reprocessings[job.id] = job
        return job

    def cancel_reprocessing(self, pipeline_name: str, job_id: str) -> None:
        """Cancel a reprocessing that runs."""
        pipeline = self.pipeline(pipeline_name)
        job = _find("Reprocessing", pipeline.reprocessings, job_id)
        if not job.life.active:
            raise _invalid(f"Reprocessing {job_id} is not running: {STATES[job.life.phase]}.")
        job.life.stop()

    def _new_arn(self, kind: str, name: str, existing: Mapping[str, object]) -> str:
        if name in existing:
            message = f"{kind.capitalize()} {name} already exists."
            raise AwsError("ResourceAlreadyExistsException", message, 409)
        return f"arn:{self.partition}:iotanalytics:{self.region_name}:{self.account_id}:{kind}/{name}"

    @staticmethod
    def _chosen(channel: Repository, request: Mapping[str, Any]) -> list[Message]:
        start, end = request.get("startTime"), request.get("endTime")
        if "channelMessages" not in request:
            if start and end and end <= start:
                raise _invalid("endTime must be after startTime.")
            return channel.store.window(start, end)
        if start or end:
            raise _invalid("channelMessages cannot be used together with startTime or endTime.")
        if not channel.store.customer_managed:
            raise _invalid(f"channelMessages needs a customer-managed channel; {channel.name} is not one.")
        return channel.store.read(request["channelMessages"].get("s3Paths", []))


STORE = BackendDict(IotAnalyticsBackend, SERVICE, use_boto3_regions=False, additional_regions=REGIONS)


class IotAnalyticsResponse(RestResponse):
    """The operations of our service model."""

    def __init__(self) -> None:
        super().__init__(service_name=SERVICE)

    @property
    def backend(self) -> IotAnalyticsBackend:
        """What the caller has in the Region."""
        return STORE[self.current_account][self.region]

    def create_channel(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_CreateChannel.html."""
        return self._create("channel")

    def describe_channel(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_DescribeChannel.html."""
        return self._describe("channel")

    def list_channels(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_ListChannels.html."""
        return self._list("channelSummaries", self.backend.repositories["channel"])

    def delete_channel(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_DeleteChannel.html."""
        return self._delete("channel")

    def create_datastore(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_CreateDatastore.html."""
        return self._create("datastore")

    def describe_datastore(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_DescribeDatastore.html."""
        return self._describe("datastore")

    def list_datastores(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_ListDatastores.html."""
        return self._list("datastoreSummaries", self.backend.repositories["datastore"])

    def delete_datastore(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_DeleteDatastore.html."""
        return self._delete("datastore")

    def create_pipeline(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_CreatePipeline.html."""
        arguments = self.arguments
        pipeline = self.backend.create_pipeline(arguments["pipelineName"], arguments["pipelineActivities"])
        return ActionResult({"pipelineName": pipeline.name, "pipelineArn": pipeline.arn})

    def describe_pipeline(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_DescribePipeline.html."""
        return ActionResult({"pipeline": self.backend.pipeline(self.arguments["pipelineName"]).description()})

    def update_pipeline(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_UpdatePipeline.html."""
        arguments = self.arguments
        pipeline = self.backend.pipeline(arguments["pipelineName"])
        pipeline.update(self.backend.route(arguments["pipelineActivities"]))
        return ActionResult({})

    def list_pipelines(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_ListPipelines.html."""
        return self._list("pipelineSummaries", self.backend.pipelines)

    def delete_pipeline(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_DeletePipeline.html."""
        self.backend.delete_pipeline(self.arguments["pipelineName"])
        return ActionResult({})

    def batch_put_message(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_BatchPutMessage.html."""
        arguments = self.arguments
        ids = [message["messageId"] for message in arguments["messages"]]
        if len(set(ids)) < len(ids):
            raise _invalid("messageId must be unique within the batch.")
        messages, errors = [], []
        for message in arguments["messages"]:
            try:
                messages.append(parse_message(message["payload"]))
            except ValueError as error:
                problem = {"errorCode": "InvalidRequestException", "errorMessage": str(error)}
                errors.append({"messageId": message["messageId"], **problem})
        self.backend.put_messages(arguments["channelName"], messages)
        return ActionResult({"batchPutMessageErrorEntries": errors})

    def sample_channel_data(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_SampleChannelData.html."""
        arguments = self.arguments
        channel = self.backend.repository("channel", arguments["channelName"])
        messages = channel.store.window(arguments.get("startTime"), arguments.get("endTime"))
        sample = messages[: arguments.get("maxMessages", MAX_SAMPLE)]
        return ActionResult({"payloads": [json.dumps(message) for message in sample]})

    def run_pipeline_activity(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_RunPipelineActivity.html."""
        arguments = self.arguments
        try:
            messages = [parse_message(payload) for payload in arguments["payloads"]]
            step = step_of(arguments["pipelineActivity"])
        except ValueError as error:
            raise _invalid(str(error)) from None
        failures: list[str] = []
        passed = step(messages, failures)
        payloads = [json.dumps(message, separators=(",", ":")).encode() for message in passed]
        return ActionResult({"payloads": payloads, "logResult": "\n".join(failures)})

    def start_pipeline_reprocessing(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_StartPipelineReprocessing.html."""
        return ActionResult({"reprocessingId": self.backend.start_reprocessing(self.arguments).id})

    def cancel_pipeline_reprocessing(self) -> ActionResult:
        """https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_CancelPipelineReprocessing.html."""
        arguments = self.arguments
        self.backend.cancel_reprocessing(arguments["pipelineName"], arguments["reprocessingId"])
        return ActionResult({})

    def _create(self, kind: Kind) -> ActionResult:
        made = self.backend.create_repository(kind, self.arguments)
        named = {f"{kind}Name": made.name, f"{kind}Arn": made.arn}
        return ActionResult({**named, "retentionPeriod": made.retention})

    def _describe(self, kind: Kind) -> ActionResult:
        arguments = self.arguments
        repository = self.backend.repository(kind, arguments[f"{kind}Name"])
        answer: dict[str, Any] = {kind: repository.description()}
        if arguments.get("includeStatistics"):
            size = {"estimatedSizeInBytes": repository.store.size(), "estimatedOn": CONTROL.now()}
            answer["statistics"] = {"size": size}
        return ActionResult(answer)

    def _delete(self, kind: Kind) -> ActionResult:
        repository = self.backend.repository(kind, self.arguments[f"{kind}Name"])
        del self.backend.repositories[kind][repository.name]
        return ActionResult({})

    def _list(self, rows: str, named: Mapping[str, Repository | Pipeline]) -> ActionResult:
        # A page begins after the last name of the page before, so that it stays true when rows come and go.
        arguments = self.arguments
        try:
            last = urlsafe_b64decode(arguments.get("nextToken", "")).decode()
        except ValueError:
            raise _invalid("nextToken is not valid.") from None
        names = sorted(name for name in named if name > last)
        page = names[: arguments.get("maxResults", MAX_PAGE)]
        answer: dict[str, Any] = {rows: [named[name].summary() for name in page]}
        if len(page) < len(names):
            answer["nextToken"] = urlsafe_b64encode(page[-1].encode()).decode()
        return ActionResult(answer)


BACKEND = Backend(SERVICE, IotAnalyticsResponse, path="/.*$")


def _find(kind: str, named: Mapping[str, T], name: str) -> T:
    if name not in named:
        raise AwsError("ResourceNotFoundException", f"{kind} {name} does not exist.", 404)
    return named[name]


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidRequestException", message)
