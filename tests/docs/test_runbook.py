# SPDX-License-Identifier: Apache-2.0

"""docs/runbook.md: each sign has a metric and a log line that the code has, and a test that produces it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from airflow_provider_jobs.metrics import METRICS, PREFIX

from .messages import ANY, fits, has, lines, texts, tidy
from .pages import REPOSITORY

TEXT = (REPOSITORY / "docs" / "runbook.md").read_text()
PARTS = ("Log", "Metric", "Means", "Do", "Shown by")
#: Consecutive words of a line that a test has to name: enough to be found by nothing else.
_WORDS = 3


@dataclass(frozen=True)
class Sign:
    """A section of the page.

    :param title: its heading.
    :param parts: what it says, by the words in bold that begin each item.
    """

    title: str
    parts: dict[str, str]

    def quoted(self, part: str) -> list[str]:
        return re.findall(r"`([^`]+)`", self.parts[part])


SIGNS = [
    Sign(title, dict(re.findall(r"^- \*\*([\w ]+):\*\* (.+)$", text, re.MULTILINE)))
    for title, text in re.findall(r"^### (.+)\n((?:(?!^#).*\n?)*)", TEXT, re.MULTILINE)
]
each_sign = pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: str(sign.title))


def test_the_page_has_the_signs_that_people_ask_about() -> None:
    assert len(SIGNS) >= 10
    assert "no answer" in TEXT


@each_sign
def test_a_sign_says_all_that_is_needed(sign: Sign) -> None:
    assert tuple(sign.parts) == PARTS
    assert all(sign.parts.values())


@each_sign
def test_its_log_lines_are_in_the_code(sign: Sign) -> None:
    logged, written = [each.text for each in lines()], texts()
    assert sign.quoted("Log")
    for line in sign.quoted("Log"):
        assert any(fits(line, text) for text in logged) or any(has(text, line) for text in written), line


@each_sign
def test_its_metrics_are_sent(sign: Sign) -> None:
    names = [name for name in sign.quoted("Metric") if name.startswith(PREFIX)]
    assert names or sign.parts["Metric"].startswith("none")
    assert {name.removeprefix(PREFIX) for name in names} <= set(METRICS)


@each_sign
def test_a_test_produces_each_line(sign: Sign) -> None:
    sources = []
    for place in sign.quoted("Shown by"):
        file, _, test = place.partition("::")
        source = (REPOSITORY / file).read_text()
        assert re.search(rf"def {test}\(", source), place
        sources.append(source)
    for line in sign.quoted("Log"):
        runs = [piece.split() for piece in tidy(line).split(ANY)]
        pieces = [" ".join(run[at : at + _WORDS]) for run in runs for at in range(len(run) - _WORDS + 1)]
        assert any(piece in source for piece in pieces for source in sources), line
