# SPDX-License-Identifier: Apache-2.0

"""What is wrong with a pipeline definition, and how it is told: all of it at once, by object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_jobs.exceptions import JobInputError

__all__ = ["Finding", "label", "refusal"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong.

    :param where: the object, by its id if it has one.
    :param what: what is wrong and what would be right.
    """

    where: str
    what: str


def label(entry: Mapping[str, Any], section: str, at: int) -> str:
    """Return the words for an object or a parameter: its id, or where it stands."""
    own = entry.get("id")
    return own if isinstance(own, str) and own else f"{section}[{at}]"


def refusal(findings: Sequence[Finding]) -> JobInputError:
    """Return the error that lists all findings by object."""
    by_object: dict[str, list[str]] = {}
    for found in findings:
        by_object.setdefault(found.where, []).append(found.what)
    count = f"{len(findings)} fault{'' if len(findings) == 1 else 's'}"
    lines = [
        line for where, whats in by_object.items() for line in (where, *(f"  - {what}" for what in whats))
    ]
    return JobInputError(
        f"The pipeline definition has {count} and was not sent. Mend these, then clear the task:\n"
        + "\n".join(f"  {line}" for line in lines)
    )
