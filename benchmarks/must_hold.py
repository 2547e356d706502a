# SPDX-License-Identifier: Apache-2.0

"""What waits must hold out: poisoned jobs, a hanging endpoint, a time of garbage; and no block of the loop.

``python -m benchmarks.must_hold`` prints two figures. How many intervals after its job's end a wait
ended, of the waits whose own job and connection were well. And the longest block of the event loop, with
as many waits as told, while they start and after: by our code, and with what Python's garbage collector
adds.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from platform import python_version
from typing import Any

#: What the project promises: intervals after the job's end, and milliseconds of a block, by number of waits.
_MOST_INTERVALS = 2.0
_MOST_BLOCK = {1_000: 50.0, 10_000: 100.0}

_CONNECTIONS = 5
#: Seconds that the probe sleeps; what it oversleeps, the event loop was blocked.
_NAP = 0.005
#: Rows in an answer, as in AWS's.
_PAGE = 100
_GARBAGE = (b"", b"{}", b"null", b"[]", b'{"State"', b"<html><body>Blocked</body></html>")


@dataclass
class Endpoint:
    """An EventBridge of one connection: replays that run for some time, and then are done.

    :param ends: when each replay ends, by ``time.monotonic``.
    :param poisoned: those whose description answers 500.
    :param hangs: whether it answers at all.
    :param garbage: from when to when it answers garbage, by ``time.monotonic``.
    """

    ends: dict[str, float]
    poisoned: frozenset[str] = frozenset()
    hangs: bool = False
    garbage: tuple[float, float] = (0.0, 0.0)
    calls: int = 0
    chance: random.Random = field(default_factory=random.Random)
    closing: threading.Event = field(default_factory=threading.Event)

    def answer(self, operation: str, asked: dict[str, Any]) -> tuple[int, bytes]:
        """Return status and body."""
        self.calls += 1
        now = time.monotonic()
        if self.hangs:
            self.closing.wait()
        if self.garbage[0] <= now < self.garbage[1]:
            return self.chance.choice((200, 403, 404, 500)), self.chance.choice(_GARBAGE)
        if operation == "ListReplays":
            return 200, json.dumps(self._page(asked, now)).encode()
        name = asked["ReplayName"]
        if name in self.poisoned:
            return 500, b'{"__type": "InternalException", "message": "poisoned"}'
        return 200, json.dumps(self._replay(name, now)).encode()

    def _page(self, asked: dict[str, Any], now: float) -> dict[str, Any]:
        if asked["State"] != "RUNNING":
            return {"Replays": []}
        first = int(asked.get("NextToken") or 0)
        # A poisoned replay is in no list, so that each poll asks for it.
        running = [name for name, end in self.ends.items() if now < end and name not in self.poisoned]
        page = [self._replay(name, now) for name in running[first : first + _PAGE]]
        more = {"NextToken": str(first + _PAGE)} if len(running) > first + _PAGE else {}
        return {"Replays": page, **more}

    def _replay(self, name: str, now: float) -> dict[str, Any]:
        state = "COMPLETED" if now >= self.ends[name] else "RUNNING"
        return {"ReplayName": name, "State": state, "ReplayStartTime": time.time() - 60}


def serve(endpoint: Endpoint) -> ThreadingHTTPServer:
    """Serve an endpoint at a free port, until the server is shut down."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
            status, body = endpoint.answer(self.headers["X-Amz-Target"].rpartition(".")[2], asked)
            with suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that gave up is no error."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Probe:
    """Sleeps a little, again and again, and notes how much it oversleeps."""

    def __init__(self) -> None:
        self.late: list[tuple[float, float]] = []
        self._collected = 0.0
        self._began: float | None = None
        gc.callbacks.append(self._collecting)

    def _collecting(self, phase: str, _: Any) -> None:
        """Add up the time of Python's collector, which stops all threads."""
        if phase == "start":
            self._began = time.monotonic()
        elif self._began is not None:
            self._collected += time.monotonic() - self._began
            self._began = None

    @property
    def collected(self) -> float:
        """Seconds of collections so far, also of one that is about to end in another thread."""
        began = self._began
        return self._collected + (time.monotonic() - began if began is not None else 0.0)

    async def run(self) -> None:
        """Measure until it is cancelled."""
        while True:
            asleep, collected = time.monotonic(), self.collected
            await asyncio.sleep(_NAP)
            self.late.append((time.monotonic() - asleep - _NAP, self.collected - collected))

    def worst(self) -> tuple[float, float]:
        """Return the longest block since it was asked last, in milliseconds: by our code, and in all."""
        late, self.late = self.late, []
        ours = max((each - collected for each, collected in late), default=0.0)
        return max(ours, 0.0) * 1000, max((each for each, _ in late), default=0.0) * 1000


