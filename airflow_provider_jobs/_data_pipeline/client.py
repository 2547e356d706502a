# SPDX-License-Identifier: Apache-2.0

"""The calls of Data Pipeline's API: their pages, their batches, and what their answers say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_jobs._data_pipeline.definition import PipelineDefinition
from airflow_provider_jobs._data_pipeline.file_format import written
from airflow_provider_jobs._data_pipeline.pipeline import PipelineLook
from airflow_provider_jobs._data_pipeline.secrets import hide
from airflow_provider_jobs.exceptions import JobError, JobInputError, JobNotFoundError, JobQuotaError

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks.calls import ServiceCalls

__all__ = ["PipelineClient", "present"]

T = TypeVar("T")

#: Calls for descriptions that may fail in a round, besides those for pipelines that are not known.
_MOST_FAILURES = 20
#: Ids that DescribePipelines and DescribeObjects take in a call.
_BATCH = 25


class PipelineClient:
    """Makes the calls of Data Pipeline's API over a hook.

    :param hook: makes each single call.
    """

    def __init__(self, hook: ServiceCalls) -> None:
        self._hook = hook

    def create_pipeline(
        self,
        name: str,
        unique_id: str,
        *,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> str:
        """Create a pipeline, or find the one that was created with the same name and unique id.

        https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_CreatePipeline.html

        :param name: 1 to 1,024 characters.
        :param unique_id: 1 to 1,024 characters; not the pipeline's id.
        :param description: up to 1,024 characters.
        :param tags: up to 10.
        :return: the pipeline's id.
        :raises JobQuotaError: if the account has as many pipelines as it may.
        """
        rows = [{"key": key, "value": value} for key, value in (tags or {}).items()]
        try:
            answer = self._hook.call(
                "create_pipeline", name=name, uniqueId=unique_id, description=description, tags=rows or None
            )
        except JobInputError as error:
            if "limit exceeded" not in str(error):
                raise
            raise JobQuotaError(
                f"{error} Delete pipelines that are not needed any more, or ask AWS for a higher quota."
            ) from error
        pipeline_id: str = answer["pipelineId"]
        return pipeline_id

    def put_definition(self, pipeline_id: str, definition: PipelineDefinition) -> dict[str, list[str]]:
        """Save a definition in place of the pipeline's earlier one.

        https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_PutPipelineDefinition.html

        :return: AWS's warnings by object.
        :raises JobInputError: with every fault by object that AWS finds. What AWS calls an error is
            stored and cannot be activated; what it calls fatal is not even stored.
        :raises JobNotFoundError: if there is no such pipeline.
        """
        secrets = definition.secrets()
        try:
            answer = self._hook.call(
                "put_pipeline_definition", pipelineId=pipeline_id, **definition.arguments()
            )
        except JobInputError as error:
            if "FATAL" not in str(error):
                raise
            # AWS shows such errors as Java objects; only a validation tells them in words.
            found = self.validate_definition(pipeline_id, definition)
            raise JobInputError(f"{error} These are:\n{_listed(found['errors'])}") from error
        warnings = _by_object(answer, "validationWarnings", "warnings", secrets)
        if answer.get("errored"):
            errors = _by_object(answer, "validationErrors", "errors", secrets)
            raise JobInputError(
                f"AWS stored the definition of pipeline {pipeline_id}, but it has errors and cannot be "
                f"activated. Mend these, then clear the task:\n{_listed(errors)}"
            )
        return warnings

    def validate_definition(
        self, pipeline_id: str, definition: PipelineDefinition
    ) -> dict[str, dict[str, list[str]]]:
        """Ask AWS what it thinks of a definition, without saving it.

        https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_ValidatePipelineDefinition.html

        :return: ``errors`` and ``warnings``, each by object.
        """
        answer = self._hook.call(
            "validate_pipeline_definition", pipelineId=pipeline_id, **definition.arguments()
        )
        secrets = definition.secrets()
        return {
            "errors": _by_object(answer, "validationErrors", "errors", secrets),
            "warnings": _by_object(answer, "validationWarnings", "warnings", secrets),
        }

    def get_definition(self, pipeline_id: str, version: str = "latest") -> dict[str, Any]:
        """Return a pipeline's definition in the file format.

        https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_GetPipelineDefinition.html

        :param version: ``latest``, or ``active`` for the one that was activated last.
        :raises JobNotFoundError: if there is no such pipeline.
        """
        answer = self._hook.call("get_pipeline_definition", pipelineId=pipeline_id, version=version)
        # Without its objects a pipeline on demand would look like one that follows a schedule.
        objects = self._hook.member(answer, "pipelineObjects", "get_pipeline_definition")
        return written(objects, answer.get("parameterObjects"), answer.get("parameterValues"))

    def activate_pipeline(
        self,
        pipeline_id: str,
        values: Sequence[Mapping[str, str]] | None = None,
        start_timestamp: datetime | None = None,
    ) -> None:
        """Activate a pipeline; a call that fails is not repeated, since each call runs it once more.

        https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_ActivatePipeline.html

        :param values: parameter values for this activation, in the API's form.
        :param start_timestamp: from when a schedule is followed, aware.
        :raises JobInputError: if the definition has errors, or the state does not allow it.
        :raises JobNotFoundError: if there is no such pipeline.
        """
        self._hook.call(
            "activate_pipeline",
            pipelineId=pipeline_id,
            parameterValues=values or None,
            startTimestamp=start_timestamp,
        )

    def deactivate_pipeline(self, pipeline_id: str, *, cancel_active: bool = True) -> None:
        """Deactivate a pipeline.

        https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_DeactivatePipeline.html

        :param cancel_active: cancel what runs; else it goes on to its end.
        :raises JobNotFoundError: if there is no such pipeline.
        """
        self._hook.call("deactivate_pipeline", pipelineId=pipeline_id, cancelActive=cancel_active)

    def delete_pipeline(self, pipeline_id: str) -> None:
        """Delete a pipeline for good; AWS tries to cancel what it runs.

        https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_DeletePipeline.html

        :raises JobNotFoundError: if there is no such pipeline.
        """
        self._hook.call("delete_pipeline", pipelineId=pipeline_id)

    def list_pipelines(self) -> dict[str, str]:
        """Return the names of the account's pipelines by their ids.

        https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_ListPipelines.html
        """
        rows = self._marked("list_pipelines", "pipelineIdList")
        return {row["id"]: row.get("name", "") for row in rows if "id" in row}

    def describe_pipelines(self, pipeline_ids: Collection[str]) -> dict[str, PipelineLook | Exception]:
        """Look at pipelines, 25 in a call.

        https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_DescribePipelines.html

        :return: for each what AWS shows, or the error that concerns it. One that AWS leaves out of its
            answer is left out.
        :raises JobApiError: if all calls fail; transient, if AWS's answers show none of them.
        """
        found: dict[str, PipelineLook | Exception] = {}
        ids = list(dict.fromkeys(pipeline_ids))
        batches = [ids[first : first + _BATCH] for first in range(0, len(ids), _BATCH)]
        failures = 0
        while batches:
            batch = batches.pop(0)
            try:
                answer = self._hook.call("describe_pipelines", pipelineIds=batch)
                rows = self._hook.member(answer, "pipelineDescriptionList", "describe_pipelines")
            except (JobError, JobInputError) as error:
                failures += not isinstance(error, JobNotFoundError)
                if getattr(error, "concerns_all", False) or failures > _MOST_FAILURES:
                    if not found:
                        raise
                    return {**dict.fromkeys(ids, error), **found}
                # One id fails them all, and the answer need not say which.
                if len(batch) == 1:
                    found[batch[0]] = error
                else:
                    half = len(batch) // 2
                    batches[:0] = [batch[:half], batch[half:]]
                continue
            for row in rows:
                # A row that cannot be read, or lacks the state, counts as left out.
                with suppress(Exception):
                    look = PipelineLook.of(row, self._hook.clock.heard)
                    if look.pipeline_id in batch and look.fields["@pipelineState"]:
                        found[look.pipeline_id] = look
        if ids and not found:
            raise self._hook.unreadable("describe_pipelines", f"it leaves out {', '.join(ids[:_BATCH])}")
        return found

    def query_objects(
        self, pipeline_id: str, sphere: str, **selectors: tuple[str, Sequence[str]]
    ) -> list[str]:
        """Return the ids of a pipeline's objects.

        https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_QueryObjects.html

        :param sphere: ``COMPONENT``, ``INSTANCE`` or ``ATTEMPT``.
        :param selectors: by field without its ``@``, an operator (``EQ``, ``REF_EQ``, ``LE``, ``GE``,
            ``BETWEEN``) and its values; all have to fit.
        """
        query = [
            {"fieldName": f"@{name}", "operator": {"type": operator, "values": [*values]}}
            for name, (operator, values) in selectors.items()
        ]
        rows = self._marked(
            "query_objects", "ids", pipelineId=pipeline_id, sphere=sphere, query={"selectors": query}
        )
        return list(rows)

    def describe_objects(self, pipeline_id: str, object_ids: Collection[str]) -> list[dict[str, Any]]:
        """Describe objects of a pipeline, 25 in a call; those that are unknown are left out.

        https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_DescribeObjects.html
        """
        ids = list(dict.fromkeys(object_ids))
        found: list[dict[str, Any]] = []
        for first in range(0, len(ids), _BATCH):
            batch = ids[first : first + _BATCH]
            found += self._marked(
                "describe_objects", "pipelineObjects", pipelineId=pipeline_id, objectIds=batch
            )
        return found

    def _marked(self, operation: str, rows: str, **parameters: Any) -> Iterator[Any]:
        """Yield the rows of a listing that AWS hands out page by page with ``marker``.

        :raises JobApiError: transient, if an answer lacks the rows, or the marker of the next ones.
        """
        marker = None
        seen: set[str] = set()
        while True:
            answer = self._hook.call(operation, marker=marker, **parameters)
            if rows not in answer and "hasMoreResults" not in answer:
                raise self._hook.unreadable(operation, f"it has no {rows}")
            yield from answer.get(rows, ())
            if not answer.get("hasMoreResults"):
                return
            marker = self._hook.member(answer, "marker", operation)
            if marker in seen:
                raise self._hook.unreadable(operation, "marker repeats")
            seen.add(marker)


def present(found: Mapping[str, T | Exception]) -> dict[str, T]:
    """Return the pipelines or activations that are there.

    :raises Exception: the error of one that may be there all the same.
    """
    for each in found.values():
        if isinstance(each, Exception) and not isinstance(each, JobNotFoundError):
            raise each
    return {name: each for name, each in found.items() if not isinstance(each, Exception)}


def _by_object(answer: Mapping[str, Any], rows: str, texts: str, secrets: set[str]) -> dict[str, list[str]]:
    return {
        hide(row.get("id") or "the definition", secrets): [hide(text, secrets) for text in row.get(texts, ())]
        for row in answer.get(rows, ())
    }


def _listed(found: Mapping[str, Sequence[str]]) -> str:
    """Return lines for all that AWS has found."""
    if not found:
        return "  AWS does not say which."
    lines = [
        line
        for where, whats in found.items()
        for line in (where, *(f"  - {what}" for what in whats or ["AWS does not say what"]))
    ]
    return "\n".join(f"  {line}" for line in lines)
