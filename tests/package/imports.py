# SPDX-License-Identifier: Apache-2.0

"""What a module of the package imports, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def imports(source: str, package: str = "airflow_provider_jobs") -> Iterator[str]:
    """All that a module imports, in functions and for type checkers too, as full names.

    ``from a import b`` yields ``a.b``, since b may be a module.

    :param package: the package that the module is in, for relative imports.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
