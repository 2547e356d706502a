# SPDX-License-Identifier: Apache-2.0

"""The parts of a job's request that belong in its result, if AWS does not report them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_jobs._once.fingerprint import Fingerprint

if TYPE_CHECKING:
    from airflow_provider_jobs._once.attempt_log import Attempt

__all__ = ["asked_of", "recorded_of"]

#: The most characters that are recorded of a request: Airflow's store limits the size of a value.
_LONGEST = 8_000


def asked_of(attempt: Attempt | None, request: Any) -> Mapping[str, Any] | None:
    """Return the parts of an attempt's request that belong in the result; None if there are none.

    If they were not recorded, they are those of the current request, as long as the fingerprints agree.

    :param request: the current request.
    :return: values by name; each is None if the attempt's request is unknown.
    """
    if attempt is not None and attempt.asked:
        noted: Mapping[str, Any] = json.loads(attempt.asked)
        return noted
    if not hasattr(request, "asked"):
        return None
    told: Mapping[str, Any] = request.asked()
    same = attempt is None or attempt.fingerprint == Fingerprint.of(request.facts())
    return told if same else dict.fromkeys(told)


def recorded_of(request: Any) -> str:
    """Return what is recorded of a request for its result, as JSON; empty if that is too long."""
    text = json.dumps(request.asked()) if hasattr(request, "asked") else ""
    return text if len(text) <= _LONGEST else ""
