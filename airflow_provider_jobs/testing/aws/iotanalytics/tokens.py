# SPDX-License-Identifier: Apache-2.0

"""The tokens of an activity's expression."""

from __future__ import annotations

import re
from typing import Literal, NoReturn, TypeAlias

from airflow_provider_jobs.testing.aws.iotanalytics.messages import ActivityError

ExpressionKind: TypeAlias = Literal["filter", "math"]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?(?!\w))|(?P<string>'([^']|'')*')"
    r"|(?P<symbol><>|!=|<=|>=|[-+*/%=<>(),])|(?P<word>[A-Za-z_]\w*(\.\w+|\[\d+\])*))"
)
_END = ("", "the end")


class Tokens:
    """The tokens of an expression, which are taken one by one.

    :param kind: what it is, for the message
    :param text: the expression
    :raises ActivityError: if a part of it is no token
    """

    def __init__(self, kind: ExpressionKind, text: str) -> None:
        self.kind = kind
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                self.fail(text[position:].strip())
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()

    @property
    def ahead(self) -> str:
        """The text of the next token."""
        return self._peek()[1]

    def next(self) -> tuple[str, str]:
        """Take the next token: its kind (number, string, symbol, word) and its text."""
        token = self._peek()
        self._at += 1
        return token

    def take(self, wanted: str) -> bool:
        """Take the next token if it is the wanted one.

        :param wanted: a symbol, or a keyword in capitals
        """
        found = self.ahead.upper() == wanted
        self._at += found
        return found

    def expect(self, wanted: str) -> None:
        """Take the next token, which must be the wanted one."""
        at = self.ahead
        if not self.take(wanted):
            self.fail(at)

    def string(self) -> str:
        """Take the next token, which must be a text."""
        kind, text = self.next()
        if kind != "string":
            self.fail(text)
        return unquoted(text)

    def end(self) -> None:
        """Expect no more."""
        if self._at < len(self._tokens):
            self.fail(self.ahead)

    def fail(self, at: str) -> NoReturn:
        """Say where the expression is not understood.

        :raises ActivityError: always
        """
        message = f"The mocked service does not understand the {self.kind} {self._text!r} at {at!r}."
        raise ActivityError(message)

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else _END


def unquoted(text: str) -> str:
    """Return what a text in single quotes says."""
    return text[1:-1].replace("''", "'")
