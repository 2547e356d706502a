# SPDX-License-Identifier: Apache-2.0

"""Start and cancel the reprocessing of IoT Analytics pipelines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self, Unpack

from airflow.providers.common.compat.sdk import Context, XComArg

from airflow_provider_jobs._iot_analytics.reprocessing import (
    ReprocessingRequest,
    checked_pipeline_name,
    checked_reprocessing_id,
    handed_reprocessing,
    job_ids,
)
from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.hooks._classes import IotAnalyticsHook
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.lineage import DatasetName, Lineage
from airflow_provider_jobs.operator_parameters import JobOperatorParameters, StartJobParameters
from airflow_provider_jobs.operators.start import StartJobOperator
from airflow_provider_jobs.operators.stop import StopJobOperator
from airflow_provider_jobs.parameters import JobReference, Reader, optional, texts
from airflow_provider_jobs.partitions import warn_of_future
from airflow_provider_jobs.windows import INTERVAL_END, INTERVAL_START, Window, optional_time, parse_time

__all__ = [
    "IotAnalyticsCancelPipelineReprocessingOperator",
    "IotAnalyticsStartPipelineReprocessingOperator",
]

_PATHS = 100
_PATH = re.compile(r"[a-zA-Z0-9/_!'(){}*\s.\-=:]{1,1024}", re.ASCII)


def _s3_paths(value: Any, name: str) -> list[str]:
    paths = texts(value, name)
    if not 1 <= len(paths) <= _PATHS:
        raise JobInputError(
            f"{name} has {len(paths)} keys; AWS takes 1 to {_PATHS}. Use a task for each {_PATHS}, for "
            f"example with .expand({name}=[…, …])."
        )
    for path in paths:
        if not _PATH.fullmatch(path):
            raise JobInputError(
                f"{name}: {path!r} is not a key that AWS takes: 1 to 1,024 letters, digits, spaces and "
                "/_!'(){}*.-=: characters."
            )
        if path.startswith("s3://"):
            raise JobInputError(
                f"{name}: {path!r} is a URL. Name the key in the channel's bucket, without the bucket."
            )
    return paths


class IotAnalyticsStartPipelineReprocessingOperator(StartJobOperator[IotAnalyticsHook]):
    """Pass messages that a channel has kept through a pipeline once more.

    https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_StartPipelineReprocessing.html

    AWS retired the service on 2025-12-15; the operator works against the endpoint that the connection
    names.

    A reprocessing has neither name nor token. The task notes its attempt, and then the id, in Airflow's
    ``task_state_store`` (Airflow 3.3 or later). If the worker dies, or the answer is lost, between the
    two, each reprocessing of the pipeline that began about then may be the task's: the next try waits for
    its end, then starts one more. Before Airflow 3.3 nothing is kept while a task is not deferred: a try
    that follows a crash or a lost answer waits for what the pipeline runs, then starts another.

    AWS starts 1,000 reprocessings of a pipeline in 24 hours. A task that is refused waits in the queue until
    one of those is a day old.

    The result, which the asset events of ``outlets`` have in their ``extra``, is a dictionary; times are
    ISO 8601 strings in UTC.

    Takes the parameters of :class:`~airflow_provider_jobs.operators.start.StartJobOperator`, and:

    :param pipeline_name: the pipeline, 1 to 128 letters, digits and ``_``. (templated)
    :param start_time: the first arrival to reprocess, inclusive: an aware datetime or an ISO 8601 string
        with an offset; by default the start of the run's data interval. None is the channel's beginning;
        None for both bounds is everything. AWS goes by the hour. (templated)
    :param end_time: the arrival to stop before; by default the end of the run's data interval. None is
        the channel's end. (templated)
    :param partition_window: as a timedelta or in seconds, how long a partition is. The default window of a
        run without a data interval begins at its ``partition_date`` (Airflow 3.3) and is that long, in
        elapsed time; None goes up to the next tick of a ``CronPartitionTimetable``.
    :param s3_paths: instead of a window, 1 to 100 full keys of objects of the channel, which has to keep
        them in a bucket of yours. (templated)
    :result pipeline_name: the pipeline
    :result reprocessing_id: the reprocessing's id
    :result state: AWS's state, such as ``SUCCEEDED``
    :result created_at: when it was created
    :result start_time: the start of the window that it was started for; None for an open one
    :result end_time: the end of that window; None for an open one
    :result s3_paths: the objects that it was started for; None for a window
    :raises JobInputError: for parameters that cannot work, before any call.
    """

    aws_hook_class = IotAnalyticsHook
    template_fields: Sequence[str] = aws_template_fields(
        "botocore_config", "end_time", "pipeline_name", "s3_paths", "start_time"
    )
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "end_time": optional_time,
        "pipeline_name": checked_pipeline_name,
        "s3_paths": optional(_s3_paths),
        "start_time": optional_time,
    }
    window_parameters: ClassVar[tuple[str, str]] = ("start_time", "end_time")
    ui_color: str = "#7aa116"
    ui_fgcolor: str = "#ffffff"

    def __init__(
        self,
        *,
        pipeline_name: JobReference,
        start_time: datetime | str | XComArg | None = INTERVAL_START,
        end_time: datetime | str | XComArg | None = INTERVAL_END,
        s3_paths: Sequence[str | XComArg] | XComArg | None = None,
        partition_window: timedelta | float | None = None,
        **kwargs: Unpack[StartJobParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_name = pipeline_name
        self.start_time: datetime | str | XComArg | None = start_time
        self.end_time: datetime | str | XComArg | None = end_time
        self.s3_paths = s3_paths
        self.partition_window = partition_window
        self.finish_parameters()
        if self._is_literal((start_time, end_time, s3_paths)):
            self._bounds()

    def prepare_for_execution(self) -> Self:
        """Return the copy that Airflow renders and executes, which has either a window or objects."""
        prepared = super().prepare_for_execution()
        if prepared._by_paths and prepared._takes_interval:
            prepared.start_time = prepared.end_time = None
            prepared._note_written()
        return prepared

    def _note_written(self) -> None:
        """Note what is asked for: a template or XCom that turns out to be None must not mean everything."""
        super()._note_written()
        self._by_paths = self.s3_paths is not None
        self._open_start, self._open_end = self.start_time is None, self.end_time is None
        self._check_choice()

    def _check_choice(self) -> None:
        window_given = not (self._takes_interval or (self._open_start and self._open_end))
        if self._by_paths and window_given:
            raise JobInputError(
                "s3_paths cannot be combined with start_time or end_time: a reprocessing has either. "
                "Leave the window out to reprocess objects, or s3_paths to reprocess a window."
            )

    def job_request(self, context: Context) -> ReprocessingRequest:
        """Return the reprocessing that is asked for, checked."""
        if not (self._by_paths or self.s3_paths is not None):
            self.start_time, self.end_time = self.window_bounds(context)
        request = self._request()
        bounds = [bound for bound in (request.start, request.end) if bound]
        if any(bound.minute or bound.second for bound in bounds):
            self.log.warning(
                "The window (%s to %s) is finer than an hour. AWS takes its bounds to the nearest hour: "
                "messages outside of it may be reprocessed too, and some inside may be left out.",
                request.start or "open",
                request.end or "open",
            )
        return request

    def start_not_before(self, request: ReprocessingRequest) -> None:
        """Warn of a window that ends in the future; a reprocessing starts at once."""
        then = "messages that arrive after the start may be left out"
        warn_of_future(self.log, request.end, self.hook.clock.now(), timedelta(0), then)

    def job_result(self, job: JobStatus) -> dict[str, Any]:
        """Return what AWS tells of the reprocessing, and which messages it was started for."""
        # A deferral of an earlier release has not kept it.
        return {**job.details, **(self._asked or self._request().asked())}

    def lineage(self, job: JobStatus) -> Lineage:
        """Return the pipeline's channel and its data store."""
        pipeline = self.hook.describe_pipeline(job.details["pipeline_name"])
        account = pipeline["arn"].rpartition(":")[0]
        ends = {
            kind: [
                DatasetName(account, f"{kind}/{activity[kind][f'{kind}Name']}")
                for activity in pipeline["activities"]
                if kind in activity
            ]
            for kind in ("channel", "datastore")
        }
        return Lineage(ends["channel"], ends["datastore"])

    def _request(self) -> ReprocessingRequest:
        """Return the pipeline with the window or the objects."""
        pipeline_name = self.read("pipeline_name")
        # Somebody may have set s3_paths after the operator was made.
        if self._by_paths or self.s3_paths is not None:
            self._by_paths = True
            self._check_choice()
            return ReprocessingRequest(pipeline_name, s3_paths=tuple(_s3_paths(self.s3_paths, "s3_paths")))
        return ReprocessingRequest(pipeline_name, *self._bounds())

    def _bounds(self) -> tuple[datetime | None, datetime | None]:
        """Return the window's bounds; None for a side that is open."""
        if self._open_start or self._open_end:
            start = None if self._open_start else parse_time(self.start_time, "start_time")
            end = None if self._open_end else parse_time(self.end_time, "end_time")
            return start, end
        window = Window.parse(self.start_time, self.end_time, names=self.window_parameters)
        return window.start, window.end

    def job_ids(self, job: JobStatus) -> dict[str, str]:
        """Return pipeline and id."""
        return job_ids(job.job_id)


