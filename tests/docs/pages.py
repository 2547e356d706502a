# SPDX-License-Identifier: Apache-2.0

"""What the README and the documentation's pages say: their code blocks, links and names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
#: Those that people read, without the ones that Sphinx writes.
PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "benchmarks" / "README.md",
    *sorted(page for page in (REPOSITORY / "docs").rglob("*.md") if "_build" not in page.parts),
]

_FENCE = re.compile(r"^```(?P<kind>\S*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:|#)(?P<file>[^)#]+)(?:#[^)]*)?\)")
_NAME = re.compile(r"\bairflow_provider_jobs(?:\.[A-Za-z_]+)+")


@dataclass(frozen=True)
class Block:
    """A code block.

    :param page: the file it is in, seen from the repository.
    :param line: where it begins.
    :param kind: what it is marked as, such as ``python``; empty if it is not marked.
    :param text: what is in it.
    """

    page: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def name_of(page: Path) -> str:
    """Return a page's path, seen from the repository."""
    return str(page.relative_to(REPOSITORY))


def blocks(*kinds: str) -> list[Block]:
    """Return all code blocks of these kinds."""
    return [
        Block(name_of(page), text.count("\n", 0, found.start()) + 1, found["kind"], found["text"])
        for page in PAGES
        for text in [page.read_text()]
        for found in _FENCE.finditer(text)
        if found["kind"] in kinds
    ]


def links(page: Path) -> Iterator[str]:
    """Yield the files that a page links to."""
    for found in _LINK.finditer(_FENCE.sub("", page.read_text())):
        yield found["file"]


def names(page: Path) -> set[str]:
    """Return the names of ours that a page mentions."""
    return set(_NAME.findall(page.read_text()))


def table(page: Path, name: str) -> list[list[str]]:
    """Return the rows of a page's table, without its head.

    :param name: what the comments before and after it call it.
    """
    _, _, rest = page.read_text().partition(f"<!-- {name}: ")
    text, end, _ = rest.partition(f"<!-- {name} end -->")
    assert end, f"{page} has no table {name!r}"
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]
