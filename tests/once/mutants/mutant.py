# SPDX-License-Identifier: Apache-2.0

"""A mutant: one rule of ``_once/`` broken by a replacement in the source, and what finds it.

The functions of the live module get the code of the mutated source, so that all who have imported them run
it; its classes stay the same ones. Afterwards they have their own code again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import NamedTuple

from once.world.airflow import Setting, Store

from airflow_provider_jobs._once.evidence import Marking

#: Settings by what marks a job. What carries a token alone cannot be stopped.
NAME = Setting(Marking.NAME, Store.KEPT)
NAME_NO_STOP = NAME._replace(may_stop=False)
NAME_NO_STORE = NAME._replace(store=Store.NONE)
UNSTABLE = NAME._replace(unstable=True)
UNCLEAR = UNSTABLE._replace(versions=False)
LABEL = Setting(Marking.LABEL, Store.KEPT)
TOKEN = Setting(Marking.TOKEN, Store.KEPT, may_stop=False)
TOKEN_NO_STORE = TOKEN._replace(store=Store.NONE)
OWN_NAME = NAME._replace(own=True)
QUOTING = NAME_NO_STORE._replace(own=True, quotes=True)
OWN_TOKEN = TOKEN._replace(own=True)
OWN_TOKEN_CLEARED = OWN_TOKEN._replace(clears_on_success=True)
TOKEN_AHEAD = TOKEN._replace(ahead=5)
NONE = Setting(Marking.NONE, Store.KEPT)
NONE_CLEARED = NONE._replace(store=Store.CLEARED)
NONE_NO_STORE = NONE._replace(store=Store.NONE)
NONE_AHEAD = NONE._replace(ahead=5)


class Explored(NamedTuple):
    """The exploration finds it: with these events, in any order and at every point, in this setting."""

    setting: Setting
    events: tuple[str, ...]
    #: The invariant that does not hold then.
    broken: str

    def __str__(self) -> str:
        return f"{' and '.join(self.events)} [{self.setting}] breaks {self.broken!r}"


class FoundByTest(NamedTuple):
    """Another test finds it: this one of ``test_table.py`` or of ``test_persisted.py`` fails."""

    test: str
    arguments: tuple[bool, ...] = ()

    def __str__(self) -> str:
        return f"{self.test} fails"


class Mutant(NamedTuple):
    #: What it does instead of the rule; the test's id.
    does: str
    #: The module of ``_once/``.
    module: str
    #: Stands in the module's source exactly once.
    old: str
    new: str
    found_by: Explored | FoundByTest

    def __str__(self) -> str:
        return f"{self.module}: {self.does}"

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Break the rule, and mend it at the end."""
        module = import_module(f"airflow_provider_jobs._once.{self.module}")
        functions = {function.__qualname__: function for function in _functions(module)}
        own = {name: function.__code__ for name, function in functions.items()}
        mutated = dict(_codes(compile(self.source(module), str(self), "exec", dont_inherit=True)))
        try:
            for name, function in functions.items():
                function.__code__ = mutated.get(name, own[name])
            yield
        finally:
            for name, function in functions.items():
                function.__code__ = own[name]

    def source(self, module: ModuleType) -> str:
        """Return the module's source with the rule broken.

        :raises LookupError: if the old text does not stand in it exactly once.
        """
        text = Path(module.__file__ or "").read_text()
        if text.count(self.old) != 1:
            raise LookupError(f"{self}: stands {text.count(self.old)} times in the source: {self.old!r}")
        return text.replace(self.old, self.new)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """Yield the functions that a module's source defines, and its classes' methods."""
    for value in vars(module).values():
        if getattr(value, "__module__", None) != module.__name__:
            continue
        for each in vars(value).values() if isinstance(value, type) else (value,):
            function = getattr(each, "fget", None) or getattr(each, "__func__", each)
            if isinstance(function, FunctionType):
                yield function


def _codes(code: CodeType) -> Iterator[tuple[str, CodeType]]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each.co_qualname, each
            yield from _codes(each)
