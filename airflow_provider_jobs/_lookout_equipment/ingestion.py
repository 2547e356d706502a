# SPDX-License-Identifier: Apache-2.0

"""Data ingestions as data: a request, and what can be wrong with what was ingested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["QUALITY", "IngestionRequest"]

#: What can be wrong with ingested data, and where AWS's data quality summary counts it.
#: https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_DataQualitySummary.html
QUALITY: Mapping[str, tuple[str, ...]] = {
    "duplicate_timestamps": ("DuplicateTimestamps", "TotalNumberOfDuplicateTimestamps"),
    "invalid_values": ("InvalidSensorData", "TotalNumberOfInvalidValues"),
    "missing_values": ("MissingSensorData", "TotalNumberOfMissingValues"),
    "sensors_with_short_date_range": (
        "InsufficientSensorData",
        "SensorsWithShortDateRange",
        "AffectedSensorCount",
    ),
    "sensors_without_data": ("InsufficientSensorData", "MissingCompleteSensorData", "AffectedSensorCount"),
    "unsupported_timestamps": ("UnsupportedTimestamps", "TotalNumberOfUnsupportedTimestamps"),
}


@dataclass(frozen=True, slots=True)
class IngestionRequest:
    """An ingestion that is asked for, checked.

    :param dataset_name: the dataset.
    :param role_arn: the role that reads the data.
    :param bucket: where the data is.
    :param prefix: where in the bucket.
    :param key_pattern: how the components' files are named.
    :param client_token: a token of the user's own.
    """

    dataset_name: str
    role_arn: str
    bucket: str
    prefix: str | None = None
    key_pattern: str | None = None
    client_token: str | None = None

    @property
    def given(self) -> str:
        """The user's own token for the job."""
        return self.client_token or ""

    def source(self) -> dict[str, Any]:
        """Return it as ``IngestionInputConfiguration``."""
        source = {"Bucket": self.bucket, "Prefix": self.prefix, "KeyPattern": self.key_pattern}
        return {"S3InputConfiguration": {key: value for key, value in source.items() if value is not None}}

    def facts(self) -> dict[str, Any]:
        """Return what AWS acts on."""
        return {"dataset": self.dataset_name, "role": self.role_arn, **self.source()["S3InputConfiguration"]}
