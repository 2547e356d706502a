# SPDX-License-Identifier: Apache-2.0

"""What the tests of Lookout for Equipment share."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from testing.conftest import T0, Cloud

BUCKET = "plant-data"
ROLE = "arn:aws:iam::123456789012:role/ingest"


class Plant:
    """A bucket of sensor files and the dataset ``pumps``."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.aws = cloud, cloud.aws
        self.api, self.s3 = cloud.client("lookoutequipment"), cloud.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        self.api.create_dataset(DatasetName="pumps", ClientToken="pumps")

    def put(self, key: str, *rows: str, header: str = "Timestamp,speed,heat", **options: Any) -> int:
        """Put a CSV file under ``data/``; its size."""
        body = "\n".join([header, *rows]).encode()
        self.s3.put_object(Bucket=BUCKET, Key=f"data/{key}", Body=body, **options)
        return len(body)

    def start(
        self, token: str = "one", dataset: str = "pumps", role: str = ROLE, **source: Any
    ) -> dict[str, Any]:
        configured = {
            "Bucket": BUCKET,
            "Prefix": "data/",
            "KeyPattern": "{prefix}/{component_name}/*",
            **source,
        }
        return dict(
            self.api.start_data_ingestion_job(
                DatasetName=dataset,
                RoleArn=role,
                ClientToken=token,
                IngestionInputConfiguration={
                    "S3InputConfiguration": {
                        key: value for key, value in configured.items() if value is not None
                    }
                },
            )
        )

    def describe(self, job_id: str) -> dict[str, Any]:
        described = dict(self.api.describe_data_ingestion_job(JobId=job_id))
        del described["ResponseMetadata"]
        return described

    def end(self, token: str = "one", **options: Any) -> dict[str, Any]:
        """Start a job and describe it at its end."""
        job_id = self.start(token, **options)["JobId"]
        self.aws.advance(job_id)
        return self.describe(job_id)

    def files(self, **options: Any) -> tuple[int, int, list[str]]:
        """Run a job: the files that matched, those ingested, and the keys of those discarded."""
        summary = self.end(**options)["IngestedFilesSummary"]
        discarded = [file["Key"] for file in summary["DiscardedFiles"]]
        return summary["TotalNumberOfFiles"], summary["IngestedNumberOfFiles"], discarded


def error(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    details = caught.value.response["Error"]
    return details["Code"], details["Message"]


def schema(**components: list[str]) -> dict[str, str]:
    described = [
        {
            "ComponentName": name,
            "Columns": [{"Name": "Timestamp", "Type": "DATETIME"}]
            + [{"Name": column, "Type": "DOUBLE"} for column in columns],
        }
        for name, columns in components.items()
    ]
    return {"InlineDataSchema": json.dumps({"Components": described})}


def minute(number: float) -> str:
    return (T0 + timedelta(minutes=number)).isoformat()
