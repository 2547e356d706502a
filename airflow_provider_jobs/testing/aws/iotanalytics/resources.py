# SPDX-License-Identifier: Apache-2.0

"""What an IoT Analytics account has: channels, data stores, and pipelines with their reprocessings."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from airflow_provider_jobs.testing.aws.iotanalytics.messages import Message
from airflow_provider_jobs.testing.aws.iotanalytics.pipeline import Route
from airflow_provider_jobs.testing.aws.iotanalytics.storage import Kind, MessageStore
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.lag import LagIn, Replica
from airflow_provider_jobs.testing.moto_ext import AwsError
from airflow_provider_jobs.testing.pace import Phase

log = logging.getLogger(__name__)

SERVICE = "iotanalytics"

STATES = {
    Phase.STARTING: "RUNNING",
    Phase.RUNNING: "RUNNING",
    Phase.STOPPING: "RUNNING",
    Phase.SUCCEEDED: "SUCCEEDED",
    Phase.FAILED: "FAILED",
    Phase.STOPPED: "CANCELLED",
}


class Repository:
    """A channel or a data store.

    :param kind: which of the two
    :param arn: its ARN
    :param request: the arguments of CreateChannel or CreateDatastore
    :param store: its messages
    """

    def __init__(self, kind: Kind, arn: str, request: Mapping[str, Any], store: MessageStore) -> None:
        self.kind, self.arn, self.store = kind, arn, store
        self.name: str = request[f"{kind}Name"]
        self.retention: Mapping[str, Any] = request.get("retentionPeriod", {"unlimited": True})
        self._storage: Mapping[str, Any] = request.get(f"{kind}Storage", {"serviceManagedS3": {}})
        self._format: Mapping[str, Any] = request.get("fileFormatConfiguration") or {"jsonConfiguration": {}}
        self._partitions: Mapping[str, Any] | None = request.get("datastorePartitions")
        self._created = CONTROL.now()
        self._last_arrival: datetime | None = None

    def append(self, messages: list[Message], arrived: datetime) -> None:
        """Keep messages that arrive now."""
        if messages:
            self._last_arrival = arrived
            self.store.append(messages, arrived)

    def summary(self) -> dict[str, Any]:
        """Describe it as a row of ListChannels or ListDatastores."""
        file_format = "PARQUET" if "parquetConfiguration" in self._format else "JSON"
        named = {f"{self.kind}Name": self.name, f"{self.kind}Storage": self._storage}
        return {**named, **self._layout({"fileFormatType": file_format}), **self._state()}

    def description(self) -> dict[str, Any]:
        """Describe it as DescribeChannel or DescribeDatastore does."""
        retention = {"retentionPeriod": self.retention}
        layout = self._layout({"fileFormatConfiguration": self._format})
        named = {"name": self.name, "arn": self.arn, "storage": self._storage}
        return {**named, **retention, **layout, **self._state()}

    def _layout(self, file_format: Mapping[str, Any]) -> dict[str, Any]:
        """How a data store keeps messages; a channel has no such members."""
        if self.kind == "channel":
            return {}
        return {**file_format, **({"datastorePartitions": self._partitions} if self._partitions else {})}

    def _state(self) -> dict[str, Any]:
        return {
            "status": "ACTIVE",
            "creationTime": self._created,
            "lastUpdateTime": self._created,
            "lastMessageArrivalTime": self._last_arrival,
        }


class Reprocessing:
    """A pass of raw messages through a pipeline as it was when the reprocessing started.

    :param pipeline: the pipeline's name
    :param route: its activities
    :param messages: what goes through
    :param datastore: where they go
    :param window: the arrivals it was asked for, open where None
    """

    def __init__(
        self,
        pipeline: str,
        route: Route,
        messages: list[Message],
        datastore: Repository,
        window: tuple[datetime | None, datetime | None],
    ) -> None:
        self.id = str(uuid4())
        self._pipeline, self._route, self._datastore = pipeline, route, datastore
        self._window = [bound and bound.timestamp() for bound in window]
        self._messages = messages
        self._processed = 0
        self._stored: list[Message] = []
        self._failures: list[str] = []
        self.life = CONTROL.start(SERVICE, self.id, self.view)
        self._process()  # it may be at its end as it starts
        self.shown: dict[LagIn, Replica] = {
            "lists": CONTROL.replica_of(self.life, "lists", self.summary),
            "descriptions": CONTROL.replica_of(self.life, "descriptions", self.summary),
        }

    def view(self) -> dict[str, Any]:
        """Process what is due, and describe the reprocessing for ``AwsJobs.jobs``."""
        self._process()
        return {
            "state": STATES[self.life.phase],
            "pipeline": self._pipeline,
            "datastore": self._datastore.name,
            "start_time": self._window[0],
            "end_time": self._window[1],
            "messages": len(self._messages),
            "processed": self._processed,
            "stored": len(self._stored),
            "failures": list(self._failures),
        }

    def summary(self) -> dict[str, Any]:
        """Describe it as DescribePipeline and ListPipelines do."""
        self._process()
        return {"id": self.id, "status": STATES[self.life.phase], "creationTime": self.life.started_at}

    def _process(self) -> None:
        due = int(len(self._messages) * self.life.peek())
        if due <= self._processed:
            return
        messages = self._messages[self._processed : due]
        # Before they are passed: a Lambda function may call AWS, where all jobs are brought up to date.
        self._processed = due
        kept = self._route.run(messages, self._failures)
        if not kept:
            return
        self._stored += kept
        try:
            self._datastore.store.write(self.id, self._stored, self.life.started_at)
        except AwsError as error:
            log.warning("Reprocessing %s: nothing is stored any more: %s", self.id, error)


class Pipeline:
    """A pipeline and its reprocessings, oldest first.

    :param name: its name
    :param arn: its ARN
    :param route: its activities
    """

    def __init__(self, name: str, arn: str, route: Route) -> None:
        self.name, self.arn = name, arn
        self.reprocessings: dict[str, Reprocessing] = {}
        self._created = CONTROL.now()
        self.update(route)

    def update(self, route: Route) -> None:
        """Replace the activities; reprocessings in flight keep theirs."""
        self.route, self._updated = route, CONTROL.now()

    def summary(self) -> dict[str, Any]:
        """Describe it as a row of ListPipelines, which is a read of each of its reprocessings."""
        return {"pipelineName": self.name, **self._state("lists")}

    def description(self) -> dict[str, Any]:
        """Describe it as DescribePipeline does, which is a read of each of its reprocessings."""
        state = self._state("descriptions")
        return {"name": self.name, "arn": self.arn, "activities": self.route.activities, **state}

    def _state(self, where: LagIn) -> dict[str, Any]:
        shown = [job.shown[where] for job in self.reprocessings.values()]
        return {
            "reprocessingSummaries": [each.read() for each in shown if each.look() is not None],
            "creationTime": self._created,
            "lastUpdateTime": self._updated,
        }
