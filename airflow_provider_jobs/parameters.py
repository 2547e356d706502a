# SPDX-License-Identifier: Apache-2.0

"""Parameters as DAG authors give them: texts, lists of texts, another task's result, templates."""

from __future__ import annotations

from ast import literal_eval
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from airflow.providers.common.compat.sdk import Context, XComArg

from airflow_provider_jobs.exceptions import JobInputError

if TYPE_CHECKING:
    from airflow.sdk.definitions.xcom_arg import PlainXComArg

__all__ = ["JobReference", "Reader", "ReadsParameters", "handed", "is_literal", "optional", "text", "texts"]

#: An id of a job or pipeline: itself, the result of the task that has it, or that task's ``.output``.
JobReference: TypeAlias = str | Mapping[str, Any] | XComArg
#: Reads a parameter's value, given its name for the message of an error.
Reader: TypeAlias = Callable[[Any, str], Any]

_TEMPLATE_MARKS = ("{{", "{%", "{#")


def is_literal(value: Any) -> bool:
    """Whether a parameter holds neither a template nor another task's result."""
    if isinstance(value, str):
        return not any(mark in value for mark in _TEMPLATE_MARKS)
    if isinstance(value, Mapping):
        return all(is_literal(each) for pair in value.items() for each in pair)
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(map(is_literal, value))
    return value is None or isinstance(value, (bool, int, float, datetime, timedelta))


def text(value: Any, name: str) -> str:
    """Return a text.

    A whole number counts as its text: ``render_template_as_native_obj`` makes one of "20260131".

    :param name: the parameter, for the message.
    :raises JobInputError: if it is neither.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None:
        raise JobInputError(f"{name} is missing: a template or another task that was to give it gave none.")
    why = ""
    if isinstance(value, (bool, float)):
        why = (
            " If it comes from a template: render_template_as_native_obj has made it of a text, which cannot "
            "be told from it any longer. Put quotes into the template: \"'{{ … }}'\"."
        )
    raise JobInputError(f"{name}={value!r} must be a text, not {type(value).__name__}.{why}")


def texts(value: Any, name: str) -> list[str]:
    """Return a list of texts; one that a template has rendered to a text is read as Python writes it.

    :param name: the parameter, for the message.
    :raises JobInputError: if it is no list, or holds something else.
    """
    given = value
    if isinstance(given, str) and given.lstrip().startswith(("[", "(")):
        try:
            given = literal_eval(given.strip())
        except (SyntaxError, ValueError):
            given = None
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise JobInputError(
            f"{name}={value!r} must be a list of texts, not {type(value).__name__}. Put a text into one."
        )
    return [text(each, name) for each in given]


def optional(reader: Reader) -> Reader:
    """Return a reader of a parameter that may be left out, which None is."""

    def read(value: Any, name: str) -> Any:
        return None if value is None else reader(value, name)

    return read


def handed(value: Any, name: str) -> Any:
    """Return an id that may be given as the result of the task that has it.

    :param value: the id, or a result.
    :param name: the parameter, which is the id's name in a result too.
    :raises JobInputError: if the result has no such id.
    """
    if not isinstance(value, Mapping):
        return value
    if name not in value:
        held = ", ".join(map(str, value)) or "nothing"
        raise JobInputError(
            f"{name} was given a result that has no {name!r} (it has {held}). Give the output of the task "
            "that started it, or the id itself."
        )
    return value[name]


class ReadsParameters:
    """Part of an operator or sensor: reads its parameters, those that are literals when the DAG is parsed."""

    if TYPE_CHECKING:

        @property
        def output(self) -> PlainXComArg:
            """What the task hands on; Airflow's own type of it has no keys."""

    #: How each parameter is read.
    parameter_readers: ClassVar[Mapping[str, Reader]] = {}
    #: Templated fields in which a number may stand for itself.
    _native_fields: ClassVar[frozenset[str]] = frozenset({"botocore_config", "verify"})

    def read(self, name: str) -> Any:
        """Return a parameter, read and checked.

        :raises JobInputError: if it cannot work.
        """
        return self.parameter_readers[name](getattr(self, name), name)

    def _read_literals(self, *names: str) -> None:
        """Read the parameters that stay as they are, so that one that cannot work fails with the DAG's file.

        :param names: which; all when there are none.
        """
        for name in names or self.parameter_readers:
            if is_literal(getattr(self, name)):
                self.read(name)

    def render_template_fields(self: Any, context: Context, jinja_env: Any = None) -> None:
        """Render the templated fields; what is written as a text stays one under native rendering too."""
        written = {name: getattr(self, name, None) for name in self.template_fields}
        super().render_template_fields(context, jinja_env)  # type: ignore[misc]
        if (dag := self.get_dag()) is None:
            return
        render = partial(_render, dag.get_template_env(force_sandboxed=True), context)
        for name in written.keys() - self._native_fields:
            setattr(self, name, _texts_again(written[name], getattr(self, name, None), render))


def _render(jinja_env: Any, context: Any, template: str) -> str:
    """Render a template to a text; the context tells its values when it is asked for them."""
    found = jinja_env.from_string(template)
    names = ChainMap(context, found.globals)
    return "".join(found.root_render_func(found.new_context(names, shared=True)))


def _texts_again(template: Any, rendered: Any, render: Callable[[str], Any]) -> Any:
    """Return what was rendered, with each text that became a number or a truth value as the text it was."""
    if isinstance(template, str) and isinstance(rendered, (bool, int, float)):
        return render(template)
    if isinstance(template, Mapping) and isinstance(rendered, Mapping) and len(template) == len(rendered):
        pairs = zip(template.values(), rendered.items(), strict=True)
        return {key: _texts_again(each, value, render) for each, (key, value) in pairs}
    if isinstance(template, list) and isinstance(rendered, list) and len(template) == len(rendered):
        return [_texts_again(each, value, render) for each, value in zip(template, rendered, strict=True)]
    return rendered
