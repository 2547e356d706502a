# SPDX-License-Identifier: Apache-2.0

"""The moto server with our backends, for other processes.

``python -m airflow_provider_jobs.testing.server`` serves all of moto on one port, and the control object as
``POST /aws-jobs/<method>`` with the arguments as JSON. ``AwsJobsServer`` starts it and speaks to it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pkgutil import resolve_name
from threading import Event, Thread
from types import FrameType
from typing import IO, TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias

from airflow_provider_jobs.testing.aws.faults import UnmetFaultError
from airflow_provider_jobs.testing.aws_jobs import AwsJobs
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.lag import Lag, LagIn
from airflow_provider_jobs.testing.pace import Pace

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from airflow_provider_jobs.testing.moto_ext import Backend

CONTROL_PATH = "/aws-jobs/"

#: Seconds between two looks at the jobs that nobody reads.
TICK = 0.2

#: Seconds that the server may take to start, and to stop.
DEADLINE = 60.0

ServerPace: TypeAlias = Literal["fast", "realistic"]

#: Seconds that jobs take. A replay of a few events takes AWS about five minutes.
SECONDS: Final[Mapping[ServerPace, float]] = {"fast": 5.0, "realistic": 300.0}

#: AWS documents no figures: these are an assumption.
LAGS: Final[Mapping[ServerPace, Mapping[LagIn, Lag]]] = {
    "fast": {},
    "realistic": {"lists": Lag(seconds=5), "descriptions": Lag(seconds=2)},
}

#: Seconds until an event is in an archive; AWS takes minutes, and says ten at most.
ARCHIVE_DELAYS: Final[Mapping[ServerPace, float]] = {"fast": 0.0, "realistic": 120.0}

_READY = "Listening on "


class AwsJobsServer(AwsJobs):
    """The server as a process of its own, and the control object of its jobs.

    As a context manager it starts and stops the process.

    :param seconds: how long jobs take; see ``set_pace``. None is the pace's own: 5 or 300
    :param pace: ``fast``, or ``realistic``: jobs take minutes, and show 5 s late in lists and 2 s late in
        descriptions unless ``set_lag`` says otherwise; an event is in an archive after 120 s unless
        ``set_archive`` does
    :param port: to listen on at 127.0.0.1; 0 is a free one, which later starts use again
    :param backends: where those of services that are not of this package are, as ``module:name``; the
        process must be able to import them, so their folder has to be on ``PYTHONPATH`` or installed
    """

    def __init__(
        self,
        seconds: float | None = None,
        port: int = 0,
        backends: Sequence[str] = (),
        pace: ServerPace = "fast",
    ) -> None:
        if pace not in SECONDS:
            raise ValueError(f"pace is one of {', '.join(SECONDS)}, got {pace!r}.")
        self._seconds = SECONDS[pace] if seconds is None else seconds
        self._pace = pace
        self._port = port
        self._backends = backends
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.stop()
        else:
            self._end()

    @property
    def url(self) -> str:
        """The address of all services, to be given to clients as ``endpoint_url``."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start the process and wait until it answers; it knows nothing of an earlier one.

        :raises RuntimeError: with its output, if it ended or is not ready after 60 seconds
        """
        if self._process is not None:
            raise RuntimeError("The server has been started already.")
        command = [sys.executable, "-m", __name__, "--port", str(self._port)]
        command += ["--pace", self._pace, "--seconds", str(self._seconds)]
        command += [word for name in self._backends for word in ("--backend", name)]
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by kill
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT
        )
        try:
            self._port = self._wait_for_port(self._process)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Stop the process, if it runs.

        :raises UnmetFaultError: once it has stopped, if no call met a fault that was asked for
        """
        running = self._process is not None and self._process.poll() is None
        try:
            unmet = self.unmet_faults() if running else []
        finally:
            self._end()
        if unmet:
            raise UnmetFaultError(unmet)

    def _end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(DEADLINE)
            finally:
                self.kill()

    def kill(self) -> None:
        """End the process without its doing, as a crash would."""
        if self._process is not None and self._output is not None:
            self._process.kill()
            self._process.wait()
            self._output.close()
            self._process = None

    def _wait_for_port(self, process: subprocess.Popen[bytes]) -> int:
        deadline = time.monotonic() + DEADLINE
        problem = f"is not ready after {DEADLINE:.0f} s"
        while time.monotonic() < deadline:
            # The line is complete once its end is there.
            if ready := re.search(rf"^{_READY}.*:(\d+)\n", self._read_output(), re.MULTILINE):
                return int(ready[1])
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.02)
                problem = "ended"
                break
        raise RuntimeError(f"The server {problem}. Its output:\n{self._read_output()}")

    def _read_output(self) -> str:
        assert self._output is not None
        # The process shares the position in the file, so leave that alone.
        return os.pread(self._output.fileno(), 1_000_000, 0).decode(errors="replace")

    def _do(self, method: str, **arguments: Any) -> Any:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=DEADLINE)) as connection:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", CONTROL_PATH + method, json.dumps(arguments), headers)
            answer = json.loads(connection.getresponse().read())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["result"]


