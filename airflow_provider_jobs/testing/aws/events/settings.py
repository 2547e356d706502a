# SPDX-License-Identifier: Apache-2.0

"""What a test can set of EventBridge's archives."""

from __future__ import annotations

#: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeArchive.html
STATES = ("ENABLED", "DISABLED", "CREATING", "UPDATING", "CREATE_FAILED", "UPDATE_FAILED")

#: Assumption: an archive that could not be changed goes on as it was. AWS documents no state's effect.
TAKES_EVENTS = ("ENABLED", "UPDATING", "UPDATE_FAILED")


class ArchiveSettings:
    """The settings of all archives, by name. ``AwsJobs.set_archive`` changes them.

    :param delay: seconds until an event is in its archive; AWS takes minutes
    """

    def __init__(self, delay: float = 0.0) -> None:
        #: Of the order in which replays deliver the events of a minute.
        self.seed = 0
        self._delays: dict[str | None, float] = {None: delay}
        self._states: dict[str | None, tuple[str, str | None]] = {None: (STATES[0], None)}

    def set(
        self,
        name: str | None,
        *,
        delay: float | None = None,
        state: str | None = None,
        reason: str | None = None,
        seed: int | None = None,
    ) -> None:
        """Change what is not None.

        :param name: the archive's; None is every archive, and replaces what was set for single ones
        :param delay: seconds until an event is in the archive, 0 or more
        :param state: one of ``STATES``
        :param reason: the StateReason that goes with the state
        :param seed: of every replay
        :raises ValueError: for a value that cannot be
        """
        if delay is not None and delay < 0:
            raise ValueError(f"delay must not be negative, got {delay}.")
        if state is not None and state not in STATES:
            raise ValueError(f"state is one of {', '.join(STATES)}, got {state!r}.")
        if reason is not None and state is None:
            raise ValueError("reason goes with a state.")
        if seed is not None and name is not None:
            raise ValueError("seed is of all replays, not of one archive.")
        if delay is not None:
            self._delays = {None: delay} if name is None else {**self._delays, name: delay}
        if state is not None:
            found = (state, reason)
            self._states = {None: found} if name is None else {**self._states, name: found}
        if seed is not None:
            self.seed = seed

    def delay(self, name: str) -> float:
        """Return an archive's delay in seconds."""
        return self._delays.get(name, self._delays[None])

    def state(self, name: str) -> tuple[str, str | None]:
        """Return an archive's state and StateReason."""
        return self._states.get(name, self._states[None])
