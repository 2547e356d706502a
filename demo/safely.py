# SPDX-License-Identifier: Apache-2.0

"""An act beside the third: payments are archived, tried, replayed, failed by their consumer, and redriven."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_jobs.testing.airflow.api import AirflowApi, Row
from demo.act import Act, Aws, Outcome, Progress
from demo.bus import drain, make_rule, put_events, waiting, windows_of_replays
from demo.payment_count import ARCHIVE, MAIL, TRIAL_QUEUE, Found, outcome
from demo.payments import BUS, DEAD, DEAD_ARN, QUEUE, SOURCE, Consumer, payments, window_from
from demo.tally import Window

# As in the example DAGs.
KEEP, TRY, REPLAY = "keep_payments", "try_payments", "replay_payments"
CHECK, REDRIVE = "check_payments", "sqs_redrive"
#: What is shown of the log of a replay: the warning, the start, the error.
_TOLD = re.compile(r"\S+ (WARNING|INFO Started)|JobEndedError: ")
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


class SafelyAct(Act):
    """Play what the guide "Replay safely" tells, with the DAGs of ``replay_by_hand`` and ``sqs_redrive``."""

    title = "Try a replay on a rule of its own, replay to one consumer, check it, redrive what it fails"
    name = "Trial, replay, redrive"
    backfills = ()

    def __init__(self) -> None:
        self._runs: Sequence[Row] = ()
        self._story: Iterator[None] | None = None
        self._over = False
        self._early_run = ""

    def seed(self, aws: Aws) -> str:
        """Create the bus, the consumer and the trial's queue; the archive is a DAG's to create."""
        aws.client("events").create_event_bus(Name=BUS)
        for queue in (TRIAL_QUEUE, MAIL):
            aws.client("sqs").create_queue(QueueName=queue)
        self.consumer = Consumer(aws)
        self.found = Found(self.consumer.taken)
        return "an event bus; queues of two consumers, one with a dead-letter queue; a queue for the trial"

    def runs(self, airflow: AirflowApi) -> Sequence[Row]:
        """Return the runs in the order in which the DAGs are needed."""
        return [run for dag_id in (KEEP, TRY, REPLAY, CHECK, REDRIVE) for run in airflow.runs(dag_id)]

    def go_on(self, aws: Aws, airflow: AirflowApi, runs: Sequence[Row]) -> None:
        """Let the consumer work, and do what a person does next."""
        self._runs = runs
        self.consumer.work()
        self._story = self._story or self._steps(aws, airflow)
        self._over = next(self._story, self) is self

    def complete(self, runs: Sequence[Row]) -> bool:
        """Whether the story has come to its end, or cannot go on."""
        return self._over or any(run["state"] != self.expected(run) for run in runs)

    def expected(self, run: Row) -> str:
        """Have the trial of the day before the archive fail."""
        return "failed" if run["dag_run_id"] == self._early_run else "success"

    def label(self, run: Row) -> str:
        """Name the DAG and where its window starts."""
        return f"{run['dag_id']:<15} {(run['conf'] or {}).get('start', '')[:19]:<19}"

    def progress(self, aws: Aws, runs: Sequence[Row]) -> Sequence[Progress]:
        """Find the replays by their windows; there is one redrive."""
        jobs: dict[str, Progress] = {}
        for job in aws.server.jobs("events"):
            bounds = [datetime.fromtimestamp(job[f"event_{name}_time"], UTC) for name in ("start", "end")]
            note = f"{job['events_replayed']:,} events"
            jobs[str(_conf(Window(*bounds)))] = Progress(job["fraction"], note)
        for job in aws.server.jobs("sqs"):
            note = f"{job['moved']:,} of {job['messages']:,} messages moved"
            jobs[str({"queue": job["source_arn"]})] = Progress(job["fraction"], note)
        return [jobs.get(str(run["conf"]), Progress(float(run["state"] == "success"))) for run in runs]

    def check(self, aws: Aws) -> Outcome:
        """Count what each queue has got, against what was published."""
        return outcome(aws, self.found)

    def sample(self, airflow: AirflowApi, runs: Sequence[Row]) -> Sequence[str]:
        """Show the trial of the day before the archive."""
        return ["What a user sees: the task log of a trial of the day before the archive", *self.found.told]

    def publish(self, aws: Aws) -> None:
        """Put the payments, then let rules deliver to queues, which so get nothing but replays."""
        self.found.published = payments(self.found.window)
        put_events(aws, [payment.entry() for payment in self.found.published])
        for queue in (QUEUE, MAIL):
            make_rule(aws, queue, BUS, {"source": [SOURCE]})

    def set_windows(self, made: datetime) -> None:
        """Choose the windows.

        :param made: when the archive was created
        """
        window = window_from(made.astimezone(UTC).replace(microsecond=0) + 2 * _SECOND)
        midnight = made.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self.found.window = window
        self.found.part = Window(window.end - _SECOND, window.end)
        self.found.early = Window(midnight - _DAY, midnight)

    def note_trial(self, aws: Aws) -> None:
        """Take what the trial has brought, and note whether anybody else has got anything."""
        self.found.tried = list(drain(aws, [TRIAL_QUEUE]))
        self.found.others = len(self.found.taken) + waiting(aws, QUEUE) + waiting(aws, MAIL)

    def repair(self, aws: Aws) -> None:
        """Repair the consumer, after counting the messages that it has failed."""
        self.found.failed = waiting(aws, DEAD)
        self.consumer.repaired = True

    def _steps(self, aws: Aws, airflow: AirflowApi) -> Iterator[None]:
        """Do one thing after another; each yield is a moment of waiting."""
        found = self.found
        yield from self._run(airflow, KEEP, {})
        self.set_windows(aws.client("events").describe_archive(ArchiveName=ARCHIVE)["CreationTime"])
        early = self._early_run = self._start(airflow, TRY, _conf(found.early))
        while datetime.now(UTC) < found.window.end + _SECOND:
            yield
        self.publish(aws)
        yield from self._run(airflow, TRY, _conf(found.part))
        self.note_trial(aws)
        yield from self._until(early, "failed")
        log = airflow.wait_for(lambda: airflow.log(TRY, early, "try"), what="the log of the early trial")
        found.told = [line for line in log.splitlines() if _TOLD.match(line)]
        yield from self._run(airflow, REPLAY, _conf(found.window))
        yield from self._idle()
        yield from self._check(aws, airflow)
        self.repair(aws)
        yield from self._run(airflow, REDRIVE, {"queue": DEAD_ARN})
        yield from self._idle()

    def _check(self, aws: Aws, airflow: AirflowApi) -> Iterator[None]:
        """Have the delivery of the replay checked, and keep what that tells."""
        names = {window: name for name, window in windows_of_replays(aws, ARCHIVE).items()}
        run_id = self._start(airflow, CHECK, {"replay_name": names[self.found.window]})
        yield from self._until(run_id, "success")
        self.found.checked = _plain(airflow.xcom(CHECK, run_id, "check"))["delivery"]

    def _start(self, airflow: AirflowApi, dag_id: str, conf: Row) -> str:
        return airflow.wait_for(lambda: airflow.trigger(dag_id, conf), what=f"a run of {dag_id}")

    def _run(self, airflow: AirflowApi, dag_id: str, conf: Row) -> Iterator[None]:
        yield from self._until(self._start(airflow, dag_id, conf), "success")

    def _until(self, run_id: str, state: str) -> Iterator[None]:
        while (run_id, state) not in ((run["dag_run_id"], run["state"]) for run in self._runs):
            yield

    def _idle(self) -> Iterator[None]:
        """Wait until the consumer has nothing left to take."""
        while not self.consumer.idle:
            yield


def _conf(window: Window) -> Row:
    """Return a window as the DAGs' parameters."""
    return {"start": window.start.isoformat(), "end": window.end.isoformat()}


def _plain(value: Any) -> Any:
    """Return an XCom's value, which the API gives as JSON or as text of it."""
    return json.loads(value) if isinstance(value, str) else value
