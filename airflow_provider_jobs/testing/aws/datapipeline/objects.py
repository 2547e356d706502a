# SPDX-License-Identifier: Apache-2.0

"""The objects of a pipeline as the API shows them: components, instances and attempts.

Models https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_DescribeObjects.html. Only those that
are asked for are described: a pipeline may have thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from airflow_provider_jobs.testing.aws.datapipeline.attempts import TriedInstance
from airflow_provider_jobs.testing.aws.datapipeline.definition import Definition
from airflow_provider_jobs.testing.aws.datapipeline.instances import FAILURES, Field, Instance, ref, string

_ATTEMPT = "_Attempt="


@dataclass
class PipelineObjects:
    """What there is of a pipeline at a moment.

    :param pipeline_id: its id
    :param definition: its definition
    :param version: of the definition
    :param state: the pipeline's state
    :param paused: the ids of the components that are paused
    :param instances: all instances by their id
    :param shows: whether an instance is shown
    """

    pipeline_id: str
    definition: Definition
    version: int
    state: str
    paused: Collection[str]
    instances: Mapping[str, Instance]
    shows: Callable[[Instance], bool]

    def find(self, object_id: str, evaluate: bool = False) -> list[Field] | None:
        """Return the fields of an object; None if there is none of that id.

        :param evaluate: whether expressions are to be evaluated
        """
        if object_id in self.definition.by_id:
            return self._with_id(self._component_fields(object_id))
        instance = self.instances.get(object_id) or self.instances.get(object_id.rpartition(_ATTEMPT)[0])
        if instance is None or not self.shows(instance):
            return None
        if instance.id == object_id:
            return self._with_id(instance.fields(evaluate))
        if isinstance(instance, TriedInstance):
            for attempt in instance.attempts:
                if attempt.id == object_id:
                    return self._with_id(instance.attempt_fields(attempt, evaluate))
        return None

    def context(self, object_id: str) -> list[Field]:
        """Return what expressions may name of an object that there is: its fields, id and name."""
        own = [string("id", object_id), string("@id", object_id), string("name", self.name_of(object_id))]
        return [*(self.find(object_id) or ()), *own]

    def name_of(self, object_id: str) -> str:
        """Return an object's name: that of an instance and of an attempt is its id."""
        component = self.definition.by_id.get(object_id)
        return str(component["name"]) if component else object_id

    def of(self, sphere: str) -> Iterator[tuple[str, list[Field]]]:
        """Yield the ids of all objects of a sphere, each with its fields and its name as one of them."""
        for object_id, fields in self._of(sphere):
            yield object_id, [*fields, string("name", self.name_of(object_id))]

    def _of(self, sphere: str) -> Iterator[tuple[str, list[Field]]]:
        if sphere == "COMPONENT":
            yield from ((each, self._component_fields(each)) for each in self.definition.by_id)
        elif sphere == "INSTANCE":
            yield from ((each.id, each.fields(evaluate=False)) for each in self._shown)
        else:
            for instance in self._shown:
                if isinstance(instance, TriedInstance):
                    for attempt in instance.attempts:
                        yield attempt.id, instance.attempt_fields(attempt, evaluate=False)

    def _with_id(self, fields: list[Field]) -> list[Field]:
        return [*fields, string("@pipelineId", self.pipeline_id)]

    @property
    def _shown(self) -> Iterator[Instance]:
        return filter(self.shows, self.instances.values())

    @cached_property
    def _by_component(self) -> dict[str, list[Instance]]:
        found: dict[str, list[Instance]] = {}
        for instance in self._shown:
            found.setdefault(instance.component, []).append(instance)
        return found

    def _component_fields(self, object_id: str) -> list[Field]:
        instances = self._by_component.get(object_id, [])
        status = "PAUSED" if object_id in self.paused else self.state
        fields: list[Field] = [*self.definition.by_id[object_id]["fields"]]
        fields += [
            string("@sphere", "COMPONENT"),
            string("@version", self.version),
            string("@status", status),
        ]
        fields += [ref("@activeInstances", instance.id) for instance in instances if not instance.terminal]
        return fields + [string(key, value) for key, value in health(instances).items()]


def health(instances: Sequence[Instance]) -> dict[str, Any]:
    """Tell whether the last instance to end did its work; nothing before one has ended."""
    ended = [(instance.ended, instance) for instance in instances if instance.ended is not None]
    if not ended:
        return {}
    time, last = max(ended, key=lambda pair: pair[0])
    return {
        "@healthStatus": "ERROR" if last.status in FAILURES else "HEALTHY",
        "@healthStatusFromInstanceId": last.id,
        "@healthStatusUpdatedTime": time,
    }
