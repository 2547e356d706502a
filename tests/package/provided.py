# SPDX-License-Identifier: Apache-2.0

"""What the provider declares."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_jobs.get_provider_info import get_provider_info


def operators() -> Iterator[type[BaseOperator]]:
    """All operators and sensors that the provider declares."""
    info = get_provider_info()
    for layer in ("operators", "sensors"):
        for integration in info[layer]:
            for name in integration["python-modules"]:
                module = importlib.import_module(name)
                yield from (getattr(module, each) for each in module.__all__)


OPERATORS = {each.__name__: each for each in operators()}
