# SPDX-License-Identifier: Apache-2.0

"""What tests give the mocked IoT Analytics that its activities need from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, TypeAlias

#: A Lambda function's handler: it gets a list of messages and a context, which is None here, and returns a
#: list of messages.
LambdaHandler: TypeAlias = Callable[[list[dict[str, Any]], Any], list[dict[str, Any]]]

#: What is known of things, by their names: a mapping, or a function that returns None for an unknown thing.
Things: TypeAlias = Mapping[str, Mapping[str, Any]] | Callable[[str], Mapping[str, Any] | None]


class ActivitySettings:
    """The Lambda functions, the device registry and the device shadows, of every account and Region."""

    def __init__(self) -> None:
        self.lambdas: dict[str, LambdaHandler] = {}
        self._things: dict[str, Things] = {}

    def set_lambda(self, name: str, handler: LambdaHandler) -> None:
        """Set a Lambda function.

        :raises ValueError: if the handler is none
        """
        if not callable(handler):
            raise ValueError(f"The handler of {name} is a function, got {handler!r}.")
        self.lambdas[name] = handler

    def set_things(self, **things: Things | None) -> None:
        """Set the things of ``registry`` and ``shadows``; None leaves what there is.

        :raises ValueError: if they are neither a mapping nor a function
        """
        for source, given in things.items():
            if given is not None:
                if not (callable(given) or isinstance(given, Mapping)):
                    raise ValueError(f"{source} is a mapping by thing names or a function, got {given!r}.")
                self._things[source] = given

    def knows(self, source: str) -> bool:
        """Tell whether there is a ``registry``, or ``shadows``."""
        return source in self._things

    def thing(self, source: str, name: str) -> dict[str, Any] | None:
        """Return what ``registry`` or ``shadows`` know of a thing; None if they do not know it."""
        things = self._things.get(source, {})
        found = things(name) if callable(things) else things.get(name)
        return None if found is None else deepcopy(dict(found))
