# SPDX-License-Identifier: Apache-2.0

"""What a Lookout for Equipment ingestion makes of the files in S3: which it takes, and how good they are.

Models https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/formatting-data.html and
https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_DataQualitySummary.html.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from moto.s3.models import FakeKey
from moto.s3.utils import ARCHIVE_STORAGE_CLASSES

#: The columns of each component, the timestamp first.
Schema: TypeAlias = dict[str, list[str]]

DEFAULT_KEY_PATTERN = "{prefix}/{component_name}/*"
KEY_PATTERN = re.compile(r"\{prefix\}/\{component_name\}([/ ._-])\*")
COMPONENT_NAME = re.compile(r"[0-9a-zA-Z._\-]{1,200}")

#: Seconds; a sensor whose data span less has a short date range.
SHORT_DATE_RANGE = 14 * 24 * 3600

#: Beside ISO 8601, epoch seconds or milliseconds, and 14 digits: those of the guide and of
#: https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_InferenceInputNameConfiguration.html
TIME_FORMATS = ("%Y-%m-%d-%H-%M-%S", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S")

MISSING = ("", "nan", "null")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Ingested:
    """What an ingestion took in.

    :param schema: of all components, also those that had no files
    :param files: AWS's IngestedFilesSummary
    :param size: of the files that were taken in, bytes
    :param start: the earliest time of a valid value, epoch seconds; None if there is no such value
    :param end: the latest, likewise
    :param quality: AWS's DataQualitySummary
    :param failure: why the job fails, if it does
    """

    schema: Schema
    files: dict[str, Any]
    size: int
    start: float | None
    end: float | None
    quality: dict[str, Any]
    failure: str | None


@dataclass
class Sensor:
    """The values of one sensor so far, over all files."""

    seen: set[float] = field(default_factory=set)
    valid: list[float] = field(default_factory=list)
    missing: int = 0
    invalid: int = 0

    def add(self, time: float, cell: str) -> bool:
        """Take in a value, unless there was one of that time.

        :param time: epoch seconds
        :param cell: as in the file
        :return: whether it was taken in
        """
        if time in self.seen:
            return False
        self.seen.add(time)
        cell = cell.strip()
        if cell.lower() in MISSING:
            self.missing += 1
        elif not NUMBER.fullmatch(cell):
            self.invalid += 1
        else:
            self.valid.append(time)
        return True

    @property
    def short(self) -> bool:
        """Whether it has data, but not of enough days."""
        return bool(self.valid) and max(self.valid) - min(self.valid) < SHORT_DATE_RANGE


class Ingestion:
    """An ingestion of files, one after the other.

    :param schema: the columns that files must keep to; empty if the files make the schema
    """

    def __init__(self, schema: Schema) -> None:
        self._fixed = bool(schema)
        self._schema = {component: list(columns) for component, columns in schema.items()}
        self._sensors = {
            (component, column): Sensor() for component, columns in schema.items() for column in columns[1:]
        }
        self._total = self._size = self._unsupported = self._duplicates = 0
        self._discarded: list[dict[str, str]] = []

    def add(self, component: str, key: FakeKey) -> None:
        """Take in a file, or discard it whole if it is not a proper CSV file."""
        self._total += 1
        try:
            header, rows = read_csv(key)
            self._check_header(component, header)
        except (ValueError, csv.Error):
            self._discarded.append({"Bucket": str(key.bucket_name), "Key": key.name})
            return
        self._size += key.size
        columns = self._schema.setdefault(component, header[:1])
        columns += [column for column in header[1:] if column not in columns]
        sensors = [self._sensors.setdefault((component, column), Sensor()) for column in header[1:]]
        for row in rows:
            self._add_row(sensors, row)

    def _check_header(self, component: str, header: list[str]) -> None:
        columns = self._schema.get(component, header)
        if header[0] != columns[0] or (self._fixed and not set(header) <= set(columns)):
            raise ValueError("The columns are not those of the schema.")

    def _add_row(self, sensors: list[Sensor], row: list[str]) -> None:
        time = parse_time(row[0])
        if time is None:
            self._unsupported += 1
        # Every sensor gets its value; the timestamp is a duplicate once, however many sensors had it.
        elif not all([sensor.add(time, cell) for sensor, cell in zip(sensors, row[1:], strict=True)]):
            self._duplicates += 1

    def result(self, bucket: str) -> Ingested:
        """Sum up.

        :param bucket: where the files come from, for the reason of a failure
        """
        bounds = [bound for s in self._sensors.values() if s.valid for bound in (min(s.valid), max(s.valid))]
        taken = self._total - len(self._discarded)
        return Ingested(
            schema=self._schema,
            files={
                "TotalNumberOfFiles": self._total,
                "IngestedNumberOfFiles": taken,
                "DiscardedFiles": self._discarded,
            },
            size=self._size,
            start=min(bounds, default=None),
            end=max(bounds, default=None),
            quality=self._quality(),
            failure=None if taken else self._failure(bucket),
        )

    def _failure(self, bucket: str) -> str:
        if not self._total:
            return f"No files in bucket {bucket} match the prefix and the key pattern."
        return f"None of the {self._total} files could be ingested: they are not readable as CSV files."

    def _quality(self) -> dict[str, Any]:
        sensors = self._sensors.values()
        return {
            "InsufficientSensorData": {
                "MissingCompleteSensorData": {"AffectedSensorCount": sum(not s.valid for s in sensors)},
                "SensorsWithShortDateRange": {"AffectedSensorCount": sum(s.short for s in sensors)},
            },
            "MissingSensorData": {
                "AffectedSensorCount": sum(s.missing > 0 for s in sensors),
                "TotalNumberOfMissingValues": sum(s.missing for s in sensors),
            },
            "InvalidSensorData": {
                "AffectedSensorCount": sum(s.invalid > 0 for s in sensors),
                "TotalNumberOfInvalidValues": sum(s.invalid for s in sensors),
            },
            "UnsupportedTimestamps": {"TotalNumberOfUnsupportedTimestamps": self._unsupported},
            "DuplicateTimestamps": {"TotalNumberOfDuplicateTimestamps": self._duplicates},
        }


def ingest(keys: Iterable[FakeKey], bucket: str, prefix: str, pattern: str, schema: Schema) -> Ingested:
    """Read the files that match.

    :param keys: what is in the bucket under the prefix
    :param bucket: its name
    :param prefix: empty, or with a slash at its end
    :param pattern: a valid key pattern
    :param schema: of the dataset; empty if the files make it
    """
    match = KEY_PATTERN.fullmatch(pattern)
    assert match is not None
    ingestion = Ingestion(schema)
    for key in keys:
        component = component_of(key.name.removeprefix(prefix), match[1], schema)
        # A key with a slash at its end is a folder of the console, no file.
        if component is not None and not key.name.endswith("/"):
            ingestion.add(component, key)
    return ingestion.result(bucket)


def component_of(path: str, delimiter: str, components: Collection[str]) -> str | None:
    """Return the component that a file belongs to, or None if it matches none.

    :param path: the file's key without the prefix
    :param delimiter: what the key pattern has after the component's name
    :param components: those of the schema; if there are none, the name is what is before the delimiter
    """
    if components:
        owners = [name for name in components if path.startswith(name + delimiter)]
        return max(owners, key=len, default=None)  # pump_1_2026.csv is of pump_1, not of pump
    name, found, _ = path.partition(delimiter)
    return name if found and COMPONENT_NAME.fullmatch(name) else None


def read_csv(key: FakeKey) -> tuple[list[str], list[list[str]]]:
    """Return a CSV file's header and rows; ValueError or csv.Error if it is unreadable or malformed."""
    if not key.name.lower().endswith(".csv"):
        raise ValueError("Not a CSV file.")
    if key.storage_class in ARCHIVE_STORAGE_CLASSES and key.expiry_date is None:
        raise ValueError("Archived and not restored.")
    lines = io.StringIO(key.value.decode("utf-8-sig"), newline="")
    header, *rows = [row for row in csv.reader(lines, strict=True) if row]
    header = [name.strip() for name in header]
    if len(header) < 2 or "" in header or len(set(header)) < len(header) or parse_time(header[0]) is not None:
        raise ValueError("No header of a timestamp and sensors.")
    if not rows or any(len(row) != len(header) for row in rows):
        raise ValueError("No rows, or rows that do not fit the header.")
    return header, rows


