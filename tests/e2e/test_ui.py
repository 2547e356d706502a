# SPDX-License-Identifier: Apache-2.0

"""What a user sees of the demo's replays in Airflow's UI, in a real browser.

``make screenshots`` keeps the pictures that are taken here; the README and the docs show them.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_jobs.testing.local_airflow import LocalAirflow, LocalAirflowError
from airflow_provider_jobs.testing.server import AwsJobsServer

# The demo is no part of the package; at the end of the path, the checkout does not hide what is installed.
sys.path.append(str(Path(__file__).parents[2]))
pytest.importorskip("playwright", reason="the browser tests run on the newest Airflow")

from playwright.sync_api import Locator, Page, expect

from demo.act import Aws
from demo.shop import ARCHIVE, ShopAct

from .browser import Browser, opened
from .conftest import PRELOADED

pytestmark = [pytest.mark.e2e, pytest.mark.extended]

#: Milliseconds that the browser waits for what it expects; a busy machine needs them.
PATIENCE = 60_000
#: Bytes of a picture, at most.
LIGHT = 200_000

EXAMPLES = Path(__file__).parents[2] / "example_dags"
DAG = "eventbridge_replay"
#: The days of the backfill whose replay has ended, has failed and is tried again, and is under way.
FINISHED, FAILED, RUNNING = "2026-01-08", "2026-01-09", "2026-01-10"
REASON = "The bus is full"
#: Replays that AWS runs at once.
QUOTA = 10


class Stage:
    """The demo's backfill of six days, its replays moved by hand, and the account full of replays."""

    def __init__(self, airflow: LocalAirflow, server: AwsJobsServer) -> None:
        self.airflow, self.server = airflow, server
        server.set_pace()
        aws, act = Aws(server), ShopAct()
        act.seed(aws)
        (days,) = act.backfills
        airflow.backfill(days.dag_id, days.first, days.last)
        airflow.wait_for(lambda: len(self._replays()) == 6, timeout=240, what="six replays")
        self.runs = {run["data_interval_start"][:10]: run["dag_run_id"] for run in airflow.runs(DAG)}
        server.advance(self.replay(FINISHED))
        server.fail(self.replay(FAILED), REASON, at=0.5)
        for day in sorted(self.runs)[1:]:
            server.advance(self.replay(day), to=0.6)
        events = aws.client("events")
        archive = events.describe_archive(ArchiveName=ARCHIVE)
        for number in range(QUOTA - 4):
            events.start_replay(
                ReplayName=f"another-{number}",
                EventSourceArn=archive["ArchiveArn"],
                EventStartTime=days.first,
                EventEndTime=days.last,
                Destination={"Arn": archive["EventSourceArn"]},
            )

    def _replays(self) -> list[dict[str, Any]]:
        return [job for job in self.server.jobs("events") if job["id"].startswith(DAG)]

    def replay(self, day: str) -> str:
        """The name of a day's first replay."""
        start = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
        return next(str(job["id"]) for job in self._replays() if job["event_start_time"] == start)

    def path(self, day: str, tab: str = "") -> str:
        """Where the UI shows the task of a day."""
        return f"/dags/{DAG}/runs/{self.runs[day]}/tasks/replay{tab}"

    def until(self, day: str, state: str, try_number: int = 1) -> None:
        """Wait for the task of a day; on a busy machine a try may be lost, and the state be a later one's."""

        def reached() -> bool:
            task = self.airflow.task(DAG, self.runs[day], "replay")
            return bool(task["state"] == state and task["try_number"] >= try_number)

        try:
            self.airflow.wait_for(reached, timeout=120, what=f"{day} to be {state} in try {try_number}")
        except LocalAirflowError as error:
            error.add_note(self.airflow.log(DAG, self.runs[day], "replay"))
            raise


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened() as browser:
        yield browser


@pytest.fixture(scope="module")
def stage(browser: Browser) -> Iterator[Stage]:
    """The demo's AWS and Airflow; asks for the browser so that nothing starts without one."""
    with AwsJobsServer() as server:
        env = {
            **PRELOADED,
            "AIRFLOW_CONN_AWS_DEFAULT": Aws(server).connection(),
            "AIRFLOW__AIRFLOW_PROVIDER_JOBS__POLL_INTERVAL": "2",
        }
        with LocalAirflow(EXAMPLES, env) as airflow:
            yield Stage(airflow, server)


@pytest.fixture
def page(browser: Browser, stage: Stage) -> Iterator[Page]:
    """A page in a tab of its own, as big as a picture."""
    context = browser.new_context(
        base_url=stage.airflow.url,
        viewport={"width": 1280, "height": 800},
        color_scheme="light",
        locale="en-US",
        timezone_id="UTC",
    )
    context.set_default_timeout(PATIENCE)
    expect.set_options(PATIENCE)
    yield context.new_page()
    context.close()


@pytest.fixture
def take(page: Page, tmp_path: Path) -> Callable[[str], None]:
    """Takes a picture of the page: into the folder that SCREENSHOTS names, or nowhere that lasts."""
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path)

    def take(name: str) -> None:
        page.mouse.move(0, 0)
        picture = page.screenshot(path=folder / f"{name}.png", animations="disabled")
        assert len(picture) < LIGHT

    return take


