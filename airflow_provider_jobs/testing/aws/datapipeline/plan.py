# SPDX-License-Identifier: Apache-2.0

"""Which instances an activation has, and how they depend on each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from airflow_provider_jobs.testing.aws.datapipeline.activities import ActivityInstance
from airflow_provider_jobs.testing.aws.datapipeline.definition import Definition, Interval
from airflow_provider_jobs.testing.aws.datapipeline.instances import Instance
from airflow_provider_jobs.testing.aws.datapipeline.resources import DataNodeInstance, ResourceInstance


def plan(
    definition: Definition,
    intervals: Mapping[str, Sequence[Interval]],
    known: Sequence[Instance],
    version: int,
) -> list[Instance]:
    """Create the instances that there are not yet, and tie them to what they depend on.

    :param definition: without errors
    :param intervals: of each activity
    :param known: the pipeline's instances so far
    :param version: of the definition
    """
    ids = {instance.id: instance for instance in known}
    planned = [
        ActivityInstance(definition, activity, interval, version)
        for activity in definition.activities
        for interval in intervals[activity]
    ]
    new = [instance for instance in planned if instance.id not in ids]
    at = {
        (instance.component, instance.interval.start): instance
        for instance in (*known, *new)
        if isinstance(instance, ActivityInstance)
    }
    for instance in new:
        others = [(other, instance.interval.start) for other in definition.dependencies[instance.component]]
        instance.waits_for = [at[other] for other in others if other in at]
    made: list[Instance] = [*new]
    by_interval: dict[Interval, dict[str, ActivityInstance]] = {}
    for instance in new:
        by_interval.setdefault(instance.interval, {})[instance.component] = instance
    for interval, here in by_interval.items():
        made += _resources(definition, interval, version, here)
        made += _data_nodes(definition, interval, version, here)
    # An activity that is new to an interval brings along only what its interval lacks.
    made = [instance for instance in made if instance.id not in ids]
    _introduce([*known, *made])
    return made


def reset_companions(instances: Sequence[Instance]) -> list[Instance]:
    """Make what instances run on, and write, ready once more, where it has ended; return those."""
    given = set(instances)
    found = [other for instance in instances for other in instance.companions if other not in given]
    ended = [other for other in dict.fromkeys(found) if other.terminal]
    for other in ended:
        other.reset()
    return ended


def _resources(
    definition: Definition, interval: Interval, version: int, activities: Mapping[str, ActivityInstance]
) -> Iterator[ResourceInstance]:
    for component, ids in definition.resources.items():
        users = [activities[each] for each in ids if each in activities]
        if users:
            resource = ResourceInstance(definition, component, interval, version, users)
            for user in users:
                user.runs_on = resource
            yield resource


def _data_nodes(
    definition: Definition, interval: Interval, version: int, activities: Mapping[str, ActivityInstance]
) -> Iterator[DataNodeInstance]:
    for component, used_by in definition.used_by.items():
        readers, writers = ([activities[each] for each in ids if each in activities] for ids in used_by)
        if readers or writers:
            node = DataNodeInstance(definition, component, interval, version, readers, writers)
            for reader in readers:
                reader.waits_for.append(node)
            for writer in writers:
                writer.writes.append(node)
            yield node


def _introduce(instances: Sequence[Instance]) -> None:
    """Tell instances of the others of their interval, which their fields refer to."""
    siblings: dict[Interval, dict[str, str]] = {}
    for instance in instances:
        siblings.setdefault(instance.interval, {})[instance.component] = instance.id
    for instance in instances:
        instance.siblings = siblings[instance.interval]
