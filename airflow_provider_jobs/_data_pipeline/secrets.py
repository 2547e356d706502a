# SPDX-License-Identifier: Apache-2.0

"""What a pipeline definition keeps secret: the values of fields and parameters named with a leading ``*``.

https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-writing-pipeline-definition.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any

from airflow.providers.common.compat.sdk import Context

from airflow_provider_jobs.job import one_line

__all__ = ["MasksSecrets", "hide", "is_secret", "secret_values", "shown"]

#: A secret's value in JSON text as it is spelt there: a text or number, or a list of them.
_SPELT = re.compile(r'"\*(?:[^"\\]|\\.)*"\s*:\s*(\[[^\[\]]*\]|"(?:[^"\\]|\\.)*"|[-+.\w]+)')
_TOKENS = re.compile(r'"((?:[^"\\]|\\.)*)"|([-+.\w]+)')
#: A value that only names another one is no secret.
_REFERENCE = re.compile(r"#\{[^{}]*\}")
#: What stands in a message for a secret.
_HIDDEN = "***"
#: Characters of a value in a message.
_SHOWN = 60


def is_secret(name: Any) -> bool:
    """Whether AWS keeps the value of a field or parameter of this name secret."""
    return isinstance(name, str) and name.startswith("*")


def shown(name: Any, value: Any) -> str:
    """Return a value that cannot be used, for a message; of a secret only its type."""
    if is_secret(name):
        return f"{_HIDDEN} ({type(value).__name__})"
    text = "null" if value is None else repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def secret_values(content: Any, names: Collection[str] = ()) -> set[str]:
    """Return the secrets in a definition or in a part of it, in the file format, the API's form, or as text.

    :param content: rendered.
    :param names: of parameters that are secret beside those which the content has as such.
    """
    if isinstance(content, str):
        return _in_text(content)
    secret = {name for name in (*_names(content), *names) if is_secret(name)}
    return {
        text
        for name, value in _pairs(content)
        if (is_secret(name) or f"*{name}" in secret)
        for text in _texts(value)
        if text and not _REFERENCE.fullmatch(text)
    }


def hide(text: str, secrets: Collection[str]) -> str:
    """Return a text of somebody else's without the secrets in it, however they are written there."""
    for written in sorted({each for secret in secrets for each in _written(secret)}, key=len, reverse=True):
        text = text.replace(written, _HIDDEN)
    return text


def _written(secret: str) -> set[str]:
    """Return the ways in which others write a text: in one line, and as JSON or Python quote it."""
    quoted = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    return {each for written in (secret, *quoted) for each in (written, one_line(written))} - {""}


class MasksSecrets:
    """Part of an operator whose templated fields may hold secrets: Airflow's masker learns them at once.

    So they stand neither in the rendered fields that Airflow stores, nor in the task's log, nor in what
    OpenLineage is told. Airflow does not mask what is shorter than ``[logging] min_length_masked_secret``.
    """

    #: The names of secret parameters in the fields that were rendered before.
    _secret_names: frozenset[str] = frozenset()
    #: What the masker knows: each part of a field is rendered by itself, and Airflow tells its supervisor.
    _masked: frozenset[str] = frozenset()

    def render_template(
        self, content: Any, context: Context, jinja_env: Any = None, seen_oids: set[int] | None = None
    ) -> Any:
        """Render a templated field, and have its secrets masked from here on; secret numbers become text."""
        # What stands in the DAG's file as it is: a template that fails is logged with its field.
        self._mask({each for each in secret_values(content) if "{{" not in each})
        rendered = super().render_template(content, context, jinja_env, seen_oids)  # type: ignore[misc]
        rendered = _numbers_as_text(rendered)
        if not isinstance(rendered, str):
            self._secret_names |= {name for name in _names(rendered) if is_secret(name)}
        self._mask(secret_values(rendered, self._secret_names))
        return rendered

    # Airflow renders the fields of a mapped task by this method, and not by render_template_fields.
    def _do_render_template_fields(
        self: Any, parent: Any, template_fields: Any, *args: Any, **kwargs: Any
    ) -> None:
        """Render all templated fields; those that a callable returns do not come by the way of templates."""
        super()._do_render_template_fields(parent, template_fields, *args, **kwargs)  # type: ignore[misc]
        for name in template_fields:
            value = _numbers_as_text(getattr(parent, name, None))
            self._mask(secret_values(value, self._secret_names))
            setattr(parent, name, value)

    def _mask(self, secrets: Collection[str]) -> None:
        new = {written for secret in secrets for written in _written(secret)} - self._masked
        self._masked |= new
        for written in new:
            _masker()(written)


@cache
def _masker() -> Callable[[str], None]:
    """Return Airflow's function that has a text masked from now on."""
    for module in ("airflow.sdk.log", "airflow.sdk.execution_time.secrets_masker"):
        with suppress(ImportError, AttributeError):
            mask: Callable[[str], None] = import_module(module).mask_secret
            return mask
    older: Callable[[str], None] = import_module("airflow.utils.log.secrets_masker").mask_secret
    return older


def _in_text(text: str) -> set[str]:
    if '"*' not in text:
        return set()
    try:
        parsed = secret_values(json.loads(text, strict=False))
    except ValueError:
        parsed = set()
    # As they are spelt, and where a key comes twice also the one that JSON leaves out.
    spelt = {quoted or bare for value in _SPELT.findall(text) for quoted, bare in _TOKENS.findall(value)} - {
        "true",
        "false",
        "null",
    }
    return {each for each in parsed | spelt if each and not _REFERENCE.fullmatch(each)}


def _numbers_as_text(content: Any, secret: bool = False) -> Any:
    """Return the content with secret numbers as the text that AWS is given: Airflow masks texts alone."""
    if isinstance(content, dict):
        own = any(is_secret(content.get(name)) for name in ("key", "id"))
        return {
            key: _numbers_as_text(
                value, secret or is_secret(key) or (own and key in ("stringValue", "default"))
            )
            for key, value in content.items()
        }
    if isinstance(content, (list, tuple)):
        return type(content)(_numbers_as_text(each, secret) for each in content)
    if secret and isinstance(content, (int, float)) and not isinstance(content, bool):
        return repr(content)
    return content


def _names(content: Any) -> Iterator[str]:
    """Yield the names of all parameters, which may be secret where their values are not called so."""
    if isinstance(content, Mapping):
        if isinstance(content.get("id"), str):
            yield content["id"]
        for key, value in content.items():
            yield key
            yield from _names(value)
    elif isinstance(content, Sequence) and not isinstance(content, str):
        for each in content:
            yield from _names(each)


def _pairs(content: Any) -> Iterator[tuple[str, Any]]:
    """Yield each name with its value, in whichever form it is given."""
    if isinstance(content, Mapping):
        # The API's field or attribute, and its parameter value.
        for name in ("key", "id"):
            if isinstance(content.get(name), str) and "stringValue" in content:
                yield content[name], content["stringValue"]
        # A parameter, in the file format and in the API's form.
        if isinstance(content.get("id"), str):
            yield content["id"], content.get("default")
            for each in content.get("attributes") or ():
                if isinstance(each, Mapping) and each.get("key") == "default":
                    yield content["id"], each.get("stringValue")
        for key, value in content.items():
            yield key, value
            yield from _pairs(value)
    elif isinstance(content, Sequence) and not isinstance(content, str):
        for each in content:
            yield from _pairs(each)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (Mapping, Sequence)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(each)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield repr(value)
