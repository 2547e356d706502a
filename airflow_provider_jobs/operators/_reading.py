# SPDX-License-Identifier: Apache-2.0

"""Reads the parameters of operators and sensors: literals when the DAG is parsed, templates when rendered."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import Context, XComArg

from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.parameters import TEMPLATE_MARKS, Reader, is_literal

if TYPE_CHECKING:
    from airflow.sdk.definitions.xcom_arg import PlainXComArg

__all__ = ["ReadsParameters"]


class ReadsParameters:
    """Mixin for operators and sensors: reads and checks their parameters, literals when the DAG is parsed."""

    if TYPE_CHECKING:

        @property
        def output(self) -> PlainXComArg:
            """The task's result for other tasks; Airflow's own type for it does not allow keys."""

    #: The reader of each parameter.
    parameter_readers: ClassVar[Mapping[str, Reader]] = {}
    #: Parameters that narrow what the task does; without them it would do more.
    _narrowing: ClassVar[frozenset[str]] = frozenset()
    #: Those of them that the DAG file sets.
    _given: frozenset[str] = frozenset()
    #: Templated fields in which a number may stay a number.
    _native_fields: ClassVar[frozenset[str]] = frozenset({"botocore_config", "verify"})

    def read(self, name: str) -> Any:
        """Return a parameter, converted and checked.

        :raises JobInputError: if it cannot work, or is a narrowing parameter that rendered to nothing.
        """
        value = getattr(self, name)
        if value is None and name in self._given:
            raise JobInputError(
                f"{name} is set but empty: its template or task returned None. If that is intended, leave "
                "the parameter out."
            )
        return self.parameter_readers[name](value, name)

    def finish_parameters(self) -> None:
        """Remember what the DAG file gives, and check the parameters that are literals.

        Each constructor calls it last, so that a wrong literal fails when the DAG is parsed.

        :raises JobInputError: if a literal cannot work.
        """
        self._note_written()
        self._read_literals()

    def _note_written(self) -> None:
        """Remember which narrowing parameters are set, before templates are rendered."""
        self._given = frozenset(name for name in self._narrowing if getattr(self, name) is not None)

    def _is_literal(self: Any, value: Any) -> bool:
        """Whether a value contains neither a template, by the DAG's delimiters, nor another task's result."""
        dag = self.get_dag()
        changed = (dag.jinja_environment_kwargs if dag else None) or {}
        own = (changed.get(f"{kind}_start_string") for kind in ("variable", "block", "comment"))
        return is_literal(value, tuple({*TEMPLATE_MARKS, *filter(None, own)}))

    def _read_literals(self: Any) -> None:
        """Read the parameters that are literals."""
        try:
            for name in self.parameter_readers:
                _check_reference(getattr(self, name), name)
                if self._is_literal(getattr(self, name)):
                    self.read(name)
        except JobInputError as error:
            raise JobInputError(f"Task {self.task_id!r}: {error}") from None

    # Airflow calls this method for mapped tasks too, unlike render_template_fields.
    def _do_render_template_fields(
        self: Any, parent: Any, template_fields: Any, context: Context, *args: Any, **kwargs: Any
    ) -> None:
        """Render the templated fields; strings stay strings under native rendering too."""
        written = {name: getattr(parent, name, None) for name in template_fields}
        super()._do_render_template_fields(parent, template_fields, context, *args, **kwargs)  # type: ignore[misc]
        if parent is not self or (dag := self.get_dag()) is None:
            return
        render = partial(_render, dag.get_template_env(force_sandboxed=True), context)
        for name in written.keys() - self._native_fields:
            setattr(self, name, _texts_again(written[name], getattr(self, name, None), render))


def _check_reference(value: Any, name: str) -> None:
    """Reject a task given in place of its output, and the output of a task that pushes none.

    :raises JobInputError: with what to write instead.
    """
    if hasattr(value, "task_id") and hasattr(value, "output"):
        raise JobInputError(
            f"{name} is the task {value.task_id!r} itself. Give its output: .output, or .output[{name!r}]."
        )
    if (
        isinstance(value, XComArg)
        and getattr(getattr(value, "operator", None), "do_xcom_push", True) is False
    ):
        raise JobInputError(
            f"{name} is the output of a task with do_xcom_push=False, which has no output. Let it push one."
        )


def _render(jinja_env: Any, context: Any, template: str) -> str:
    """Render a template to a string; only values that the template uses are read from the context."""
    found = jinja_env.from_string(template)
    names = ChainMap(context, found.globals)
    return "".join(found.root_render_func(found.new_context(names, shared=True)))


def _texts_again(template: Any, rendered: Any, render: Callable[[str], Any]) -> Any:
    """Return the rendered value, in which strings that became numbers or bools are strings again."""
    if isinstance(template, str) and isinstance(rendered, (bool, int, float)):
        return render(template)
    if isinstance(template, Mapping) and isinstance(rendered, Mapping) and len(template) == len(rendered):
        pairs = zip(template.values(), rendered.items(), strict=True)
        return {key: _texts_again(each, value, render) for each, (key, value) in pairs}
    if type(template) is type(rendered) in (list, tuple) and len(template) == len(rendered):
        parts = zip(template, rendered, strict=True)
        return type(rendered)(_texts_again(each, value, render) for each, value in parts)
    return rendered
