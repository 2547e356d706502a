# SPDX-License-Identifier: Apache-2.0

"""Where IoT Analytics keeps messages: objects in S3, each with a few messages.

A channel or data store with a bucket of its owner's keeps them in moto's S3. What is put there with any S3
client under the name that :func:`channel_object` gives has arrived at that time: that is how a test or a
demo has messages of the past, which BatchPutMessage cannot send.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from moto.s3.exceptions import S3ClientError
from moto.s3.models import S3Backend

from airflow_provider_jobs.testing.aws.iotanalytics.messages import Message
from airflow_provider_jobs.testing.moto_ext import AwsError

Kind = Literal["channel", "datastore"]

#: In an object's name, when its first message arrived, in milliseconds.
FIRST_ARRIVAL = re.compile(r"/(\d{1,13})_\d{1,13}_[^/]*$")


def channel_object(
    channel: str,
    arrived: datetime,
    messages: Iterable[Message],
    *,
    key_prefix: str = "",
    account_id: str = "123456789012",
    part: int = 0,
) -> dict[str, Any]:
    """Make the object that a channel with customer-managed storage keeps messages in.

    Use it as ``s3.put_object(Bucket=bucket, **channel_object("mychannel", arrived, messages))``.

    :param channel: the channel's name
    :param arrived: when the messages arrived, aware
    :param messages: each a JSON object
    :param key_prefix: the channel's ``keyPrefix``
    :param account_id: a part of the name
    :param part: tells objects of the same time apart
    :return: ``Key``, the full key as ``s3Paths`` needs it, and ``Body``
    """
    stem = _stem(channel, arrived, account_id, part)
    return {"Key": _key(f"{key_prefix}channel/{channel}/", arrived, stem), "Body": _packed(messages)}


def parse_message(text: bytes) -> Message:
    """Read a message; ValueError if it is not a JSON object."""
    message = json.loads(text)
    if not isinstance(message, dict):
        raise ValueError("A message must be a JSON object.")
    return message


class _Objects(Protocol):
    def put(self, key: str, body: bytes) -> None: ...

    def get(self, key: str) -> bytes | None: ...

    def keys(self, prefix: str) -> list[str]: ...


class _ServiceManaged:
    """Objects that only the service sees."""

    def __init__(self) -> None:
        self._bodies: dict[str, bytes] = {}

    def put(self, key: str, body: bytes) -> None:
        self._bodies[key] = body

    def get(self, key: str) -> bytes | None:
        return self._bodies.get(key)

    def keys(self, prefix: str) -> list[str]:
        return [key for key in self._bodies if key.startswith(prefix)]


class _CustomerManaged:
    """Objects in a bucket of moto's S3."""

    def __init__(self, s3: S3Backend, bucket: str) -> None:
        self._s3, self._name = s3, bucket
        self._bucket()

    def put(self, key: str, body: bytes) -> None:
        self._s3.put_object(self._bucket().name, key, body)

    def get(self, key: str) -> bytes | None:
        found = self._s3.get_object(self._bucket().name, key)
        return None if found is None else bytes(found.value)

    def keys(self, prefix: str) -> list[str]:
        # A list of its own, since another thread may put an object into the bucket meanwhile.
        names = [name for name in list(self._bucket().keys) if name.startswith(prefix)]
        return [name for name in names if self.get(name) is not None]

    def _bucket(self) -> Any:
        try:
            return self._s3.get_bucket(self._name)
        except S3ClientError:
            message = f"Bucket {self._name} does not exist or cannot be accessed."
            raise AwsError("InvalidRequestException", message) from None


class MessageStore:
    """The messages of a channel or a data store.

    :param kind: which of the two
    :param name: its name
    :param storage: ``channelStorage`` or ``datastoreStorage``
    :param s3: moto's S3 of the account
    :raises AwsError: if the bucket does not exist
    """

    def __init__(self, kind: Kind, name: str, storage: Mapping[str, Any], s3: S3Backend) -> None:
        customer = storage.get("customerManagedS3", {})
        self.customer_managed = bool(customer)
        self._objects: _Objects = _CustomerManaged(s3, customer["bucket"]) if customer else _ServiceManaged()
        self._name, self._account_id = name, s3.account_id
        self._folder = f"{customer.get('keyPrefix', '')}{kind}/{name}/"
        self._parts = 0

    def append(self, messages: Iterable[Message], arrived: datetime) -> None:
        """Keep messages in an object of their own."""
        self._parts += 1
        self.write(_stem(self._name, arrived, self._account_id, self._parts), messages, arrived)

    def write(self, stem: str, messages: Iterable[Message], at: datetime) -> None:
        """Write an object, over an earlier one of the same day and name.

        :param stem: its name, without ``.json.gz``
        :param messages: its content
        :param at: the day of its partition
        """
        self._objects.put(_key(self._folder, at, stem), _packed(messages))

    def read(self, keys: Iterable[str]) -> list[Message]:
        """Read the messages of objects.

        :raises AwsError: if an object is missing or is not gzipped JSON, one object to a line
        """
        messages: list[Message] = []
        for key in keys:
            body = self._objects.get(key)
            if body is None:
                raise AwsError("InvalidRequestException", f"There is no object {key}.")
            try:
                messages += map(parse_message, gzip.decompress(body).splitlines())
            except (OSError, EOFError, ValueError, zlib.error) as error:
                message = f"Object {key} does not hold messages: {error}"
                raise AwsError("InvalidRequestException", message) from None
        return messages

    def window(self, start: datetime | None, end: datetime | None) -> list[Message]:
        """Read the messages that arrived in a window, in the order of arrival.

        As on AWS, objects are taken whole: what counts is the arrival of an object's first message.

        :param start: inclusive; None is the beginning
        :param end: exclusive; None is now
        """
        first, last = start or datetime.min.replace(tzinfo=UTC), end or datetime.max.replace(tzinfo=UTC)
        named = [(_arrival(key), key) for key in self._objects.keys(self._folder)]
        arrived = [(at, key) for at, key in named if at is not None and first <= at < last]
        return self.read(key for _, key in sorted(arrived))

    def size(self) -> int:
        """Return how many bytes the objects have."""
        return sum(len(self._objects.get(key) or b"") for key in self._objects.keys(self._folder))


def _stem(name: str, arrived: datetime, account_id: str, part: int) -> str:
    milliseconds = round(arrived.timestamp() * 1000)
    return f"{milliseconds}_{milliseconds}_{account_id}_{name}_0_{part}.0"


def _key(folder: str, at: datetime, stem: str) -> str:
    return f"{folder}__dt={at.astimezone(UTC):%Y-%m-%d} 00:00:00/{stem}.json.gz"


def _arrival(key: str) -> datetime | None:
    match = FIRST_ARRIVAL.search(key)
    return datetime.fromtimestamp(int(match[1]) / 1000, UTC) if match else None


def _packed(messages: Iterable[Message]) -> bytes:
    return gzip.compress("".join(json.dumps(message) + "\n" for message in messages).encode(), mtime=0)
