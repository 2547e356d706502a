# SPDX-License-Identifier: Apache-2.0

"""Ids that one task passes to another; they may be absent."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import Context, XComArg, XComNotFound

from airflow_provider_jobs.parameters import Reader, handed

__all__ = ["AbsentIds", "PushesIds"]

#: Airflow's XCom key of a task's result.
_RESULT = "return_value"


class PushesIds:
    """Mixin for operators that push the ids from their result under their own XCom keys.

    This makes ``task.output["replay_name"]`` available even if the task has failed.
    """

    do_xcom_push: bool
    log: Any

    def hand_on(self, context: Mapping[str, Any], ids: Mapping[str, Any]) -> None:
        """Push ids, unless the task pushes no XCom.

        An id that cannot be pushed does not fail the task, since its job is running.

        :param context: the running task instance's Airflow context.
        :param ids: the ids by their names in the task's result.
        """
        for key, value in ids.items() if self.do_xcom_push else ():
            try:
                context["ti"].xcom_push(key=key, value=value)
            except Exception as error:
                self.log.warning("%s could not be passed to other tasks: %s", key, error)


class AbsentIds:
    """Mixin for operators that undo what another task did, if it did anything."""

    parameter_readers: ClassVar[Mapping[str, Reader]]
    #: The parameters whose absence means that there is nothing to undo.
    id_parameters: ClassVar[tuple[str, ...]] = ()

    def render_template(
        self, content: Any, context: Context, jinja_env: Any = None, seen_oids: set[int] | None = None
    ) -> Any:
        """Render a templated field; an id that a task of this package has not pushed becomes None."""
        try:
            rendered = super().render_template(content, context, jinja_env, seen_oids)  # type: ignore[misc]
        except XComNotFound:
            if not self._ours(content, *self.parameter_readers):
                raise
            return None
        if rendered is None and self._ours(content, _RESULT):
            # The task has failed, so it has no result. It may have pushed its ids.
            return self._pushed_ids(content, context)
        return rendered

    def nothing_handed_on(self: Any) -> bool:
        """Whether an id is missing because the other task has none."""
        return any(handed(getattr(self, name), name) in (None, "") for name in self.id_parameters)

    def _read_literals(self: Any) -> None:
        # The id of a mapped task does not come from the DAG file, and may be absent.
        if not self.nothing_handed_on():
            super()._read_literals()  # type: ignore[misc]

    def _pushed_ids(self, content: Any, context: Context) -> dict[str, Any] | None:
        """Return the ids that the task behind an output has pushed; None if it has pushed none."""
        ids = {}
        for name in self.parameter_readers:
            with suppress(XComNotFound):
                ids[name] = content.operator.output[name].resolve(context)
        return ids or None

    def _ours(self, content: Any, *keys: str) -> bool:
        """Whether a value refers to one of these keys of an operator from this package.

        A reference to anything else may be a mistake.
        """
        if not isinstance(content, XComArg) or getattr(content, "key", None) not in keys:
            return False
        task: Any = getattr(content, "operator", None)
        return issubclass(getattr(task, "operator_class", type(task)), PushesIds)
