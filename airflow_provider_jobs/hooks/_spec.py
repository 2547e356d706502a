# SPDX-License-Identifier: Apache-2.0

"""A serializable description of a hook, rebuilt in the triggerer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.module_loading import import_string

from airflow_provider_jobs.exceptions import JobInputError

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks.base import JobHook

__all__ = ["HookSpec"]


@dataclass(frozen=True, slots=True)
class HookSpec:
    """Describes how to build a hook, with primitives only; equal for hooks that can share a client.

    :param hook_class: the class's dotted path.
    :param encoded: the constructor's keyword arguments as JSON, so that descriptions are hashable.
    """

    hook_class: str
    encoded: str

    @classmethod
    def of(cls, hook_class: type[JobHook], parameters: Mapping[str, Any]) -> HookSpec:
        """Describe a hook.

        :raises JobInputError: if a parameter cannot be sent to the triggerer.
        """
        try:
            return cls.named(f"{hook_class.__module__}.{hook_class.__qualname__}", parameters)
        except TypeError as error:
            raise JobInputError(
                f"The AWS parameters of this task cannot be sent to the triggerer: {error}. Use plain "
                "strings, numbers, lists and dictionaries in botocore_config."
            ) from None

    @classmethod
    def named(cls, hook_class: str, parameters: Mapping[str, Any]) -> HookSpec:
        """Describe a hook by its class's dotted path.

        :raises TypeError: if a parameter cannot be converted to JSON.
        """
        return cls(hook_class, json.dumps(dict(parameters), sort_keys=True))

    @property
    def parameters(self) -> dict[str, Any]:
        """The constructor's keyword arguments."""
        parameters: dict[str, Any] = json.loads(self.encoded)
        return parameters

    def build(self) -> JobHook:
        """Build the hook. This reads the connection, so do not call it in an event loop's own thread."""
        hook: JobHook = import_string(self.hook_class)(**self.parameters)
        return hook
