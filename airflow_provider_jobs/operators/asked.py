# SPDX-License-Identifier: Apache-2.0

"""What a result has to tell of its job's request, where AWS does not tell it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_jobs.once.fingerprint import Fingerprint

if TYPE_CHECKING:
    from airflow_provider_jobs.once.attempt_log import Attempt

__all__ = ["asked_of", "noted_of"]

#: Characters of what is noted of a request: a store of Airflow's takes no more than some ten thousands.
_LONGEST = 8_000


def asked_of(attempt: Attempt | None, request: Any) -> Mapping[str, Any] | None:
    """Return what the result has to tell of the request of an attempt; None if it tells nothing.

    :param request: the request of now, which is the attempt's as well if its fingerprint is.
    """
    if attempt is not None and attempt.asked:
        noted: Mapping[str, Any] = json.loads(attempt.asked)
        return noted
    if not hasattr(request, "asked"):
        return None
    told: Mapping[str, Any] = request.asked()
    same = attempt is None or attempt.fingerprint == Fingerprint.of(request.facts())
    return told if same else dict.fromkeys(told)


def noted_of(request: Any) -> str:
    """Return what is noted of a request for its result; nothing where that is long."""
    text = json.dumps(request.asked()) if hasattr(request, "asked") else ""
    return text if len(text) <= _LONGEST else ""
