# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest
from testing.conftest import Cloud

from .pipelines import Pipelines


@pytest.fixture
def pipelines(cloud: Cloud) -> Pipelines:
    return Pipelines(cloud)


@pytest.fixture
def by_hand(pipelines: Pipelines) -> Pipelines:
    pipelines.aws.set_pace()
    return pipelines