def log_line(view: Page | Locator, text: str) -> Locator:
    """The entries of a log view that have a text; an error's entry is all of its traceback."""
    return view.locator("[data-testid^=virtualized-item]").filter(has_text=re.compile(text))


def test_the_providers_page(page: Page) -> None:
    page.goto("/providers")
    row = page.get_by_role("row").filter(has_text="airflow-provider-jobs")
    expect(row).to_contain_text(version("airflow-provider-jobs"))
    expect(row).to_contain_text("Start, watch and stop AWS jobs exactly once: EventBridge replays")


def test_the_backfill(page: Page, stage: Stage, take: Callable[[str], None]) -> None:
    stage.until(FINISHED, "success")
    stage.until(FAILED, "deferred", try_number=2)
    page.goto(f"/dags/{DAG}")
    page.get_by_role("link", name="replay", exact=True).click()
    page.get_by_role("link", name="Task Instances").click()
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows.filter(has_text="Deferred")).to_have_count(5)
    expect(rows.filter(has_text="Success")).to_have_count(1)
    # The grid is given more room, to show all runs.
    edge = page.get_by_role("separator").first.bounding_box()
    assert edge is not None
    page.mouse.move(edge["x"] + 1, 400)
    page.mouse.down()
    page.mouse.move(470, 400, steps=8)
    page.mouse.up()
    take("backfill")


def test_the_log_grows_while_the_task_is_deferred(
    page: Page, stage: Stage, take: Callable[[str], None]
) -> None:
    stage.until(RUNNING, "deferred")
    name = re.escape(stage.replay(RUNNING))
    page.goto(stage.path(RUNNING))
    expect(page.get_by_text("Deferred", exact=True)).to_be_visible()
    expect(log_line(page, f"Started replay {name}: STARTING")).to_be_visible()
    # The page is not loaded again.
    for percent in (70, 80, 90):
        stage.server.advance(stage.replay(RUNNING), to=percent / 100)
        told = rf"{name}: RUNNING, {percent}%, about \d:\d\d:\d\d left, events up to 2026-01-10T\d\d:"
        expect(log_line(page, told)).to_be_visible()
    page.keyboard.press("w")  # wraps the lines
    take("log")


def test_the_rendered_templates_show_the_window(
    page: Page, stage: Stage, take: Callable[[str], None]
) -> None:
    stage.until(RUNNING, "deferred")
    page.goto(stage.path(RUNNING, "/rendered_templates"))
    fields = {
        "archive": ARCHIVE,
        "event_start_time": "2026-01-10 00:00:00+00:00",
        "event_end_time": "2026-01-11 00:00:00+00:00",
    }
    for field, value in fields.items():
        expect(page.get_by_role("row").filter(has_text=field)).to_contain_text(value)
    take("templates")


@pytest.mark.parametrize(("day", "state"), [(RUNNING, "deferred"), (FINISHED, "success")])
def test_no_link_to_the_console_of_a_replay_that_is_not_there(
    page: Page, stage: Stage, day: str, state: str
) -> None:
    """The mocked AWS is an endpoint of its own."""
    stage.until(day, state)
    page.goto(stage.path(day, "/details"))
    expect(page.get_by_text("Success" if state == "success" else "JobTrigger").first).to_be_visible()
    expect(page.get_by_text("EventBridge Replay")).to_have_count(0)


def test_the_log_of_a_failed_try_says_why(page: Page, stage: Stage, take: Callable[[str], None]) -> None:
    """The reason stands in one line, above the frames of its traceback, and there is one traceback."""
    stage.until(FAILED, "deferred", try_number=2)
    page.goto(stage.path(FAILED, "?try_number=1"))
    name = re.escape(stage.replay(FAILED))
    # The triggerer's own line of it may be there too, or be lost.
    expect(log_line(page, rf"Replay {name}: FAILED, \d+%, reason: {REASON}")).to_be_visible()
    why = f"JobFailedError: Replay {name} ended FAILED: {REASON}. A retry starts a new one."
    error = log_line(page, why)
    expect(error).to_have_count(1)
    story = error.inner_text()
    assert story.index("JobFailedError") < story.index('File "')
    assert story.count('File "') <= 12
    page.keyboard.press("w")
    page.keyboard.press("f")  # gives the log the whole window
    error = log_line(page.get_by_role("dialog"), why)
    error.get_by_text("JobFailedError").click()  # folds the frames
    expect(error.get_by_text('File "').first).to_be_hidden()
    take("failure")


def test_the_log_says_where_in_the_queue_the_task_stands(
    page: Page, stage: Stage, take: Callable[[str], None]
) -> None:
    stage.until(FAILED, "deferred", try_number=2)
    page.goto(stage.path(FAILED))
    told = rf"Waiting in the queue to start \S+: position 1; {QUOTA} of {QUOTA} jobs are in flight\."
    expect(log_line(page, told)).to_be_visible()
    page.keyboard.press("w")
    take("queue")
