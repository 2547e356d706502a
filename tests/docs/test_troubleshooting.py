# SPDX-License-Identifier: Apache-2.0

"""docs/troubleshooting.md has every message with which a task can fail, and no other."""

from __future__ import annotations

import re

import pytest

from .messages import ANY, Message, errors, fits, has, raised_otherwise, texts
from .pages import REPOSITORY

TEXT = (REPOSITORY / "docs" / "troubleshooting.md").read_text()
#: Each message of the page, with what is said of it.
ENTRIES = dict(re.findall(r"^`([^`\n]+)`\n: (.+)$", TEXT, re.MULTILINE))
SECTIONS = (
    "When the DAG is parsed, or the task begins",
    "Any call to AWS",
    "Before the start",
    "The start",
    "The wait",
    "The stop",
    "Results",
)


def test_the_sections_follow_the_life_of_a_task() -> None:
    assert tuple(re.findall(r"^## (.+)$", TEXT, re.MULTILINE)) == SECTIONS
    for part in re.split(r"^## .+$", TEXT, flags=re.MULTILINE)[1:]:
        assert re.search(r"^: ", part, re.MULTILINE)


@pytest.mark.parametrize(
    "message", {each.text: each for each in errors()}.values(), ids=lambda each: each.where
)
def test_every_message_is_on_the_page(message: Message) -> None:
    assert any(fits(entry, message.text) for entry in ENTRIES), f"{message.where} raises: {message.text}"


def test_the_page_has_no_message_that_is_not_in_the_code() -> None:
    raised, written = [each.text for each in errors()], texts()
    stale = [
        entry
        for entry in ENTRIES
        if not any(fits(entry, text) for text in raised) and not any(has(text, entry) for text in written)
    ]
    assert stale == []


def test_every_entry_says_enough_to_be_told_from_others_and_to_help() -> None:
    assert len(ENTRIES) == len(re.findall(r"^: ", TEXT, re.MULTILINE)) > 60
    for entry, told in ENTRIES.items():
        assert len(re.sub(rf"[{ANY}=.: ]", "", entry)) >= 4, entry
        assert len(told) > 40, entry


def test_a_task_fails_with_errors_of_this_package_and_of_airflow_only() -> None:
    """Another class of error would be another message to look for."""
    assert raised_otherwise() == []


def test_a_message_without_an_entry_is_found() -> None:
    assert not any(fits(entry, "The moon is full; wait for another one.") for entry in ENTRIES)
    assert len(errors()) > 100
