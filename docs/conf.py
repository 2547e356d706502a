# SPDX-License-Identifier: Apache-2.0

"""How Sphinx builds these pages: ``make docs``."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

# Airflow writes its configuration as it is imported: into a home of its own.
_HOME = tempfile.TemporaryDirectory(prefix="airflow-home-")
os.environ["AIRFLOW_HOME"] = _HOME.name

sys.path.append(str(Path(__file__).parents[1]))

import airflow_provider_jobs  # noqa: E402
from docs.operator_reference import classes, reference  # noqa: E402

project = "airflow-provider-jobs"
version = release = airflow_provider_jobs.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "sphinx_copybutton"]
exclude_patterns = ["_build", "walkthrough"]
html_theme = "furo"
html_title = f"{project} {release}"
html_logo = "_static/logo.svg"
html_favicon = "_static/favicon.svg"
html_copy_source = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["wide.css"]
highlight_language = "text"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    # In the order of the source, which __all__ is not. A test holds the two together.
    "ignore-module-all": True,
    # The same for all, and told by the bases.
    "exclude-members": "aws_hook_class,job_link",
}
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"

# A reference to a name of ours must resolve. Those of others are shown as they are: their pages are
# elsewhere, and a build must not need the network. Type variables have no page.
nitpick_ignore_regex = [
    (r"py:.*", r"(?!airflow_provider_jobs\.).*"),
    (r"py:.*", r".*\.(ConnectionT|HookT|T|ValueT)"),
]

#: Files that are pages here, and pages of the repository elsewhere.
_PAGES = {
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "performance.md",
    "example_dags": "guides/index.md",
    "example_dags/eventbridge_replay.py": "guides/eventbridge.md",
}


def _rewrite_links(text: str) -> str:
    """Let links to files of the repository, which a code host follows, lead to their pages here."""
    for file, page in _PAGES.items():
        text = re.sub(rf"\]\((?:\.\./)?{re.escape(file)}/?(#[^)]*)?\)", rf"]({page}\1)", text)
    return text.replace("](docs/", "](")


def _short_name(app: Sphinx, env: BuildEnvironment, node: pending_xref, text: Any) -> Any:
    """Find what a docstring calls by its last name alone, such as an error after ``:raises``."""
    if node.get("refdomain") != "py" or "." in node["reftarget"]:
        return None
    node["refspecific"] = True
    python = env.domains["py"]
    return python.resolve_xref(
        env, node["refdoc"], app.builder, node["reftype"], node["reftarget"], node, text
    )


def _break_names(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: object) -> None:
    """Let long names and paths go on in the next line where a word of theirs ends, above all in tables."""
    name = re.compile(r'(?<=<span class="pre">)[^<]+(?=</span>)')
    end = re.compile(r"(?<=\w[_/.:-])(?=\w)|(?<=::)(?=\w)|(?<=[a-z])(?=[A-Z])")
    context["body"] = name.sub(lambda found: end.sub("<wbr>", found[0]), context.get("body", ""))


class Operators(SphinxDirective):
    """Shows the operators and sensors of the modules in its content, which a guide explains."""

    has_content = True
    option_spec = {"guide": str}  # noqa: RUF012 - as docutils has it

    def run(self) -> list[Any]:
        """Return what is shown."""
        found = classes(*self.content)
        return self.parse_text_to_nodes("".join(reference(each, self.options["guide"]) for each in found))


def setup(app: Sphinx) -> None:
    """Register what this file adds to Sphinx."""
    app.add_directive("operators", Operators)
    app.connect("html-page-context", _break_names)

    def rewrite(_app: Sphinx, *read: object) -> None:
        source = read[-1]
        assert isinstance(source, list)
        source[0] = _rewrite_links(source[0])

    app.connect("missing-reference", _short_name)
    app.connect("source-read", rewrite)
    app.connect("include-read", rewrite)
