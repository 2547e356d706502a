# SPDX-License-Identifier: Apache-2.0

"""A job of each service that has lists and descriptions, as both show it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from botocore.exceptions import ClientError

from .aws.iotanalytics.sensors import Sensors
from .aws.lookoutequipment.plant import Plant
from .conftest import Cloud


class Jobs(Protocol):
    """One job of a service, as lists and descriptions show it."""

    service: str

    def start(self) -> str: ...

    def stop(self) -> None: ...

    def listed(self) -> str | None:
        """The job's state; None if it is not shown."""

    def described(self) -> str | None:
        """The job's state; None if it is not shown."""


class Replays:
    service = "events"

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        cloud.archive()

    def start(self) -> str:
        self.cloud.start()
        return "replay"

    def stop(self) -> None:
        self.cloud.events.cancel_replay(ReplayName="replay")

    def listed(self) -> str | None:
        rows = self.cloud.events.list_replays()["Replays"]
        return rows[0]["State"] if rows else None

    def described(self) -> str | None:
        return found(self.cloud.state)


class Ingestions:
    service = "lookoutequipment"

    def __init__(self, cloud: Cloud) -> None:
        self.plant = Plant(cloud)
        self.plant.put("a/1.csv", "2026-01-01T00:00:00,1,2")

    def start(self) -> str:
        self.id = str(self.plant.start()["JobId"])
        return self.id

    def stop(self) -> None:
        self.plant.aws.advance(self.id)

    def listed(self) -> str | None:
        rows = self.plant.api.list_data_ingestion_jobs()["DataIngestionJobSummaries"]
        return rows[0]["Status"] if rows else None

    def described(self) -> str | None:
        return found(lambda: str(self.plant.describe(self.id)["Status"]))


class Reprocessings:
    service = "iotanalytics"

    def __init__(self, cloud: Cloud) -> None:
        self.sensors = Sensors(cloud)

    def start(self) -> str:
        self.id = self.sensors.start()
        return self.id

    def stop(self) -> None:
        self.sensors.api.cancel_pipeline_reprocessing(pipelineName="cleaning", reprocessingId=self.id)
        self.sensors.aws.advance(self.id)

    def listed(self) -> str | None:
        (pipeline,) = self.sensors.api.list_pipelines()["pipelineSummaries"]
        rows = pipeline["reprocessingSummaries"]
        return rows[0]["status"] if rows else None

    def described(self) -> str | None:
        states = self.sensors.states()
        return states[0] if states else None


def found(state: Callable[[], str]) -> str | None:
    try:
        return state()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None


KINDS: list[Callable[[Cloud], Jobs]] = [Replays, Ingestions, Reprocessings]
