# SPDX-License-Identifier: Apache-2.0

"""A table of what is known of AWS's answers: its rows, and how the mock's answers are compared with them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.hooks import BaseEventHooks

from airflow_provider_jobs.service_models import use_service_models
from airflow_provider_jobs.testing import AwsJobs

#: Changes a parsed answer in place.
Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Source:
    """Where a fact is from.

    :param where: the recording, the page or the model; or ``assumed: `` and the reason
    :param when: the day of the recording; of a page or a model, the day on which it was read
    """

    where: str
    when: date

    @property
    def kind(self) -> str:
        """How sure it is: recorded on AWS, documented by AWS, or assumed by the mock."""
        if self.where.startswith("assumed: "):
            return "assumed"
        return "recorded" if self.where.startswith(("LocalStack ", "ScyllaDB ", "moto ")) else "documented"


@dataclass(frozen=True)
class Sources:
    """Where the rows of a table are from, all read on one day.

    :param model: what names the model's part, with ``{}`` for an operation
    :param read: the day
    :param tests: what names a test of others that passed on AWS, with ``{}`` for it
    """

    model: str
    read: date
    tests: str = "{}"

    def documented(self, operation: str) -> Source:
        """The model's documentation of an operation, its members and its errors."""
        return Source(self.model.format(operation), self.read)

    def verified(self, test: str) -> Source:
        """A test that passed on AWS too."""
        return Source(self.tests.format(test), self.read)

    def assumed(self, why: str) -> Source:
        """What the mock had to choose."""
        return Source(f"assumed: {why}", self.read)


@dataclass(frozen=True)
class Call:
    """A call.

    :param name: service and operation as boto3 spells them, as in ``events.start_replay``; or ``aws`` and a
        method of the control object
    :param arguments: they may hold ``Ref``
    """

    name: str
    arguments: Mapping[str, Any]


def call(name: str, /, **arguments: Any) -> Call:
    """Make a call."""
    return Call(name, arguments)


@dataclass(frozen=True)
class Ref:
    """A top-level member of the latest earlier answer that has it, or with dots what is in one."""

    member: str


@dataclass(frozen=True)
class Has:
    """An object with these members and maybe others."""

    members: Mapping[str, Any]


@dataclass(frozen=True)
class Holding:
    """A list with these items, in any order, and maybe others."""

    items: tuple[Any, ...]


@dataclass(frozen=True)
class Json:
    """A text that is JSON of this."""

    value: Any


@dataclass(frozen=True)
class Refused:
    """An error.

    :param code: a text, or a pattern where AWS leaves a choice
    :param message: the same; None where AWS's words are not known
    :param status: the HTTP status
    """

    code: str | re.Pattern[str]
    message: str | re.Pattern[str] | None = None
    status: int = 400


@dataclass(frozen=True)
class Row:
    """A fact.

    :param what: it, in a few words; the test's id
    :param calls: the last one is judged, those before it must succeed
    :param expected: an error, or the answer: a mapping names all members, ``Has`` some; a type, a pattern and
        the classes above stand for a value
    :param source: where it is from
    :param fails: what the mock answers instead today; None if it answers as AWS does
    """

    what: str
    calls: tuple[Call, ...]
    expected: Refused | Mapping[str, Any] | Has
    source: Source
    fails: str | None = None


