# SPDX-License-Identifier: Apache-2.0

"""The messages in the package's source: of its errors, and of the lines that it logs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import airflow_provider_jobs
from airflow_provider_jobs import exceptions

PACKAGE = Path(airflow_provider_jobs.__file__).parent
#: Stands for what a message takes from elsewhere: a name, a value, an error of somebody else's.
ANY = "\u2026"
#: Classes of errors that a task ends with; the first argument is the message.
ERRORS = {
    *(name for name in exceptions.__all__ if name.endswith("Error")),
    "AirflowException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
}
#: Variables that hold one of these classes.
CHOSEN = {"failed", "quota"}
#: Errors that say that our own code is wrong, or that somebody of ours handles; no task ends with them.
INNER = {"ClientError", "LookupError", "RuntimeError", "TimeoutError", "TypeError", "_UnknownError"}
#: Methods of a logger, and the functions that write to a task's log from a trigger.
LOGGED = {"info", "warning", "error", "exception", "say"}


@dataclass(frozen=True)
class Message:
    """A message in the source.

    :param where: file and line.
    :param text: the message, with :data:`ANY` for what is put into it.
    """

    where: str
    text: str


class _Texts:
    """Returns the texts that an expression may become, in one function."""

    def __init__(self, function: ast.AST) -> None:
        self._assigned: dict[str, list[ast.expr]] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self._assigned.setdefault(target.id, []).append(node.value)

    def of(self, node: ast.expr, depth: int = 0) -> list[str]:
        if isinstance(node, ast.Constant):
            return [str(node.value)]
        if isinstance(node, ast.JoinedStr):
            return _joined(self.of(part, depth) for part in node.values)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return _joined([self.of(node.left, depth), self.of(node.right, depth)])
        if isinstance(node, ast.FormattedValue):
            return self.of(node.value, depth)
        if isinstance(node, ast.IfExp):
            return [*self.of(node.body, depth), *self.of(node.orelse, depth)]
        if isinstance(node, ast.Call) and _last(node.func) in ("strip", "rstrip"):
            assert isinstance(node.func, ast.Attribute)
            return self.of(node.func.value, depth)
        if isinstance(node, ast.Name) and depth < 2 and node.id in self._assigned:
            return [text for value in self._assigned[node.id] for text in self.of(value, depth + 1)]
        return [ANY]


def _joined(parts: Iterable[list[str]]) -> list[str]:
    return ["".join(each) for each in product(*parts)]


def _last(function: ast.expr) -> str:
    return ast.unparse(function).rpartition(".")[2]


def tidy(text: str) -> str:
    """A message as it is compared: in one line, without what differs from time to time."""
    text = re.sub(r"%[-\d.]*[a-z]", ANY, " ".join(text.split()))
    return re.sub(rf"{ANY}( ?{ANY})+", ANY, text).strip()


def _functions() -> Iterator[tuple[Path, ast.AST]]:
    for file in sorted(PACKAGE.rglob("*.py")):
        if "testing" not in file.relative_to(PACKAGE).parts:
            tree = ast.parse(file.read_text())
            inner = {id(each) for top in ast.walk(tree) if _function(top) for each in _below(top)}
            yield from ((file, each) for each in ast.walk(tree) if _function(each) and id(each) not in inner)


def _function(node: ast.AST) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))


def _below(node: ast.AST) -> Iterator[ast.AST]:
    """The functions in a function, which share its variables."""
    return (each for each in ast.walk(node) if each is not node and _function(each))


def _calls(names: Iterable[str]) -> Iterator[tuple[str, ast.Call, _Texts]]:
    wanted = set(names)
    for file, function in _functions():
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and _last(node.func) in wanted and node.args:
                yield f"{file.relative_to(PACKAGE)}:{node.lineno}", node, _Texts(function)


def _messages(names: Iterable[str]) -> list[Message]:
    found = [
        Message(where, tidy(text)) for where, call, texts in _calls(names) for text in texts.of(call.args[0])
    ]
    # What has no words of its own passes on the message of another.
    return [message for message in found if re.search(r"\w{2}", message.text.replace(ANY, ""))]


def errors() -> list[Message]:
    """The messages of all errors that a task can end with."""
    return _messages(ERRORS | CHOSEN)


def lines() -> list[Message]:
    """The lines of the log, without those for debugging."""
    return _messages(LOGGED)


def texts() -> set[str]:
    """All texts in the source, of which a message may be put together."""
    found = {text for _, function in _functions() for text in _literals(function)}
    return {tidy(text) for text in found if len(text) > len(ANY)}


def _literals(function: ast.AST) -> Iterator[str]:
    known = _Texts(ast.Pass())
    for node in ast.walk(function):
        if isinstance(node, (ast.JoinedStr, ast.Constant)):
            yield from known.of(node)


def raised_otherwise() -> list[str]:
    """What is raised and is neither such an error, nor one of our own, nor the result of a method."""
    return [
        f"{file.relative_to(PACKAGE)}:{node.lineno}"
        for file, function in _functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and (name := _last(node.exc.func)) not in ERRORS | CHOSEN | INNER
        and name[0].isupper()
    ]


def fits(pattern: str, text: str) -> bool:
    """Whether a message begins with a pattern; what both leave open fits anything."""
    return re.match(_expression(tidy(pattern)), text) is not None


def has(text: str, pattern: str) -> bool:
    """Whether a part of a text fits a pattern."""
    return re.search(_expression(tidy(pattern).strip(f"{ANY} :")), text) is not None


def _expression(pattern: str) -> str:
    return ".*?".join(re.escape(piece) for piece in pattern.split(ANY))
