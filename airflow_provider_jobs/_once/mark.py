# SPDX-License-Identifier: Apache-2.0

"""The mark that a job carries at AWS in its name, token or description."""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_provider_jobs._once.fingerprint import Fingerprint
from airflow_provider_jobs._once.identity import Identity, Life

__all__ = ["Mark", "name_prefix"]

_VERSION = "1"
_CODE = r"1([a-z2-7]{6})\.(\d+)\.(\d+|-)\.(\d+)-([0-9a-z][0-9a-f]{6})"
#: Length of what follows the digest in a name: version and start, three numbers of four digits, fingerprint.
_ROOM = len("-") + len("1xxxxxx.0000.0000.0000-1xxxxxx")


@dataclass(frozen=True, slots=True)
class Mark:
    """Identifies a job: the task instance, the life, the number of the job, and its request.

    :param digest: the identity's digest.
    :param life: the life in which the job was started.
    :param number: its number among the task's jobs, from 1.
    :param fingerprint: the fingerprint of its request.
    """

    digest: str
    life: Life
    number: int
    fingerprint: Fingerprint

    @property
    def code(self) -> str:
        """The mark without the identity, in letters, digits, ``.`` and ``-``."""
        life = self.life
        clears = "-" if life.clear_number is None else life.clear_number
        return f"{_VERSION}{life.started}.{life.max_tries}.{clears}.{self.number}-{self.fingerprint.text}"

    def name(self, identity: Identity, longest: int) -> str:
        """Return a name that carries the mark, in letters, digits, ``.``, ``-`` and ``_``.

        :param longest: how many characters the service allows in a name, 48 or more.
        """
        return f"{name_prefix(identity, longest)}{self.code}"

    @property
    def text(self) -> str:
        """The mark for a description."""
        return f"[airflow:{self.digest}/{self.code}]"

    @classmethod
    def of_name(cls, name: str, identity: Identity, longest: int) -> Mark | None:
        """Read the mark from a name; None if it has none that this release can read."""
        code = name.removeprefix(name_prefix(identity, longest))
        return _read(identity.digest, re.fullmatch(_CODE, code))

    @classmethod
    def of_text(cls, text: str) -> Mark | None:
        """Read the mark from a description; None if it has none that this release can read.

        A description may quote another job's mark; its own comes last.
        """
        found = re.match(rf"([0-9a-f]{{12}})/{_CODE}\]", _own(text))
        if found is None:
            return None
        code = found[0].partition("/")[2].removesuffix("]")
        return _read(found[1], re.fullmatch(_CODE, code))

    @staticmethod
    def names_identity(text: str, identity: Identity) -> bool:
        """Whether a description has a mark with this identity, possibly of another release."""
        return _own(text).startswith(f"{identity.digest}/")


def name_prefix(identity: Identity, longest: int) -> str:
    """Return the prefix of the names of all jobs of a task instance."""
    room = longest - _ROOM - len(f"-{identity.digest}")
    return f"{identity.words[:room]}-{identity.digest}-"


def _own(text: str) -> str:
    """Return what follows the beginning of a description's last mark; empty if it has none."""
    return text.rpartition("[airflow:")[2] if "[airflow:" in text else ""


def _read(digest: str, found: re.Match[str] | None) -> Mark | None:
    if found is None:
        return None
    started, tries, clears, number, fingerprint = found.groups()
    life = Life(started, int(tries), None if clears == "-" else int(clears))
    return Mark(digest, life, int(number), Fingerprint(fingerprint))
