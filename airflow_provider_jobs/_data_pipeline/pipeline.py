# SPDX-License-Identifier: Apache-2.0

"""A pipeline as AWS shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_jobs._data_pipeline.activation import ActivationId, read_time

__all__ = ["PipelineLook"]

#: States of a pipeline in which it does nothing and will do nothing.
_INACTIVE = frozenset({"PENDING", "INACTIVE", "FINISHED"})


@dataclass(frozen=True, slots=True)
class PipelineLook:
    """A pipeline as DescribePipelines shows it.

    :param pipeline_id: its id.
    :param fields: its fields; of several with the same key the last.
    :param at: when AWS answered, by AWS's clock, aware; None if the answer does not say.
    """

    pipeline_id: str
    fields: Mapping[str, str]
    at: datetime | None = None

    @classmethod
    def of(cls, description: Mapping[str, Any], at: datetime | None = None) -> PipelineLook:
        """Read a row of the answer; fields without a key are left out.

        :param at: when AWS answered, aware.
        """
        fields = {
            each["key"]: each.get("stringValue", "")
            for each in description.get("fields", ())
            if "key" in each
        }
        return cls(description["pipelineId"], fields, at)

    @property
    def state(self) -> str:
        """``@pipelineState``."""
        return self.fields.get("@pipelineState", "PENDING")

    @property
    def inactive(self) -> bool:
        """Whether it does nothing, and will do nothing unless it is activated."""
        return self.state in _INACTIVE

    @property
    def activated(self) -> str | None:
        """When it was activated last, as AWS writes it."""
        return self.fields.get("@lastActivationTime")

    @property
    def finished(self) -> datetime | None:
        """When it finished last; None while it has not."""
        return read_time(self.fields.get("@finishedTime"))

    @property
    def next_run(self) -> datetime | None:
        """When its schedule has it run next."""
        return read_time(self.fields.get("@nextRunTime"))

    def superseded(self, job: ActivationId) -> bool:
        """Whether it has been activated again since."""
        return job.time not in (None, "latest") and (self.activated or "") > str(job.time)
