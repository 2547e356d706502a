# SPDX-License-Identifier: Apache-2.0

"""The API calls that are really made, with their parameters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

#: Services whose actions have another name than in boto3.
IAM = {"eventbridgev2": "events"}


@dataclass(frozen=True)
class Call:
    """One call.

    :param action: as IAM names it, for example ``events:StartReplay``.
    :param parameters: what was given.
    :param user_agent: what the client says of itself beside botocore's own words.
    """

    action: str
    parameters: dict[str, Any]
    user_agent: str


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """Note every call of every boto3 client, in any thread."""
    calls: list[Call] = []
    make: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def noted(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        name = client.meta.service_model.service_name
        action = f"{IAM.get(name, name)}:{operation}"
        config: Any = client.meta.config
        calls.append(Call(action, parameters, config.user_agent_extra))
        return make(client, operation, parameters)

    with patch.object(BaseClient, "_make_api_call", noted):
        yield calls