def control_application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer ``POST /aws-jobs/<method>`` with ``{"result": ...}``, or 400 with ``{"error": "..."}``."""
    from werkzeug import Request, Response

    request = Request(environ)
    try:
        arguments = json.loads(request.get_data() or b"{}")
        status, answer = 200, {"result": CONTROL.handle(request.path.removeprefix(CONTROL_PATH), arguments)}
    except ValueError as error:
        status, answer = 400, {"error": str(error)}
    response = Response(json.dumps(answer), status, mimetype="application/json")
    return response(environ, start_response)


def serve(
    host: str,
    port: int,
    pace: Pace,
    backends: Iterable[Backend] = (),
    lags: Mapping[LagIn, Lag] | None = None,
    archive_delay: float = 0.0,
) -> None:
    """Serve until SIGTERM or SIGINT.

    :param host: the address to listen on
    :param port: 0 is a free one
    :param pace: of the jobs
    :param backends: of services that are not of this package
    :param lags: of all services
    :param archive_delay: seconds until an event is in an archive
    """
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    from airflow_provider_jobs.testing.aws.cbor import target_of
    from airflow_provider_jobs.testing.aws.edge import date, over_http
    from airflow_provider_jobs.testing.moto_ext import backend_of, register

    class RequestHandler(MotoRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return date()

    class Dispatcher(DomainDispatcherApplication):
        def infer_service_region_host(self, environ: dict[str, Any], path: str) -> str | None:
            # Two services may sign by one name; the path of a call tells them apart.
            backend = backend_of(target_of(path)[0])
            return super().infer_service_region_host(environ, path) if backend is None else backend.name

        def get_backend_for_host(self, host: str | None) -> Any:
            # For DynamoDB moto gives the name of its own module.
            ours = host in CONTROL.job_services
            return super().get_backend_for_host(f"{host}.us-east-1.amazonaws.com" if ours else host)

    def stop(signum: int, frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # not a line for each request
    register(backends)
    CONTROL.clear(pace, lags, archive_delay)
    services = over_http(Dispatcher(create_backend_app))

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(CONTROL_PATH):
            return control_application(environ, start_response)
        return services(environ, start_response)

    server = make_server(host, port, application, threaded=True, request_handler=RequestHandler)
    os.environ["MOTO_PORT"] = str(server.port)  # where moto's services call each other
    ended = Event()

    def tick() -> None:
        while not ended.wait(TICK):
            CONTROL.tick()

    Thread(target=tick, daemon=True).start()
    print(f"{_READY}http://{host}:{server.port}", flush=True)
    try:
        server.serve_forever()
    finally:
        ended.set()


def main() -> None:
    """Run the server from the command line."""
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_jobs.testing.server")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="the port; 0, the default, is a free one")
    parser.add_argument(
        "--pace",
        choices=list(SECONDS),
        default="fast",
        help="realistic: jobs are slow and show late (%(default)s)",
    )
    parser.add_argument("--seconds", type=float, help="how long jobs take (fast: 5, realistic: 300)")
    parser.add_argument(
        "--backend",
        action="append",
        default=[],
        metavar="MODULE:NAME",
        help="where the backend of one more service is; may be repeated",
    )
    arguments = parser.parse_args()
    backends = [resolve_name(name) for name in arguments.backend]
    pace = arguments.pace
    seconds = SECONDS[pace] if arguments.seconds is None else arguments.seconds
    delay = ARCHIVE_DELAYS[pace]
    serve(arguments.host, arguments.port, Pace(seconds=seconds), backends, LAGS[pace], delay)


if __name__ == "__main__":
    main()
