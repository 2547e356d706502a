# SPDX-License-Identifier: Apache-2.0

"""Exports of the mocked DynamoDB: what they write, and when."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from datetime import timedelta
from typing import Any

import job_targets
import pytest
from botocore.exceptions import ClientError
from testing.conftest import Cloud

ARN = job_targets.TABLE_ARN.format("orders")
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def table(cloud: Cloud) -> None:
    """A table that is four hours old, with an item from before its point-in-time recovery was turned on."""
    cloud.aws.set_clock_skew(-4 * HOUR.total_seconds())
    job_targets.table(cloud.client, "orders")
    recover(cloud, on=False)
    put(cloud, "0", "first")
    recover(cloud, on=True)
    cloud.aws.set_clock_skew(0)


def recover(cloud: Cloud, *, on: bool) -> dict[str, Any]:
    answer = cloud.client("dynamodb").update_continuous_backups(
        TableName="orders", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on}
    )
    found: dict[str, Any] = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return found


def put(cloud: Cloud, key: str, state: str) -> None:
    item = {"id": {"S": key}, "state": {"S": state}}
    cloud.client("dynamodb").put_item(TableName="orders", Item=item)


def start(cloud: Cloud, **more: Any) -> str:
    given = {"TableArn": ARN, "S3Bucket": "exports", **more}
    answer = cloud.client("dynamodb").export_table_to_point_in_time(**given)
    return str(answer["ExportDescription"]["ExportArn"])


def changes(cloud: Cloud, hours: float = 1, **more: Any) -> str:
    """Start an export of the changes of the last hours."""
    end = cloud.aws.now()
    window = {"ExportFromTime": end - hours * HOUR, "ExportToTime": end, **more}
    return start(cloud, ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification=window)


def objects(cloud: Cloud) -> dict[str, bytes]:
    s3 = cloud.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="exports").get("Contents", ())]
    return {key: s3.get_object(Bucket="exports", Key=key)["Body"].read() for key in keys}


def lines(cloud: Cloud) -> list[dict[str, Any]]:
    """The lines of all data files."""
    files = [gzip.decompress(data) for key, data in objects(cloud).items() if key.endswith(".gz")]
    return [json.loads(line) for file in files for line in file.decode().splitlines()]


def test_files_are_written_as_far_as_the_export_has_come(cloud: Cloud) -> None:
    cloud.aws.set_pace()
    export_arn = start(cloud, S3Prefix="full")
    folder = f"full/AWSDynamoDB/{export_arn.rpartition('/')[2]}"
    assert objects(cloud) == {f"{folder}/_started": b""}
    cloud.aws.advance(export_arn, to=0.5)
    assert [key.rpartition("/")[0] for key in objects(cloud)] == [folder, f"{folder}/data"]
    cloud.aws.advance(export_arn)
    names = [key.removeprefix(folder) for key in objects(cloud)]
    assert [name for name in names if "/data/" not in name] == [
        "/_started",
        "/manifest-files.checksum",
        "/manifest-files.json",
        "/manifest-summary.checksum",
        "/manifest-summary.json",
    ]


def test_the_manifests_tell_the_files_and_their_sums(cloud: Cloud) -> None:
    cloud.aws.set_pace(seconds=0)
    export_arn = start(cloud)
    found = objects(cloud)
    described = cloud.client("dynamodb").describe_export(ExportArn=export_arn)["ExportDescription"]
    summary = json.loads(found[described["ExportManifest"]])
    assert (summary["exportArn"], summary["itemCount"]) == (export_arn, described["ItemCount"])
    for row in map(json.loads, found[summary["manifestFilesS3Key"]].splitlines()):
        data = found[row["dataFileS3Key"]]
        assert row["md5Checksum"] == base64.b64encode(hashlib.md5(data).digest()).decode()
        assert row["itemCount"] == len(gzip.decompress(data).splitlines())
    assert lines(cloud) == [{"Item": {"id": {"S": "0"}, "state": {"S": "first"}}}]


def test_it_has_what_was_there_at_its_start(cloud: Cloud) -> None:
    cloud.aws.set_pace()
    export_arn = start(cloud)
    put(cloud, "1", "late")
    cloud.aws.advance(export_arn)
    assert [line["Item"]["id"]["S"] for line in lines(cloud)] == ["0"]


def test_changes_of_one_item_are_one(cloud: Cloud) -> None:
    for state in ("second", "third"):
        put(cloud, "0", state)
    put(cloud, "1", "short")
    cloud.client("dynamodb").delete_item(TableName="orders", Key={"id": {"S": "1"}})
    cloud.aws.set_clock_skew(1)
    cloud.aws.set_pace(seconds=0)
    changes(cloud)
    (line,) = lines(cloud)
    assert (line["OldImage"]["state"], line["NewImage"]["state"]) == ({"S": "first"}, {"S": "third"})


def test_a_failed_transaction_changes_nothing(cloud: Cloud) -> None:
    cloud.aws.set_pace(seconds=0)
    api = cloud.client("dynamodb")
    item = {"id": {"S": "1"}}
    check = {"TableName": "orders", "Key": {"id": {"S": "9"}}, "ConditionExpression": "attribute_exists(id)"}
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        api.transact_write_items(
            TransactItems=[{"Put": {"TableName": "orders", "Item": item}}, {"ConditionCheck": check}]
        )
    cloud.aws.set_clock_skew(1)
    changes(cloud)
    assert lines(cloud) == []


def test_recovery_that_is_turned_off_forgets(cloud: Cloud) -> None:
    assert recover(cloud, on=False) == {"PointInTimeRecoveryStatus": "DISABLED"}
    with pytest.raises(ClientError, match="PointInTimeRecoveryUnavailableException"):
        start(cloud)
    earliest = recover(cloud, on=True)["EarliestRestorableDateTime"]
    assert abs(earliest - cloud.aws.now()) < timedelta(minutes=1)
    with pytest.raises(ClientError, match="InvalidExportTimeException"):
        changes(cloud)


def test_a_token_is_forgotten_after_eight_hours(cloud: Cloud) -> None:
    first = start(cloud, ClientToken="token")
    cloud.aws.set_clock_skew(7.9 * 3600)
    assert start(cloud, ClientToken="token") == first
    cloud.aws.set_clock_skew(8.1 * 3600)
    assert start(cloud, ClientToken="token") != first


def test_a_list_has_the_latest_first_and_pages(cloud: Cloud) -> None:
    api = cloud.client("dynamodb")
    arns = []
    for number in range(5):
        cloud.aws.set_clock_skew(number)
        arns.append(start(cloud))
    found: list[str] = []
    token: dict[str, Any] = {}
    while True:
        page = api.list_exports(TableArn=ARN, MaxResults=2, **token)
        found += [each["ExportArn"] for each in page["ExportSummaries"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == arns[::-1]


@pytest.mark.parametrize("given", [{"ExportFormat": "ION"}, {"FilterSpecification": {}}])
def test_what_is_not_mocked_is_refused(cloud: Cloud, given: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="NotImplemented"):
        start(cloud, **given)