def trigger(url: str, name: str, interval: float) -> Any:
    """Make a wait as a triggerer has it."""
    from airflow_provider_jobs.hooks._spec import HookSpec
    from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
    from airflow_provider_jobs.triggers.job import JobTrigger

    connection = f"c{url.rpartition(':')[2]}"
    extra = {"region_name": "us-east-1", "endpoint_url": url}
    os.environ[f"AIRFLOW_CONN_{connection.upper()}"] = json.dumps(
        {"conn_type": "aws", "login": "testing", "password": "testing", "extra": extra}
    )
    spec = HookSpec.of(EventBridgeReplayHook, {"aws_conn_id": connection, "region_name": None})
    made = JobTrigger(
        hook_class=spec.hook_class,
        hook_parameters=spec.parameters,
        job_id=name,
        poll_interval=interval,
        seen=True,
        settling_time=60,
    )
    made.trigger_id = 1  # as in a triggerer, where lines are not waited for
    return made


async def wait(made: Any, over: dict[str, float]) -> None:
    """Run a wait until its event, and note when the poll's news reached it."""
    event = await made.wait()
    if "error" in event:
        raise RuntimeError(f"A wait was ended by another's trouble: {event}")
    over[made.job_id] = time.monotonic()


async def hold_out(arguments: argparse.Namespace) -> str:
    """Let the waits hold out all at once, and return what came of it."""
    chance = random.Random(arguments.seed)
    names = [f"replay-{number:05}" for number in range(arguments.waits)]
    poisoned = frozenset(chance.sample(names, max(arguments.waits // 100, 1)))
    begin = time.monotonic()
    shortest = arguments.garbage / 2
    ends = {name: begin + shortest + chance.uniform(0, arguments.length) for name in names}
    garbage = (begin + arguments.length / 3, begin + arguments.length / 3 + arguments.garbage)
    endpoints = []
    for number in range(_CONNECTIONS):
        mine = {name: ends[name] for name in names[number::_CONNECTIONS]}
        endpoints.append(Endpoint(mine, poisoned, number == 0, garbage, chance=random.Random(arguments.seed)))
    servers = [serve(each) for each in endpoints]
    over: dict[str, float] = {}
    waits = {
        name: asyncio.create_task(
            wait(trigger(f"http://127.0.0.1:{server.server_address[1]}", name, arguments.interval), over)
        )
        for server, endpoint in zip(servers, endpoints, strict=True)
        for name in endpoint.ends
    }
    well = [name for each in endpoints if not each.hangs for name in each.ends if name not in poisoned]
    try:
        async with asyncio.timeout(arguments.length + arguments.garbage + 60 * arguments.interval):
            await asyncio.gather(*(waits[name] for name in well))
        broken = [name for name, task in waits.items() if name not in well and task.done()]
    finally:
        for endpoint in endpoints:
            endpoint.closing.set()
        for task in waits.values():
            task.cancel()
        await asyncio.wait(waits.values())
        for server in servers:
            await asyncio.to_thread(server.shutdown)
    # While garbage is all that comes no end can be heard of: it counts from the end of the garbage.
    late = sorted(
        (
            over[name]
            - (garbage[1] if garbage[0] - arguments.interval <= ends[name] < garbage[1] else ends[name])
        )
        / arguments.interval
        for name in well
    )
    p99 = late[int(len(late) * 0.99)]
    verdict = "kept" if late[-1] <= _MOST_INTERVALS and not broken else "NOT kept"
    return (
        f"{len(well):,} waits of {len(names):,}, beside {len(poisoned)} poisoned, 1 of {_CONNECTIONS} "
        f"connections hanging, {arguments.garbage:.0f} s of garbage; seed {arguments.seed}, interval "
        f"{arguments.interval:g} s, jobs of {shortest:.0f} to {shortest + arguments.length:.0f} s: ended "
        f"at most {late[-1]:.2f} intervals after the job's end, p99 {p99:.2f}, median "
        f"{late[len(late) // 2]:.2f}; "
        f"{len(broken)} of the others ended early. Promised {_MOST_INTERVALS:g}: {verdict}."
    )


async def block(count: int, interval: float) -> str:
    """Start waits for jobs that do not end, and return how long the event loop was blocked."""
    names = [f"replay-{number:05}" for number in range(count)]
    # A server in a process of its own, since its threads would take this one's turns.
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.must_hold", "--serve", str(count), stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    url = (await server.stdout.readline()).decode().strip()
    probe = Probe()
    probing = asyncio.create_task(probe.run())
    # What the first wait of a process imports, and its client, are made before.
    warm = asyncio.create_task(trigger(url, names[0], interval).wait())
    await asyncio.sleep(3 * interval)
    warm.cancel()
    probe.worst()
    await asyncio.sleep(interval)
    idle = probe.worst()
    waits = []
    for name in names:
        waits.append(asyncio.create_task(trigger(url, name, interval).wait()))
        await asyncio.sleep(0)  # as a triggerer does between two triggers
    await asyncio.sleep(2 * interval)
    start = probe.worst()
    await asyncio.sleep(3 * interval)
    after = probe.worst()
    for task in (probing, *waits):
        task.cancel()
    await asyncio.wait(waits)
    server.terminate()
    await server.wait()
    promised = _MOST_BLOCK.get(count)
    kept = "kept" if promised is None or max(start[0], after[0]) <= promised else "NOT kept"
    return (
        f"{count:,} waits: blocked at most {start[0]:.0f} ms by our code while they start, {after[0]:.0f} ms "
        f"after (promised {promised or 0:.0f}: {kept}); with Python's garbage collector {start[1]:.0f} and "
        f"{after[1]:.0f} ms; {idle[0]:.0f} ms without waits (the machine's own)."
    )


def serve_alone(count: int) -> None:
    """Serve replays that do not end, say where, and stay."""
    names = [f"replay-{number:05}" for number in range(count)]
    server = serve(Endpoint(dict.fromkeys(names, time.monotonic() + 1e6)))
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    threading.Event().wait()


def _arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.must_hold", description=__doc__)
    parser.add_argument(
        "--waits", type=int, default=1000, help="waits that hold out; 0 for none (%(default)s)"
    )
    parser.add_argument("--interval", type=float, default=3.0, help="seconds between polls (%(default)s)")
    parser.add_argument(
        "--length", type=float, default=90.0, help="the spread of job lengths, s (%(default)s)"
    )
    parser.add_argument("--garbage", type=float, default=60.0, help="seconds of garbage (%(default)s)")
    parser.add_argument("--seed", type=int, default=23, help="of all chance (%(default)s)")
    parser.add_argument("--blocks", default="1000,10000", help="numbers of waits to probe with (%(default)s)")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    return parser.parse_args(given)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    if arguments.serve:
        serve_alone(arguments.serve)
        return
    with tempfile.TemporaryDirectory(prefix="airflow-home-") as home:
        os.environ["AIRFLOW_HOME"], os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = home, "False"
        from airflow.sdk.log import configure_logging

        nowhere: Any = open(os.devnull, "wb")  # noqa: SIM115 # for as long as the process lives
        configure_logging(json_output=True, output=nowhere, sending_to_supervisor=True)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {python_version()}", flush=True)
        if arguments.waits:
            print(asyncio.run(hold_out(arguments)), flush=True)
        for count in filter(None, arguments.blocks.split(",")):
            print(asyncio.run(block(int(count), arguments.interval)), flush=True)
        print(f"load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
