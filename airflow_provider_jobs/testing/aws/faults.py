# SPDX-License-Identifier: Apache-2.0

"""Faults that tests ask for: what goes wrong, with which calls, and when."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

FaultKind: TypeAlias = Literal[
    "access-denied", "alter", "drop", "error", "expired-token", "garbage", "hang", "omit", "slow", "throttle"
]

#: Kinds that answer with an AWS error, whose code, status and message may be chosen.
ERRORS = ("access-denied", "error", "expired-token", "throttle")

#: Kinds that change AWS's own answer, so the call takes effect.
CHANGES = ("alter", "omit")


class UnmetFaultError(AssertionError):
    """A test asked for faults that no call met, so it did not test what it meant to.

    :param unmet: the faults, as ``AwsJobs.unmet_faults`` gives them
    """

    def __init__(self, unmet: Iterable[str]) -> None:
        lines = "".join(f"\n  {fault}" for fault in unmet)
        super().__init__(
            f"No call met these faults:{lines}\nCheck operation, service, skip and the times. A fault on a "
            "service that is not one of the mocked job services names that service. A fault that a test can "
            "do without has optional=True."
        )


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with calls of an operation.

    :param operation: as AWS spells it, e.g. ``StartReplay``; ``*`` is every operation
    :param kind: ``throttle`` (ThrottlingException), ``error`` (the service's own 500, or any other error),
        ``expired-token``, ``access-denied``; ``drop`` (the connection closes without an answer), ``hang`` (no
        answer until the client gives up), ``slow``; ``garbage`` (another body in place of the answer),
        ``omit`` and ``alter`` (AWS's answer without a member, or with another value of it)
    :param service: only calls to this service, by the name that requests are signed with, such as ``events``
        or ``sts``; None is each of the mocked job services
    :param when: before the call takes effect, or after it did, so that only the answer is lost; ``omit`` and
        ``alter`` always let it take effect
    :param count: how many calls it hits; not used with ``probability`` or ``until``
    :param probability: 0.0 to 1.0, hits each call by chance, without end
    :param seed: of the chance, so that a run can be repeated
    :param skip: how many matching calls pass before the first hit
    :param seconds: how long a ``slow`` call takes; the longest that a ``hang`` lasts
    :param since: seconds after the fault was added, before which it hits nothing
    :param until: seconds after the fault was added, from which on it hits nothing; hits all calls until then
    :param code: the error's code, in place of the kind's own
    :param status: the HTTP status of an error (default: the kind's own, or 400 with ``code``) or of
        ``garbage`` (default: 200)
    :param message: the error's message, in place of the kind's own
    :param body: what ``garbage`` answers, any text
    :param member: what ``omit`` and ``alter`` change: a member of the answer, or a path such as
        ``Replays.State``, which means the member in each row of a list;
        an answer that does not have it does not meet the fault
    :param value: what ``alter`` puts there, plain JSON
    :param optional: whether the test does without it; one that is not optional must be met by a call
    """

    operation: str
    kind: FaultKind
    service: str | None = None
    when: Literal["before", "after"] = "before"
    count: int = 1
    probability: float | None = None
    seed: int = 0
    skip: int = 0
    seconds: float = 0.0
    since: float = 0.0
    until: float | None = None
    code: str | None = None
    status: int | None = None
    message: str | None = None
    body: str = ""
    member: str | None = None
    value: Any = None
    optional: bool = False

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"kind is one of {', '.join(get_args(FaultKind))}, got {self.kind!r}.")
        if self.when not in ("before", "after"):
            raise ValueError(f"when is before or after, got {self.when!r}.")
        if self.kind == "hang" and self.seconds <= 0:
            raise ValueError("A hang needs seconds, the longest that it lasts.")
        if (self.member is not None) != (self.kind in CHANGES):
            raise ValueError(f"member is for the kinds {' and '.join(CHANGES)}, and they need it.")
        for name in ("code", "message"):
            if getattr(self, name) is not None and self.kind not in ERRORS:
                raise ValueError(f"{name} is for the kinds {', '.join(ERRORS)}, not for {self.kind}.")
        if self.status is not None and self.kind not in (*ERRORS, "garbage"):
            raise ValueError(f"status is for errors and garbage, not for {self.kind}.")
        if self.until is not None and self.until <= self.since:
            raise ValueError(f"until must be after since, got {self.until} and {self.since}.")

    def __str__(self) -> str:
        """The call that makes it, without what is left at its default."""
        given = [
            f"{each.name}={getattr(self, each.name)!r}"
            for each in fields(self)[2:]
            if getattr(self, each.name) != each.default
        ]
        return f"Fault({', '.join([repr(self.operation), repr(self.kind), *given])})"


class ActiveFault:
    """A fault that was asked for, and what came of it.

    :param fault: the fault
    :param added: when it was added, in seconds of any clock
    """

    def __init__(self, fault: Fault, added: float) -> None:
        self.fault = fault
        self._added = added
        self._left, self._skip = fault.count, fault.skip
        self._chance = random.Random(fault.seed)
        self._met = 0

    @property
    def unmet(self) -> bool:
        """Whether it should have been met and was not. Chance that spared every call counts as met."""
        return not (self._met or self.fault.optional)

    def missed(self) -> None:
        """Take the last hit back: the answer did not have what the fault was to change."""
        self._met -= 1

    def hits(self, service: str, operation: str, job_services: Collection[str], now: float) -> bool:
        """Tell whether it hits a call, which counts as one that it matches.

        :param service: the call's service
        :param operation: the call's operation
        :param job_services: the services that a fault without one means
        :param now: the time, by the clock of ``added``
        """
        fault, passed = self.fault, now - self._added
        if fault.operation not in ("*", operation):
            return False
        if service not in ((fault.service,) if fault.service is not None else job_services):
            return False
        if passed < fault.since or (fault.until is not None and passed >= fault.until):
            return False
        if self._skip > 0:
            self._skip -= 1
            return False
        if fault.probability is not None:
            self._met += 1
            return self._chance.random() < fault.probability
        if fault.until is None:
            self._left -= 1
            if self._left < 0:
                return False
        self._met += 1
        return True
