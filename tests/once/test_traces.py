# SPDX-License-Identifier: Apache-2.0

"""Explored histories, replayed on the real operators over the mocked AWS: the same starts and stops.

``make traces`` replays about a thousand, the unit tests a fixed part of them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from airflow_features import needs
from once.replay import Replay
from once.replay_aws import Difference
from once.replay_histories import History, sample
from once.replay_services import COUNTERPARTS, Counterpart, NoCounterpart, Replays
from once.world.settings import SETTINGS, VARIATIONS
from once.world.situation import Setting

from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs

pytestmark = pytest.mark.extended

#: How many histories of each setting, and of each variation of one, are replayed.
OF_SETTING, OF_VARIATION = (22, 7) if os.environ.get("TRACES") else (3, 1)
SERVICES = [each for services in COUNTERPARTS.values() for each in services]


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs() as control:
        yield control


def replayed(aws: AwsJobs, service: Counterpart, settings: tuple[Setting, ...], count: int) -> Counter[str]:
    """Replay a sample of histories; returns how many ran, and why others were left out."""
    outcomes = Counter[str]()
    for setting in settings:
        if setting.marking is not service.case.hook_class.marking:
            continue
        for history in sample(service.setting(setting), count):
            aws.reset()
            try:
                Replay(aws, service, history).run()
            except NoCounterpart as left_out:
                outcomes[str(left_out)] += 1
            except Difference as difference:
                raise Difference(f"{service.case.service} {history}: {difference}") from difference
            else:
                outcomes["replayed"] += 1
    return outcomes


@needs("task_state_store")
@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name or service.case.service)
@pytest.mark.parametrize(
    ("settings", "count"),
    [(SETTINGS, OF_SETTING), (VARIATIONS, OF_VARIATION)],
    ids=["settings", "variations"],
)
def test_explored_histories_have_the_same_starts_and_stops_on_the_real_operators(
    aws: AwsJobs, service: Counterpart, settings: tuple[Setting, ...], count: int
) -> None:
    outcomes = replayed(aws, service, settings, count)
    print(dict(outcomes))
    assert outcomes["replayed"] > 0.8 * outcomes.total()


@needs("task_state_store")
def test_a_start_that_the_model_does_not_make_is_found(aws: AwsJobs) -> None:
    service = Replays()
    replay = Replay(aws, service, History(service.setting(SETTINGS[0]), ()))
    service.neighbour(replay)
    with pytest.raises(Difference, match="the model has started 0 jobs, not 1"):
        replay.run()


class Meddler(Replays):
    """Where a neighbour starts a job, the task's is cancelled."""

    def neighbour(self, replay: Replay) -> None:
        super().neighbour(replay)
        self.cancel(replay.cloud.job("job-1"))


@needs("task_state_store")
def test_a_stop_that_the_model_does_not_make_is_found(aws: AwsJobs) -> None:
    service = Meddler()
    histories = sample(service.setting(SETTINGS[0]), 300)
    history = next(each for each in histories if each.points[0][1:] == ("neighbour", "waiting (adopt)"))
    with pytest.raises(Difference, match="job-1 is running in the model, not stopping"):
        Replay(aws, service, history).run()
