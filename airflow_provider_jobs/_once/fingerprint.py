# SPDX-License-Identifier: Apache-2.0

"""A short digest of a request, by which a retry tells its own job from that of another request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

__all__ = ["Fingerprint", "Likeness"]

_VERSION = "1"


class Likeness(StrEnum):
    """How an attempt's request compares with the current request."""

    SAME = "the same request"
    #: Another fingerprint with the same DAG: a template renders differently from try to try.
    UNSTABLE = "a request that its template changes"
    #: Another fingerprint, and the DAG was changed in between.
    CHANGED = "a request from before the DAG was changed"
    #: Another fingerprint, and it is unknown whether the DAG was changed.
    UNCLEAR = "another request, for an unknown reason"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A digest of a request, with the version of the digest's format.

    :param text: the version and six hexadecimal digits.
    """

    text: str

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Fingerprint:
        """Digest what AWS acts on: times become UTC seconds, and the order of keys and sets is ignored.

        :param facts: JSON-like values, aware datetimes and sets.
        """
        text = json.dumps(_plain(facts), sort_keys=True, separators=(",", ":"))
        return cls(_VERSION + hashlib.sha256(text.encode()).hexdigest()[:6])

    def likeness(self, now: Fingerprint, dag_version: str | None, dag_version_now: str | None) -> Likeness:
        """Compare an attempt's request with the current request.

        :param dag_version: the DAG's version when the attempt was made, if known.
        :param dag_version_now: the current version, if known.
        """
        # A digest in another release's format counts as equal, so that an upgrade stops no job.
        if self == now or self.text[:1] != now.text[:1]:
            return Likeness.SAME
        if dag_version is None or dag_version_now is None:
            return Likeness.UNCLEAR
        return Likeness.UNSTABLE if dag_version == dag_version_now else Likeness.CHANGED


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items() if each is not None}
    if isinstance(value, datetime):
        return int(value.astimezone(UTC).timestamp())
    if isinstance(value, (set, frozenset)):
        return sorted(json.dumps(_plain(each), sort_keys=True) for each in value)
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