def parse_time(text: str) -> float | None:
    """Return a timestamp as epoch seconds, UTC unless it says otherwise; None if it is unsupported."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return _parse_digits(text)
    time = _parse_iso(text) or next(filter(None, (_parse(text, form) for form in TIME_FORMATS)), None)
    return None if time is None else _epoch(time)


def _parse_digits(text: str) -> float | None:
    match len(text):
        case 10:
            return float(text)
        case 13:
            return int(text) / 1000
        case 14:
            time = _parse(text, "%Y%m%d%H%M%S")
            return None if time is None else _epoch(time)
    return None


def _parse_iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _parse(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        return None


def _epoch(time: datetime) -> float:
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def parse_schema(text: str) -> Schema:
    """Read a dataset's InlineDataSchema; ValueError if it is none."""
    try:
        components = json.loads(text)["Components"]
        schema = {component["ComponentName"]: _columns(component["Columns"]) for component in components}
        names = all(COMPONENT_NAME.fullmatch(name) for name in schema)
    except (KeyError, TypeError) as error:
        raise ValueError(f"It does not have the form of a schema ({error!r}).") from error
    if not names or not schema or len(schema) < len(components):
        raise ValueError("It needs components, each with a valid name of its own.")
    return schema


def _columns(columns: list[dict[str, str]]) -> list[str]:
    if [column["Type"] for column in columns] != ["DATETIME"] + ["DOUBLE"] * max(len(columns) - 1, 1):
        raise ValueError("A component has one DATETIME column and then one or more DOUBLE columns.")
    names = [column["Name"] for column in columns]
    if len(set(names)) < len(names):
        raise ValueError("A component has two columns of the same name.")
    return names


def format_schema(schema: Schema) -> str:
    """Write a schema as an InlineDataSchema."""
    components = [
        {
            "ComponentName": component,
            "Columns": [
                {"Name": name, "Type": "DOUBLE" if position else "DATETIME"}
                for position, name in enumerate(columns)
            ],
        }
        for component, columns in schema.items()
    ]
    return json.dumps({"Components": components})
