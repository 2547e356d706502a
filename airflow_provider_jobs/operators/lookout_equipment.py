# SPDX-License-Identifier: Apache-2.0

"""Start Lookout for Equipment data ingestion jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import Context, XComArg

from airflow_provider_jobs._buckets import BUCKET
from airflow_provider_jobs._lookout_equipment.ingestion import QUALITY, IngestionRequest
from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.exceptions import JobEndedError, JobInputError
from airflow_provider_jobs.hooks._classes import LookoutEquipmentHook
from airflow_provider_jobs.job import JobStatus, one_line
from airflow_provider_jobs.lineage import DatasetName, Lineage
from airflow_provider_jobs.operator_parameters import StartJobParameters
from airflow_provider_jobs.operators.start import StartJobOperator
from airflow_provider_jobs.parameters import Reader, matching, optional, text

__all__ = ["LookoutEquipmentStartDataIngestionJobOperator"]

#: What AWS allows, and how to say so.
_PATTERNS: Mapping[str, tuple[str, str]] = {
    "dataset_name": (r"[0-9a-zA-Z_-]{1,200}", "1 to 200 letters, digits, - and _"),
    "bucket": (BUCKET[0], "an S3 bucket's name"),
    "role_arn": (
        r"arn:aws(-[^:\s]+)?:iam::[0-9]{12}:role/[^\s]{1,2000}",
        "a role's ARN (arn:aws:iam::ACCOUNT:role/NAME)",
    ),
    "prefix": (r"|[^\n\r]{0,1023}/", "empty, or end with a slash, and have 1,024 characters at the most"),
    "client_token": (r"[ -~]{1,240}", "1 to 240 printable ASCII characters"),
}
#: How long a key pattern may be.
_PATTERN_LIMIT = 2048
#: How many discarded files are named.
_NAMES = 10


def _matching(value: Any, name: str) -> str:
    return matching(value, name, *_PATTERNS[name])


class LookoutEquipmentStartDataIngestionJobOperator(StartJobOperator[LookoutEquipmentHook]):
    """Ingest sensor data from S3 into a dataset.

    https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_StartDataIngestionJob.html

    AWS retired the service on 2026-10-07; the operator works against the endpoint that the connection
    names. An ingestion cannot be stopped: a killed task says so in its log, and the job goes on.

    The result, which the asset events of ``outlets`` have in their ``extra``, is a dictionary; times are
    ISO 8601 strings in UTC.
    The events also have ``data_interval_start`` and ``data_interval_end`` of the run: the window of the next
    job, where the files are those of the run's data interval.

    Takes the parameters of :class:`~airflow_provider_jobs.operators.start.StartJobOperator`, and:

    :param dataset_name: the dataset. (templated)
    :param bucket: the bucket with the data. (templated)
    :param role_arn: a role that may read it. (templated)
    :param prefix: where in the bucket; empty, or ending with a slash. (templated)
    :param key_pattern: how the components' files are named below it, for example
        ``{prefix}/{component_name}/*``; needed for a dataset's first ingestion. (templated)
    :param client_token: a token of your own, 1 to 240 printable ASCII characters; by default one made
        from the task's run. AWS answers it with the same job, whoever repeats it. A job that has to follow
        one that failed or was cleared gets ``.2``, ``.3`` or ``.4.1`` behind it. (templated)
    :param max_discarded_files: fail if AWS discarded more files than this; None accepts any number.
    :param data_quality: the highest counts to accept, by ``missing_values``, ``invalid_values``,
        ``duplicate_timestamps``, ``unsupported_timestamps``, ``sensors_with_short_date_range`` and
        ``sensors_without_data``.
    :result job_id: the job's id
    :result dataset_name: the dataset
    :result state: AWS's state, such as ``SUCCESS``
    :result input: where the files are, as given to AWS
    :result created_at: when the job was created
    :result files_total: how many files there were
    :result files_ingested: how many of them were ingested
    :result files_discarded: the URLs of those that AWS discarded
    :result bytes_ingested: the size of what was ingested
    :result data_start_time: the first time in the data
    :result data_end_time: the last time in the data
    :result data_quality: counts by the names of the parameter ``data_quality``
    :raises JobInputError: for parameters that cannot work, before any call.
    :raises JobEndedError: if the ingested data is not good enough; without a retry.
    """

    aws_hook_class = LookoutEquipmentHook
    template_fields: Sequence[str] = aws_template_fields(
        "botocore_config", "bucket", "client_token", "dataset_name", "key_pattern", "prefix", "role_arn"
    )
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "bucket": _matching,
        "client_token": optional(_matching),
        "dataset_name": _matching,
        "key_pattern": optional(text),
        "prefix": optional(_matching),
        "role_arn": _matching,
    }
    name_parameter: ClassVar[str | None] = "client_token"
    _narrowing: ClassVar[frozenset[str]] = frozenset({"prefix"})
    ui_color: str = "#01a88d"
    ui_fgcolor: str = "#ffffff"

    def __init__(
        self,
        *,
        dataset_name: str | XComArg,
        bucket: str | XComArg,
        role_arn: str | XComArg,
        prefix: str | XComArg | None = None,
        key_pattern: str | XComArg | None = None,
        client_token: str | XComArg | None = None,
        max_discarded_files: int | None = None,
        data_quality: Mapping[str, int] | None = None,
        **kwargs: Unpack[StartJobParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.dataset_name = dataset_name
        self.bucket = bucket
        self.role_arn = role_arn
        self.prefix = prefix
        self.key_pattern = key_pattern
        self.client_token = client_token
        self.max_discarded_files = max_discarded_files
        self.data_quality = data_quality
        if not isinstance(data_quality or {}, Mapping):
            raise JobInputError(f"data_quality={data_quality!r} must be a dictionary of counts.")
        self._check_limits({"max_discarded_files": max_discarded_files or 0, **(data_quality or {})})
        self.finish_parameters()
        if self._is_literal((prefix, key_pattern)):
            self._checked_pattern()

    def _check_limits(self, limits: Mapping[str, int]) -> None:
        if unknown := set(limits) - {"max_discarded_files", *QUALITY}:
            raise JobInputError(
                f"data_quality: {', '.join(sorted(map(str, unknown)))} cannot be limited; "
                f"{', '.join(QUALITY)} can."
            )
        if wrong := [name for name, limit in limits.items() if type(limit) is not int or limit < 0]:
            raise JobInputError(f"{', '.join(wrong)} must be a whole number and not negative.")
        if not self.wait_for_completion and (self.data_quality or self.max_discarded_files is not None):
            raise JobInputError(
                "max_discarded_files and data_quality need wait_for_completion: what was ingested is known "
                "only at the job's end."
            )

    def job_request(self, context: Context) -> IngestionRequest:
        """Return the ingestion that is asked for, checked."""
        self._warn_of_name()
        return IngestionRequest(
            dataset_name=self.read("dataset_name"),
            role_arn=self.read("role_arn"),
            bucket=self.read("bucket"),
            prefix=self.read("prefix"),
            key_pattern=self._checked_pattern(),
            client_token=self.read("client_token"),
        )

    def job_ids(self, job: JobStatus) -> dict[str, str]:
        """Return the job's id."""
        return {"job_id": job.job_id}

    def check_result(self, job: JobStatus) -> None:
        """Log what was ingested, and fail if it breaks a limit."""
        found = job.details
        quality: Mapping[str, int] = found["data_quality"] or {}
        rows = {
            "files ingested": f"{found['files_ingested']} of {found['files_total']}",
            "files discarded": _listed(found["files_discarded"]),
            "bytes": found["bytes_ingested"],
            "data from": found["data_start_time"],
            "data to": found["data_end_time"],
            **{name.replace("_", " "): count for name, count in quality.items()},
        }
        table = "\n".join(f"  {name:<30} {value}" for name, value in rows.items())
        self.log.info("Ingestion job %s into dataset %s:\n%s", job.job_id, found["dataset_name"], table)
        if broken := self._broken_limits(found["files_discarded"], quality):
            raise JobEndedError(
                f"Ingestion job {job.job_id} succeeded, but its data is not good enough: "
                f"{'; '.join(broken)}. Mend the data and clear the task, or raise the limit."
            )

    def lineage(self, job: JobStatus) -> Lineage:
        """Return the folder with the data, and the dataset."""
        found = self.hook.describe_ingestion(job.job_id)
        source = found["IngestionInputConfiguration"]["S3InputConfiguration"]
        return Lineage(
            [DatasetName.of_s3(source["Bucket"], source.get("Prefix") or "")],
            [DatasetName.of_arn(found["DatasetArn"])],
        )

    def _broken_limits(self, discarded: Sequence[str], quality: Mapping[str, int]) -> list[str]:
        broken = [
            f"{name} is {quality.get(name, 0)}, allowed is {limit}"
            for name, limit in (self.data_quality or {}).items()
            if quality.get(name, 0) > limit
        ]
        if self.max_discarded_files is not None and len(discarded) > self.max_discarded_files:
            allowed = f"files were discarded, allowed is {self.max_discarded_files}"
            broken.insert(0, _listed(discarded, allowed))
        return broken

    def _checked_pattern(self) -> str | None:
        pattern: str | None = self.read("key_pattern")
        if pattern is None:
            return None
        below = tuple({"{prefix}/", self.read("prefix") or "{prefix}/"})
        known = len(pattern) <= _PATTERN_LIMIT and "{component_name}" in pattern
        if not (known and pattern.startswith(below)):
            raise JobInputError(
                f"key_pattern={pattern!r} must name the files below the prefix and contain "
                "{component_name}: '{prefix}/{component_name}/*' or '{prefix}/{component_name}_*'."
            )
        return pattern


def _listed(files: Sequence[str], what: str = "") -> str:
    """Return how many files there are, and the names of the first."""
    names = one_line(", ".join(files[:_NAMES])) + (", …" if len(files) > _NAMES else "")
    return f"{len(files)} {what}".strip() + (f": {names}" if names else "")
