# SPDX-License-Identifier: Apache-2.0

"""Where Jinja's marks stand in a definition that were meant for a shell, such as ``${#names[@]}``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_jobs._data_pipeline.secrets import is_secret
from airflow_provider_jobs.exceptions import JobInputError

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["check_templates"]

#: An object or a section, a field, and a text in it.
_Place: TypeAlias = tuple[str, str, str]

#: A quotation mark that begins or ends a text of JSON's.
_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*"')
_ADVICE = (
    "All text in it is a Jinja template. Put {% raw %} before text that is none, and {% endraw %} after it"
)
#: What Jinja's lexer calls the beginning of a comment.
_COMMENTS = ("comment_begin", "linecomment_begin")


@dataclass(frozen=True, slots=True)
class _Fault:
    """What Jinja would make of a text.

    :param line: where in it.
    :param what: in plain words.
    :param words: Jinja's own, which may quote a part of the text.
    """

    line: int
    what: str
    words: str = ""


def check_templates(content: Any, env: Environment, name: str, more: str = "") -> None:
    """Refuse a text that Jinja cannot read, or of which it would drop a part as a comment.

    A comment beside the texts of a file in JSON is one: JSON has none of its own.

    :param content: a definition or a part of one, in any form, before it is rendered.
    :param env: renders it.
    :param name: the parameter, for the message.
    :param more: what else can be done, for the message.
    :raises JobInputError: with the object and the field, or the line where these are not known.
    """
    whole = _fault(content, env, in_json=True) if isinstance(content, str) else None
    if isinstance(content, str) and whole is None:
        return
    found = _first(_parsed(content), env)
    if found is not None:
        (where, field, _), fault = found
        place = f"{name}, {where!r}, field {field!r}" if field else f"{name}, {where!r}"
        raise _refusal(place, fault, secret=is_secret(where) or is_secret(field), more=more)
    if whole is not None:
        line = content.splitlines()[whole.line - 1 : whole.line]
        raise _refusal(f"{name}, line {whole.line}", whole, secret='"*' in "".join(line), more=more)


def _parsed(content: Any) -> Any:
    """Return what a text holds, None if it is no JSON; anything else as it is."""
    if not isinstance(content, str):
        return content
    with suppress(ValueError):
        return json.loads(content, strict=False)
    return None


def _first(content: Any, env: Environment) -> tuple[_Place, _Fault] | None:
    """Return the first text with a fault."""
    faults = ((place, fault) for place in _places(content) if (fault := _fault(place[2], env)))
    return next(faults, None)


def _places(content: Any, where: str = "", field: str = "") -> Iterator[_Place]:
    """Yield all texts, each with its object and field, in the file format or in the API's form."""
    if isinstance(content, str):
        yield where, field, content
    elif isinstance(content, Mapping):
        own = content.get("id")
        where = own if isinstance(own, str) else where
        key = content.get("key")
        for name, value in content.items():
            inner = key if isinstance(key, str) and name in ("stringValue", "refValue") else name
            yield from _places(value, where or str(name), str(inner) if where else "")
    elif isinstance(content, (list, tuple)):
        for each in content:
            yield from _places(each, where, field)


def _fault(text: str, env: Environment, *, in_json: bool = False) -> _Fault | None:
    """Return what is wrong with a text as a template.

    :param in_json: whether it is a whole file, in which a comment may stand between JSON's texts.
    """
    from jinja2 import TemplateSyntaxError

    inside = not in_json
    try:
        env.parse(text)
        for line, kind, value in env.lex(text):
            if kind == "data" and in_json:
                inside ^= len(_QUOTE.findall(value)) % 2 == 1
            elif kind in _COMMENTS and inside:
                return _Fault(line, f"Jinja would drop all from {value!r} on as a comment")
    except TemplateSyntaxError as error:
        return _Fault(error.lineno, "Jinja cannot read it", error.message or "")
    return None


def _refusal(place: str, fault: _Fault, *, secret: bool, more: str) -> JobInputError:
    what = fault.what if secret or not fault.words else f"{fault.what}: {fault.words.rstrip('.')}"
    return JobInputError(f"{place}: {what}. {_ADVICE}{more}.")
