# SPDX-License-Identifier: Apache-2.0

"""The docs' pictures: each is shown and is there; ``make screenshots`` takes them, but for the drawings."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest

from .pages import PAGES, REPOSITORY, name_of

IMAGES = REPOSITORY / "docs" / "images"
DIAGRAMS = REPOSITORY / "docs" / "diagrams"
#: Markdown's image, MyST's directives, HTML's tag.
SHOWN = re.compile(
    r"!\[[^\]]*\]\(([^)\s]+)\)|^\s*(?:```|:::)\{(?:image|figure)\}\s+(\S+)|<img[^>]*\ssrc=[\"']([^\"']+)",
    re.MULTILINE,
)


def shown(page: Path) -> list[Path]:
    """The files of this project that a page shows."""
    places = ["".join(found.groups("")) for found in SHOWN.finditer(page.read_text())]
    return [(page.parent / place).resolve() for place in places if "://" not in place]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_a_page_shows_is_there(page: Path) -> None:
    assert [file for file in shown(page) if not file.is_file()] == []


def test_every_picture_is_shown() -> None:
    assert {*IMAGES.iterdir(), *DIAGRAMS.iterdir()} == {file for page in PAGES for file in shown(page)}


def test_the_browser_test_takes_all_pictures_and_no_others() -> None:
    taken = re.findall(r'take\("(\w+)"\)', (REPOSITORY / "tests/e2e/test_ui.py").read_text())
    assert sorted(taken) == sorted(file.stem for file in IMAGES.iterdir())


@pytest.mark.parametrize("file", sorted(IMAGES.iterdir()), ids=lambda file: str(file.name))
def test_a_picture_is_of_the_size_of_all_and_light(file: Path) -> None:
    content = file.read_bytes()
    # A PNG begins with its signature and a header whose first two numbers are width and height.
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == (1280, 800)
    assert len(content) < 200_000


@pytest.mark.parametrize("file", sorted(DIAGRAMS.iterdir()), ids=lambda file: str(file.name))
def test_a_drawing_is_text_that_tells_what_it_shows(file: Path) -> None:
    assert file.suffix == ".svg"
    assert len(file.read_text()) < 20_000
    svg = ElementTree.parse(file).getroot()
    told = [svg.findtext(f"{{http://www.w3.org/2000/svg}}{each}") for each in ("title", "desc")]
    assert all(told)
    # Nothing is fetched or run, and nothing is cut off at the edges.
    assert {each.tag.rpartition("}")[2] for each in svg.iter()}.isdisjoint({"script", "image", "use"})
    assert svg.attrib["viewBox"] == f"0 0 {svg.attrib['width']} {svg.attrib['height']}"