@dataclass
class World:
    """The mocked AWS, in this process or behind the server.

    :param aws: its control
    :param endpoint_url: the server's
    """

    aws: AwsJobs
    endpoint_url: str | None
    closing: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self._clients: dict[str, Any] = {}
        self._session = boto3.session.Session("testing", "testing", region_name="us-east-1")
        use_service_models(self._session)

    def client(self, service: str) -> Any:
        """A client that leaves it to the service to check a request, and that repeats nothing."""
        if service not in self._clients:
            config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
            client: BaseClient = self._session.client(
                service,  # type: ignore[call-overload] # any service
                endpoint_url=self.endpoint_url,
                config=config,
            )
            self.closing.callback(client.close)
            self._clients[service] = client
        return self._clients[service]

    def differences(self, row: Row, change: Change | None = None) -> list[str]:
        """Make a row's calls and compare the last one's answer with the row.

        :param row: the row
        :param change: made to the answer by a hook of the client, before boto3 sees it
        """
        members: dict[str, Any] = {}
        for made in row.calls[:-1]:
            members |= self._call(made, members)
        asked = row.calls[-1]
        if change is not None:
            events: BaseEventHooks = self.client(asked.name.split(".")[0]).meta.events
            events.register("after-call", lambda parsed, **_: change(parsed))
        try:
            answer = self._call(asked, members)
        except ClientError as error:
            return list(_refusal_differs(row.expected, error.response))
        except Exception as error:  # the mock's own, in process
            return [f"raised {error!r}"]
        if isinstance(row.expected, Refused):
            return [f"answered {answer}"]
        return list(differs(_resolved(row.expected, members), answer, "answer"))

    def _call(self, made: Call, members: Mapping[str, Any]) -> dict[str, Any]:
        service, operation = made.name.split(".")
        owner = self.aws if service == "aws" else self.client(service)
        answer = dict(getattr(owner, operation)(**_resolved(made.arguments, members)) or {})
        answer.pop("ResponseMetadata", None)
        return answer


def differs(expected: Any, found: Any, where: str) -> Iterator[str]:
    """Tell where an answer is not as expected.

    :param expected: as in ``Row``
    :param found: the answer or a part of it
    :param where: the name of that part
    """
    match expected:
        case Has(members):
            some = {name: found[name] for name in members if name in found} if isinstance(found, dict) else {}
            yield from differs(members, some, where)
        case Json(value):
            yield from differs(value, json.loads(found), where)
        case Holding(items):
            yield from _holding_differs(items, found, where)
        case Mapping() if isinstance(found, dict):
            yield from _members_differ(expected, found, where)
        case list() if isinstance(found, list) and len(found) == len(expected):
            for number, (one, other) in enumerate(zip(expected, found, strict=True)):
                yield from differs(one, other, f"{where}[{number}]")
        case _:
            if not _fits(expected, found):
                yield f"{where} is {found!r}, not {expected!r}"


def _holding_differs(items: tuple[Any, ...], found: Any, where: str) -> Iterator[str]:
    for item in items:
        if all(list(differs(item, one, where)) for one in found):
            yield f"{where} holds no {item}: {found}"


def _members_differ(expected: Mapping[str, Any], found: dict[str, Any], where: str) -> Iterator[str]:
    for name in sorted(expected.keys() ^ found.keys()):
        yield f"{where} {'lacks' if name in expected else 'has'} {name}"
    for name in expected.keys() & found.keys():
        yield from differs(expected[name], found[name], f"{where}.{name}")


def _fits(expected: Any, found: Any) -> bool:
    if isinstance(expected, re.Pattern):
        return isinstance(found, str) and expected.fullmatch(found) is not None
    if isinstance(expected, type):
        return isinstance(found, expected)
    return bool(found == expected)


def _refusal_differs(expected: Refused | Mapping[str, Any] | Has, found: Any) -> Iterator[str]:
    error = found["Error"]
    if not isinstance(expected, Refused):
        yield f"refused: {error}"
        return
    yield from differs(expected.code, error["Code"], "code")
    yield from differs(str if expected.message is None else expected.message, error["Message"], "message")
    yield from differs(expected.status, found["ResponseMetadata"]["HTTPStatusCode"], "status")


def _resolved(value: Any, members: Mapping[str, Any]) -> Any:
    match value:
        case Ref(member):
            return reduce(lambda inner, name: inner[name], member.split("."), members)
        case Has(inner):
            return Has(_resolved(inner, members))
        case Mapping():
            return {name: _resolved(inner, members) for name, inner in value.items()}
        case list():
            return [_resolved(inner, members) for inner in value]
        case _:
            return value
