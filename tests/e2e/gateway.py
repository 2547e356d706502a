# SPDX-License-Identifier: Apache-2.0

"""A TCP port in front of another one, which a test can shut or let hang while what is behind goes on."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Self

_KEY = re.compile(rb"AWS4-HMAC-SHA256 Credential=([^/]+)/")


class Gateway:
    """Passes connections on, between ``__enter__`` and ``__exit__``.

    :param port: of 127.0.0.1, to pass connections on to
    """

    #: The access keys of the calls that were passed on; to be cleared at will.
    keys: set[str]

    def __init__(self, port: int) -> None:
        self._target = port
        self._lock = Lock()
        self._passing = Event()
        self._passing.set()
        self.keys = set()
        self._connections: list[_Connection] = []
        self._port = 0
        self._listener: socket.socket | None = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()
        self._passing.set()

    @property
    def url(self) -> str:
        """The address to use in place of what is behind."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def held(self) -> int:
        """How many connections have sent something that was not passed on."""
        with self._lock:
            return sum(connection.held for connection in self._connections)

    def open(self) -> None:
        """Take connections and pass them on, as in the beginning; what was held goes on its way."""
        self._passing.set()
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self._port))
            self._port = self._listener.getsockname()[1]
            Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        """Break all connections and refuse new ones."""
        if self._listener is not None:
            # Closing alone would not wake the thread that waits for connections.
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.drop()

    def hold(self) -> None:
        """Take connections and what they send, and pass nothing on, like a host that hangs."""
        self._passing.clear()

    def drop(self) -> None:
        """Break all connections; what was held is lost."""
        with self._lock:
            connections, self._connections = self._connections, []
        for connection in connections:
            connection.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            connection = _Connection(client, socket.create_connection(("127.0.0.1", self._target)))
            with self._lock:
                self._connections = [each for each in self._connections if not each.closed]
                self._connections.append(connection)
            connection.start(self._passing, self._note)

    def _note(self, data: bytes) -> None:
        self.keys.update(key.decode() for key in _KEY.findall(data))


class _Connection:
    """A connection and its continuation, with a thread for each direction."""

    def __init__(self, client: socket.socket, target: socket.socket) -> None:
        self._client, self._target = client, target
        self.held = False
        self.closed = False

    def start(self, passing: Event, note: Callable[[bytes], None]) -> None:
        """Pass on what the client sends while ``passing`` is set, and all answers.

        :param note: is given what the client sent before it is passed on
        """
        Thread(target=self._requests, args=(passing, note), daemon=True).start()
        Thread(target=self._answers, daemon=True).start()

    def _requests(self, passing: Event, note: Callable[[bytes], None]) -> None:
        with suppress(OSError):
            while data := self._client.recv(65536):
                if not passing.is_set():
                    self.held = True
                    passing.wait()
                    self.held = False
                if self.closed:
                    break
                note(data)
                self._target.sendall(data)
        self.close()

    def _answers(self) -> None:
        with suppress(OSError):
            while data := self._target.recv(65536):
                self._client.sendall(data)
        self.close()

    def close(self) -> None:
        self.closed = True
        self.held = False
        for each in (self._client, self._target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
