# SPDX-License-Identifier: Apache-2.0

"""What moto has when the simulated AWS begins within a ``mock_aws``: kept aside, and put back."""

from __future__ import annotations

from typing import Any

from moto.core.base_backend import BackendDict, backend_lock
from moto.core.models import MockAWS


def _used() -> list[BackendDict[Any]]:
    """Return moto's own list of the services that were used."""
    return BackendDict._instances  # type: ignore[misc]


class OuterMoto:
    """The AWS of the ``mock_aws`` around. To make one takes it aside, so that an empty AWS is left."""

    def __init__(self) -> None:
        with backend_lock:
            self._services = [(service, dict(service)) for service in _used()]
            # A reset would empty the backends themselves, which are to come back.
            for service in _used():
                service.clear()
            _used().clear()

    def restore(self) -> None:
        """Put it back in place of what there is now, unless the ``mock_aws`` has ended."""
        if MockAWS._nested_count == 0:
            return
        BackendDict.reset()
        with backend_lock:
            for service, accounts in self._services:
                service.update(accounts)
                _used().append(service)
