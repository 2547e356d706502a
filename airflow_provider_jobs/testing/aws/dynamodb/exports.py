# SPDX-License-Identifier: Apache-2.0

"""An export of a table, how AWS describes it, and what it writes.

Models https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExportDescription.html and
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import md5
from typing import Any
from uuid import uuid4
from zlib import crc32

from airflow_provider_jobs.testing.aws.dynamodb.history import History, NetChange
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.pace import Phase

SERVICE = "dynamodb"
INCREMENTAL = "INCREMENTAL_EXPORT"
#: How many partitions a table has; each has a file.
PARTITIONS = 2
#: What AWS bills at least for the changes of a window.
MIN_BILLED = 10 * 1024 * 1024
NO_BUCKET = "The specified bucket does not exist"
_STATES = {Phase.SUCCEEDED: "COMPLETED", Phase.FAILED: "FAILED"}
_TOLD = (
    "ClientToken",
    "S3Bucket",
    "S3BucketOwner",
    "S3Prefix",
    "S3SseKmsKeyId",
    "ExportType",
    "ExportFormat",
)

Put = Callable[[str, bytes], object]


class Export:
    """An export of what a table has had at the time that is asked for, one partition after the other.

    :param table_arn: the table
    :param asked: ExportTableToPointInTime's arguments
    :param request: these, checked, with AWS's defaults
    :param history: the table's
    :param put: writes an object to the bucket, by its key; None if there is no bucket
    """

    def __init__(
        self,
        table_arn: str,
        asked: Mapping[str, Any],
        request: Mapping[str, Any],
        history: History,
        put: Put | None,
    ) -> None:
        self.asked, self.request, self._put = asked, request, put
        self._table = {"TableArn": table_arn, "TableId": history.table_id}
        now = CONTROL.clock()
        self.id = f"{int(now.timestamp() * 1000):014}-{uuid4().hex[:8]}"
        self.arn = f"{table_arn}/export/{self.id}"
        self._files = _files(_lines(request, history))
        self.item_count = sum(map(len, self._files))
        self._written: list[dict[str, Any]] = []
        self._summed_up = False
        self.life = CONTROL.start(SERVICE, self.arn, self.view)
        if put is None:
            self.life.fail(NO_BUCKET)
        else:
            put(f"{self._folder}/_started", b"")
        self._write()  # it may be at its end as it starts
        self.listed = CONTROL.replica_of(self.life, "lists", self.summary)
        self.described = CONTROL.replica_of(self.life, "descriptions", self.row)

    @property
    def state(self) -> str:
        """The status."""
        return _STATES.get(self.life.phase, "IN_PROGRESS")

    @property
    def _base(self) -> str:
        return "/".join(filter(None, (self.request.get("S3Prefix"), "AWSDynamoDB")))

    @property
    def _folder(self) -> str:
        return f"{self._base}/{self.id}"

    @property
    def _size(self) -> int:
        size = sum(len(line) + 1 for lines in self._files for line in lines)
        return max(size, MIN_BILLED) if self.request["ExportType"] == INCREMENTAL else size

    def view(self) -> dict[str, Any]:
        """Write what is due, and describe the export for ``AwsJobs.jobs``."""
        self._write()
        changes = self.request.get("IncrementalExportSpecification", {})
        return {
            "state": self.state,
            "table": self._table["TableArn"],
            "client_token": self.request.get("ClientToken"),
            "type": self.request["ExportType"],
            "window": [changes.get("ExportFromTime"), changes.get("ExportToTime")],
            "files": len(self._written),
        }

    def summary(self) -> dict[str, Any]:
        """Describe the export as ListExports does."""
        self._write()
        return {"ExportArn": self.arn, "ExportStatus": self.state, "ExportType": self.request["ExportType"]}

    def row(self) -> dict[str, Any]:
        """Describe the export as DescribeExport does."""
        told = {name: self.request[name] for name in _TOLD if name in self.request}
        times = {"StartTime": self.life.started_at, "EndTime": self.life.ended_at}
        row = {
            **self.summary(),
            **self._table,
            **told,
            **{name: time.timestamp() for name, time in times.items() if time is not None},
            "S3SseAlgorithm": self.request.get("S3SseAlgorithm", "AES256"),
        }
        for name in ("ExportTime", "IncrementalExportSpecification"):
            if name in self.request:
                row[name] = self.request[name]
        if self.state == "COMPLETED":
            row["ExportManifest"] = f"{self._folder}/manifest-summary.json"
            row["ItemCount"], row["BilledSizeBytes"] = self.item_count, self._size
        if self.life.failure is not None:
            missing = self.life.failure == NO_BUCKET
            row["FailureCode"] = "S3NoSuchBucket" if missing else "UNKNOWN"
            row["FailureMessage"] = self.life.failure
        return row

    def _write(self) -> None:
        if self._put is None:
            return
        due = int(len(self._files) * self.life.peek())
        # Those of one window after the other lie in one folder.
        folder = self._base if self.request["ExportType"] == INCREMENTAL else self._folder
        for lines in self._files[len(self._written) : due]:
            data = gzip.compress("".join(f"{line}\n" for line in lines).encode())
            file = {"itemCount": len(lines), **_sums(data)}
            self._written.append({**file, "dataFileS3Key": f"{folder}/data/{uuid4().hex[:26]}.json.gz"})
            self._put(self._written[-1]["dataFileS3Key"], data)
        if self.state == "COMPLETED" and not self._summed_up:
            self._summed_up = True
            self._with_checksum("manifest-files", "".join(f"{json.dumps(file)}\n" for file in self._written))
            self._with_checksum("manifest-summary", json.dumps(self._manifest()))

    def _with_checksum(self, name: str, text: str) -> None:
        assert self._put is not None
        data = text.encode()
        self._put(f"{self._folder}/{name}.json", data)
        self._put(f"{self._folder}/{name}.checksum", _sums(data)["md5Checksum"].encode())

    def _manifest(self) -> dict[str, Any]:
        request, ended = self.request, self.life.ended_at
        assert ended is not None
        changes = request.get("IncrementalExportSpecification")
        what = {"exportTime": _text(request["ExportTime"])} if changes is None else {
            "exportFromTime": _text(changes["ExportFromTime"]),
            "exportToTime": _text(changes["ExportToTime"]),
        }  # fmt: skip
        manifest = {
            "version": "2020-06-30" if changes is None else "2023-08-01",
            "exportArn": self.arn,
            "startTime": _text(self.life.started_at.timestamp()),
            "endTime": _text(ended.timestamp()),
            "tableArn": self._table["TableArn"],
            "tableId": self._table["TableId"],
            **what,
            "s3Bucket": request["S3Bucket"],
            "s3Prefix": request.get("S3Prefix"),
            "s3SseAlgorithm": request.get("S3SseAlgorithm", "AES256"),
            "s3SseKmsKeyId": request.get("S3SseKmsKeyId"),
            "manifestFilesS3Key": f"{self._folder}/manifest-files.json",
            "billedSizeBytes": self._size,
            "itemCount": self.item_count,
            "outputFormat": request["ExportFormat"],
        }
        if changes is not None:
            manifest |= {"outputView": changes["ExportViewType"], "exportType": INCREMENTAL}
        return manifest


def _lines(request: Mapping[str, Any], history: History) -> dict[str, str]:
    """Return the lines of what is exported, by what tells their partition."""
    changes = request.get("IncrementalExportSpecification")
    if changes is None:
        items = [json.dumps({"Item": item}) for item in history.state(_moment(request["ExportTime"]))]
        return {line: line for line in items}
    bounds = (_moment(changes[name]) for name in ("ExportFromTime", "ExportToTime"))
    both = changes["ExportViewType"] == "NEW_AND_OLD_IMAGES"
    return {json.dumps(each.keys): _change_line(each, both) for each in history.changes(*bounds)}


def _change_line(change: NetChange, both: bool) -> str:
    micros = int(change.at.timestamp()) * 1_000_000 + change.at.microsecond
    images = {"NewImage": change.new, "OldImage": change.old if both else None}
    return json.dumps(
        {
            "Metadata": {"WriteTimestampMicros": {"N": str(micros)}},
            "Keys": change.keys,
            **{name: image for name, image in images.items() if image is not None},
        }
    )


def _files(lines: Mapping[str, str]) -> list[list[str]]:
    files: list[list[str]] = [[] for _ in range(PARTITIONS)]
    for key, line in lines.items():
        files[crc32(key.encode()) % PARTITIONS].append(line)
    return files


def _sums(data: bytes) -> dict[str, str]:
    found = md5(data, usedforsecurity=False)
    return {"md5Checksum": b64encode(found.digest()).decode(), "etag": f"{found.hexdigest()}-1"}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _text(seconds: float) -> str:
    return _moment(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")
