# SPDX-License-Identifier: Apache-2.0

"""What the tasks report to OpenLineage: which data a job read and wrote, and how it ended.

OpenLineage is only imported when its provider calls these methods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_provider_jobs import __version__
from airflow_provider_jobs.exceptions import JobError, JobInputError
from airflow_provider_jobs.job import JobStatus, utc_text

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors.base import OperatorLineage

__all__ = [
    "JOB_FACET",
    "PIPELINE_FACET",
    "DatasetName",
    "Lineage",
    "TellsData",
    "TellsLineage",
    "TellsPipeline",
]

#: The run facet with the job.
JOB_FACET = "airflowProviderJobs_job"
#: The run facet with the pipeline that a task created, defined or deleted.
PIPELINE_FACET = "airflowProviderJobs_pipeline"
#: The schema of the facets, in ``schemas/``. If their fields change, the version changes.
_SCHEMA = "urn:airflow-provider-jobs:facets:1-0-0"
_PRODUCER = f"urn:airflow-provider-jobs:{__version__}"


@dataclass(frozen=True, slots=True)
class DatasetName:
    """A dataset as OpenLineage names it.

    https://openlineage.io/docs/spec/naming

    :param namespace: where the data is.
    :param name: its name there.
    """

    namespace: str
    name: str

    @classmethod
    def of_arn(cls, arn: str) -> DatasetName:
        """Name an AWS resource as OpenLineage names those of Glue: account and Region, then the rest."""
        parts = arn.split(":", 5)
        return cls(":".join(parts[:5]), parts[5])

    @classmethod
    def of_s3(cls, bucket: str, key: str) -> DatasetName:
        """Name an S3 object, or a folder, whose trailing slash is left out."""
        return cls(f"s3://{bucket}", key.strip("/") or "/")


@dataclass(frozen=True, slots=True)
class Lineage:
    """A job's input and output datasets."""

    inputs: Sequence[DatasetName] = ()
    outputs: Sequence[DatasetName] = ()


class TellsLineage:
    """Mixin for operators and sensors: the method that OpenLineage's provider calls when the task has ended.

    A task that failed before it had a job reports nothing.
    """

    #: The task's job as last seen; a class attribute, since Airflow copies and pickles operators.
    _job: JobStatus | None = None

    def lineage(self, job: JobStatus) -> Lineage:
        """Return the job's datasets; none unless overridden.

        :raises JobError: if AWS does not provide them.
        """
        return Lineage()

    def lineage_details(self, job: JobStatus) -> Mapping[str, Any]:
        """Return the ``details`` of the job's facet, JSON-safe."""
        return job.details

    def get_openlineage_facets_on_complete(self: Any, task_instance: Any) -> OperatorLineage[Any, Any]:
        """Return the inputs, the outputs and the job's run facet of a task that succeeded or failed.

        :param task_instance: not used, since this operator object has seen the job's end.
        """
        from airflow.providers.common.compat.openlineage.facet import Dataset
        from airflow.providers.openlineage.extractors.base import OperatorLineage

        job: JobStatus | None = self._job
        if job is None:
            return OperatorLineage()
        try:
            found = self.lineage(job)
        except (JobError, JobInputError) as error:
            self.log.warning("The data of %s is not reported to OpenLineage: %s", job.job_id, error)
            found = Lineage()
        facet = _job_facet()(
            producer=_PRODUCER,
            service=self.aws_hook_class.service,
            jobId=job.job_id,
            state=job.state.value,
            serviceState=job.service_state,
            reason=job.reason,
            startedAt=utc_text(job.started_at),
            details=dict(self.lineage_details(job)),
        )
        return OperatorLineage(
            inputs=[Dataset(each.namespace, each.name) for each in found.inputs],
            outputs=[Dataset(each.namespace, each.name) for each in found.outputs],
            run_facets={JOB_FACET: facet},
        )


class TellsPipeline:
    """Mixin for operators that create, define or delete a pipeline: reports the pipeline to OpenLineage.

    A task that failed before it had one reports nothing.
    """

    #: The pipeline's id and the action; a class attribute, since Airflow copies operators.
    _touched: tuple[str, str] | None = None

    def get_openlineage_facets_on_complete(self: Any, task_instance: Any) -> OperatorLineage[Any, Any]:
        """Return the pipeline's run facet.

        :param task_instance: not used, since the operator knows the pipeline.
        """
        from airflow.providers.openlineage.extractors.base import OperatorLineage

        if self._touched is None:
            return OperatorLineage()
        pipeline_id, action = self._touched
        facet = _pipeline_facet()(
            producer=_PRODUCER,
            service=self.aws_hook_class.service,
            region=self.hook.conn_region_name,
            pipelineId=pipeline_id,
            action=action,
        )
        return OperatorLineage(run_facets={PIPELINE_FACET: facet})


class TellsData:
    """Part of an operator that has no job: the data that it has connected."""

    #: What it has connected; a class attribute, since Airflow copies operators.
    _data: Lineage | None = None

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any]:
        """Return inputs and outputs; none of a task that failed before it knew them.

        :param task_instance: not needed, since the operator knows the data.
        """
        from airflow.providers.common.compat.openlineage.facet import Dataset
        from airflow.providers.openlineage.extractors.base import OperatorLineage

        data = self._data or Lineage()
        return OperatorLineage(
            inputs=[Dataset(each.namespace, each.name) for each in data.inputs],
            outputs=[Dataset(each.namespace, each.name) for each in data.outputs],
        )


@cache
def _job_facet() -> type[Any]:
    """Return the class of the job's facet; needs OpenLineage to be installed."""
    from airflow.providers.common.compat.openlineage.facet import RunFacet
    from attrs import define

    @define
    class JobRunFacet(RunFacet):
        service: str
        jobId: str
        state: str
        serviceState: str
        reason: str | None
        startedAt: str | None
        details: dict[str, Any]

        @staticmethod
        def _get_schema() -> str:
            return f"{_SCHEMA}#/$defs/JobRunFacet"

    return JobRunFacet


@cache
def _pipeline_facet() -> type[Any]:
    """Return the class of the pipeline's facet; needs OpenLineage to be installed."""
    from airflow.providers.common.compat.openlineage.facet import RunFacet
    from attrs import define

    @define
    class PipelineRunFacet(RunFacet):
        service: str
        region: str
        pipelineId: str
        action: str

        @staticmethod
        def _get_schema() -> str:
            return f"{_SCHEMA}#/$defs/PipelineRunFacet"

    return PipelineRunFacet
