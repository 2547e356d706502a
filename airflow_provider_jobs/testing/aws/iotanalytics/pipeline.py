# SPDX-License-Identifier: Apache-2.0

"""IoT Analytics pipelines: the way of messages from a channel to a data store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from airflow_provider_jobs.testing.aws.iotanalytics.activities import Step, step_of
from airflow_provider_jobs.testing.aws.iotanalytics.messages import ActivityError, Message


class Route:
    """A pipeline's way from its channel to its data store.

    :param activities: as CreatePipeline gets them
    :raises ActivityError: if they make no pipeline, or one that cannot be run here
    """

    def __init__(self, activities: Sequence[Mapping[str, Any]]) -> None:
        named: dict[str, tuple[str, Mapping[str, Any]]] = {}
        for activity in activities:
            if len(activity) != 1:
                raise ActivityError(f"Each entry must hold one activity, not {len(activity)}.")
            [(kind, settings)] = activity.items()
            if settings["name"] in named:
                raise ActivityError(f"Two activities have the name {settings['name']}.")
            named[settings["name"]] = kind, settings

        self.activities = activities
        self._steps: list[Step] = []
        kind, settings = named.pop(self._only(named, "channel"))
        last = self._only(named, "datastore")
        self.channel = str(settings["channelName"])
        self.datastore = str(named[last][1]["datastoreName"])
        while kind != "datastore":
            following = settings.get("next")
            if following not in named:
                raise ActivityError(f"Activity {settings['name']} leads to no other: next is {following}.")
            kind, settings = named.pop(following)
            if kind != "datastore":
                self._steps.append(step_of({kind: settings}))
        if named:
            raise ActivityError(f"No activity leads to {', '.join(named)}.")

    @staticmethod
    def _only(named: Mapping[str, tuple[str, Any]], wanted: str) -> str:
        names = [name for name, (kind, _) in named.items() if kind == wanted]
        if len(names) != 1:
            raise ActivityError(f"A pipeline has one {wanted} activity, not {len(names)}.")
        return names[0]

    def run(self, messages: Sequence[Message], failures: list[str]) -> list[Message]:
        """Pass messages through.

        :param messages: they stay as they are
        :param failures: gets the reason for each message that an activity could not process
        :return: those that reach the data store
        """
        passed = deepcopy(list(messages))
        for step in self._steps:
            passed = step(passed, failures)
        return passed
