# SPDX-License-Identifier: Apache-2.0

"""The documentation as a site, in a browser: at 1,280 pixels no line of code and no table is cut off."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .browser import Browser, opened

pytestmark = pytest.mark.extended

REPOSITORY = Path(__file__).parents[2]
#: What is wider than its box, and the page itself where it is wider than the window.
CUT = """() => [document.documentElement, ...document.querySelectorAll("article pre, article .table-wrapper")]
    .filter(each => each.scrollWidth > each.clientWidth + 1)
    .map(each => `${each.scrollWidth} > ${each.clientWidth}: ${each.innerText.slice(0, 60)}`)"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as ``make docs`` builds it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--quiet", "--nitpicky", "--fail-on-warning"]
    command += ["--doctree-dir", str(folder / "doctrees"), str(REPOSITORY / "docs"), str(folder / "html")]
    built = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"})
    assert built.returncode == 0, built.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened() as browser:
        yield browser


@pytest.mark.parametrize("width", [1280, 1440, 1920])
def test_nothing_is_cut_off(browser: Browser, site: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    pages = [file for file in sorted(site.rglob("*.html")) if "_modules" not in file.parts]
    assert len(pages) > 40
    cut = {}
    for file in pages:
        page.goto(file.as_uri())
        if found := page.evaluate(CUT):
            cut[file.name] = found
    assert cut == {}
