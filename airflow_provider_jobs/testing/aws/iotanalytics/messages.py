# SPDX-License-Identifier: Apache-2.0

"""Messages, and how an activity names what is in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, Any]

#: The value of an expression for a message. As in SQL, None is «unknown».
Expression: TypeAlias = Callable[[Message], Any]

_PATH = re.compile(r"\w+(\.\w+|\[\d+\])*")
_KEY = re.compile(r"(\w+)(?!\])|\[(\d+)\]")


class ActivityError(ValueError):
    """A pipeline cannot be made of these activities."""


def attribute(path: str, missing: Any = None) -> Expression:
    """Read an attribute such as ``device.coord[0]``.

    :param missing: its value for a message that has no such attribute
    :raises ActivityError: if the path is none
    """
    if not _PATH.fullmatch(path):
        raise ActivityError(f"{path} is not an attribute such as device.coord[0].")
    keys = [int(index) if index else key for key, index in _KEY.findall(path)]

    def read(message: Message) -> Any:
        value: Any = message
        for key in keys:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return missing
        return value

    return read


def check_top_level(activity: str, names: Any) -> set[str]:
    """Return the names of attributes that have to be of a message's top level.

    :param activity: who names them, for the message
    :raises ActivityError: if one is not
    """
    for name in names:
        if not re.fullmatch(r"\w+", name):
            message = f"The mocked service takes attributes of the top level only for {activity}, not {name}."
            raise ActivityError(message)
    return set(names)