class IotAnalyticsCancelPipelineReprocessingOperator(StopJobOperator[IotAnalyticsHook]):
    """Cancel a reprocessing and wait until it is cancelled; one that has already ended counts as cancelled.

    https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_CancelPipelineReprocessing.html

    Messages that went through the pipeline stay in the data store.

    The result is that of :class:`IotAnalyticsStartPipelineReprocessingOperator` without ``start_time``,
    ``end_time`` and ``s3_paths``. Takes the parameters of
    :class:`~airflow_provider_jobs.operators.base.JobOperator`, and:

    :param reprocessing_id: the reprocessing's id, or the start's ``.output``. (templated)
    :param pipeline_name: the pipeline; by default that of the output. (templated)
    """

    aws_hook_class = IotAnalyticsHook
    template_fields: Sequence[str] = aws_template_fields(
        "botocore_config", "pipeline_name", "reprocessing_id"
    )
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "pipeline_name": optional(checked_pipeline_name),
        "reprocessing_id": checked_reprocessing_id,
    }
    id_parameters: ClassVar[tuple[str, ...]] = ("reprocessing_id",)
    ui_color: str = IotAnalyticsStartPipelineReprocessingOperator.ui_color
    ui_fgcolor: str = IotAnalyticsStartPipelineReprocessingOperator.ui_fgcolor

    def __init__(
        self,
        *,
        reprocessing_id: JobReference,
        pipeline_name: JobReference | None = None,
        **kwargs: Unpack[JobOperatorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_name = pipeline_name
        self.reprocessing_id = reprocessing_id
        self.finish_parameters()
        if self._is_literal((pipeline_name, reprocessing_id)) and reprocessing_id:
            handed_reprocessing(pipeline_name, reprocessing_id)

    @property
    def target_id(self) -> str:
        """Pipeline and id."""
        return handed_reprocessing(self.pipeline_name, self.reprocessing_id)

    def job_ids(self, job: JobStatus) -> dict[str, str]:
        """Return pipeline and id."""
        return job_ids(job.job_id)
