# SPDX-License-Identifier: Apache-2.0

"""A TCP port in front of another one, which a test can shut or let hang while what is behind goes on."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Self


class Gateway:
    """Passes connections on, between ``__enter__`` and ``__exit__``.

    :param port: of 127.0.0.1, to pass connections on to
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._lock = Lock()
        self._passing = Event()
        self._passing.set()
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
            connection.start(self._passing)


class _Connection:
    """A connection and its continuation, with a thread for each direction."""

    def __init__(self, client: socket.socket, target: socket.socket) -> None:
        self._client, self._target = client, target
        self.held = False
        self.closed = False

    def start(self, passing: Event) -> None:
        Thread(target=self._pass_on, args=(self._client, self._target, passing), daemon=True).start()
        Thread(target=self._pass_on, args=(self._target, self._client, None), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, passing: Event | None) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if passing is not None and not passing.is_set():
                    self.held = True
                    passing.wait()
                    self.held = False
                if self.closed:
                    break
                sink.sendall(data)
        self.close()

    def close(self) -> None:
        self.closed = True
        self.held = False
        for each in (self._client, self._target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
