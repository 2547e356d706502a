# SPDX-License-Identifier: Apache-2.0

"""Readers for the parameters of a replay."""

from __future__ import annotations

import re
from typing import Any

from airflow_provider_jobs._eventbridge.archive import ARCHIVE_NAME
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.parameters import text, texts

__all__ = ["checked_archive", "checked_rules"]

_ARCHIVE = re.compile(rf"(arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{{12}}:archive/)?{ARCHIVE_NAME}")
_RULE_ARN = re.compile(
    r"arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:rule/(?:[/.\-_A-Za-z0-9]+/)?[.\-_A-Za-z0-9]+"
)
_RULE_NAME = re.compile(r"[.\-_A-Za-z0-9]{1,64}")


def checked_archive(value: Any, name: str) -> str:
    archive = text(value, name)
    if not _ARCHIVE.fullmatch(archive):
        raise JobInputError(
            f"{name}={archive!r} is neither an archive's name (1 to 48 letters, digits and .-_) "
            "nor its ARN (arn:aws:events:REGION:ACCOUNT:archive/NAME)."
        )
    return archive


def checked_rules(value: Any, name: str) -> list[str]:
    rules = texts(value, name)
    if not rules:
        raise JobInputError(f"{name} is empty. Leave it out to reach all rules of the bus.")
    buses = {}
    for rule in rules:
        if _RULE_NAME.fullmatch(rule):
            continue
        if not _RULE_ARN.fullmatch(rule):
            raise JobInputError(
                f"{name}: {rule!r} is neither a rule's name (1 to 64 letters, digits and .-_) nor a rule's "
                "ARN (arn:aws:events:REGION:ACCOUNT:rule/NAME or …:rule/BUS/NAME)."
            )
        buses[rule.rpartition("/")[0]] = rule
    if len(buses) > 1:
        raise JobInputError(
            f"{name} are on several event buses: {', '.join(buses.values())}. A replay reaches only "
            "rules of the bus that the archive was made from; use a task for each archive."
        )
    return rules
