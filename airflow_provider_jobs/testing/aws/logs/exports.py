# SPDX-License-Identifier: Apache-2.0

"""An export of a log group, and how AWS describes it.

Models https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_ExportTask.html.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from moto.logs.models import LogGroup, LogStream

from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.pace import Phase

SERVICE = "logs"
#: Without a prefix of the user's.
PREFIX = "exportedlogs"

STATES = {
    Phase.STARTING: "PENDING",
    Phase.RUNNING: "RUNNING",
    Phase.STOPPING: "PENDING_CANCEL",
    Phase.SUCCEEDED: "COMPLETED",
    Phase.FAILED: "FAILED",
    Phase.STOPPED: "CANCELLED",
}
MESSAGES = {"COMPLETED": "Completed successfully", "CANCELLED": "Cancelled by user"}


class Export:
    """An export of the events that the log group had when it started, one stream after the other.

    :param group: the log group
    :param request: CreateExportTask's arguments, checked
    :param put: writes an object to the bucket, by its key
    """

    def __init__(
        self, group: LogGroup, request: Mapping[str, Any], put: Callable[[str, bytes], object]
    ) -> None:
        self.id = str(uuid4())
        self._request, self._put = request, put
        begins = request.get("logStreamNamePrefix", "")
        found = {
            name: self._lines(stream) for name, stream in group.streams.items() if name.startswith(begins)
        }
        self._streams = sorted((name, lines) for name, lines in found.items() if lines)
        self._written = 0
        self.life = CONTROL.start(SERVICE, self.id, self.view)
        self._write()  # it may be at its end as it starts
        self.listed = CONTROL.replica_of(self.life, "lists", self.row)
        self.described = CONTROL.replica_of(self.life, "descriptions", self.row)

    @property
    def state(self) -> str:
        """The status code."""
        return STATES[self.life.phase]

    @property
    def prefix(self) -> str:
        """What the keys begin with."""
        prefix: str = self._request.get("destinationPrefix", PREFIX)
        return prefix

    def view(self) -> dict[str, Any]:
        """Write what is due, and describe the export for ``AwsJobs.jobs``."""
        self._write()
        return {
            "state": self.state,
            "task_name": self._request.get("taskName"),
            "log_group": self._request["logGroupName"],
            "window": [self._request["from"], self._request["to"]],
            "streams": self._written,
        }

    def row(self) -> dict[str, Any]:
        """Describe the export as DescribeExportTasks does."""
        self._write()
        told = ("taskName", "logGroupName", "from", "to", "destination")
        times = {"creationTime": self.life.started_at, "completionTime": self.life.ended_at}
        message = self.life.failure or MESSAGES.get(self.state)
        return {
            "taskId": self.id,
            **{name: self._request[name] for name in told if name in self._request},
            "destinationPrefix": self.prefix,
            "status": {"code": self.state, **({"message": message} if message else {})},
            "executionInfo": {
                name: int(time.timestamp() * 1000) for name, time in times.items() if time is not None
            },
        }

    def _lines(self, stream: LogStream) -> list[str]:
        """The events of the window, both bounds included, as an export has them."""
        first, last = self._request["from"], self._request["to"]
        events = [event for event in stream.events if first <= event.timestamp <= last]
        return [f"{_time(event.timestamp)} {event.message}\n" for event in events]

    def _write(self) -> None:
        due = int(len(self._streams) * self.life.peek())
        for name, lines in self._streams[self._written : due]:
            key = f"{self.prefix}/{self.id}/{name.replace('/', '-')}/000000.gz"
            self._put(key, gzip.compress("".join(lines).encode()))
        self._written = max(self._written, due)


def _time(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
