# SPDX-License-Identifier: Apache-2.0

"""An instance of a pipeline's activity, resource or data node as AWS shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_jobs._data_pipeline.activation import ActivationId

__all__ = ["IN_FLIGHT", "Instance"]

_GOOD = frozenset({"FINISHED", "SKIPPED"})
#: AWS's own tools do not agree on the spelling.
_CANCELLED = frozenset({"CANCELED", "CANCELLED"})
_ENDED = _GOOD | _CANCELLED | {"FAILED", "CASCADE_FAILED", "TIMEDOUT", "TIMEOUT"}
#: Statuses of an instance that goes on.
IN_FLIGHT = (
    "ACTIVATING",
    "CREATING",
    "DEACTIVATING",
    "PAUSED",
    "PENDING",
    "RUNNING",
    "SCHEDULED",
    "SHUTTING_DOWN",
    "VALIDATING",
    "WAITING_FOR_RUNNER",
    "WAITING_ON_DEPENDENCIES",
)
_RESOURCES = frozenset({"Ec2Resource", "EmrCluster"})


@dataclass(frozen=True, slots=True)
class Instance:
    """One activity (or data node, or resource) in one interval.

    :param id: its id.
    :param fields: the values of its fields, of a reference the id.
    :param error: what its last attempt failed with.
    """

    id: str
    fields: Mapping[str, tuple[str, ...]]
    error: str | None = None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Instance:
        """Read an object of DescribeObjects; fields without a key are left out."""
        fields: dict[str, tuple[str, ...]] = {}
        for each in found.get("fields", ()):
            if "key" not in each:
                continue
            value = each.get("stringValue") or each.get("refValue") or ""
            fields[each["key"]] = (*fields.get(each["key"], ()), value)
        return cls(found["id"], fields)

    @classmethod
    def not_shown(cls, instance_id: str) -> Instance:
        """Stand in for one that QueryObjects has listed and DescribeObjects does not show."""
        return cls(instance_id, {"@status": ("NOT_SHOWN",)})

    def value(self, key: str) -> str | None:
        """Return a field's value."""
        return self.fields.get(key, (None,))[0]

    @property
    def status(self) -> str:
        """``@status``."""
        return self.value("@status") or "PENDING"

    @property
    def works(self) -> bool:
        """Whether it is an activity: neither a resource nor a data node. One of a type not known is taken
        for an activity.
        """
        kind = self.value("type") or ""
        return not (kind in _RESOURCES or kind.endswith("DataNode"))

    @property
    def known(self) -> bool:
        """Whether its status is one that AWS documents."""
        return self.status in _ENDED or self.status in IN_FLIGHT

    @property
    def ended(self) -> bool:
        """Whether it has come to an end, good or bad; by its end time if its status is not known."""
        return self.status in _ENDED or (not self.known and self.value("@actualEndTime") is not None)

    @property
    def bad(self) -> bool:
        """Whether it has come to a bad end."""
        return self.ended and self.status not in _GOOD

    @property
    def cancelled(self) -> bool:
        """Whether somebody ended it."""
        return self.status in _CANCELLED

    @property
    def scheduled(self) -> str:
        """The start of its interval, as AWS writes it."""
        return self.value("@scheduledStartTime") or ""

    def within(self, job: ActivationId, since: str, before: str | None) -> bool:
        """Whether it counts for an activation.

        :param since: the time of the activation.
        :param before: the time of the next activation, if there is one.
        """
        if job.until and self.scheduled >= job.until:
            return False
        began = max(self.scheduled, self.value("@actualStartTime") or "")
        if before:
            return since <= began < before
        return began >= since or not self.ended

    def told(self) -> str:
        """Return a line on what became of it."""
        told = f"{self.id} is {self.status}"
        if not self.known:
            told += ", a status that is not known"
        if self.error:
            told += f": {self.error}"
        if source := self.value("@cascadeFailedOn"):
            told += f", because {source} failed"
        return told
