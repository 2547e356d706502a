# SPDX-License-Identifier: Apache-2.0

"""The page of the metrics has those that the code has."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_jobs.metrics import METRICS, PREFIX, Metric

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_page_and_the_code_have_the_same_metrics() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text().splitlines()
        if line.startswith("| `")
    ]
    documented = {
        name.strip("`"): Metric(kind, unit, tuple(tag.strip("` ") for tag in tags.split(",")))
        for name, kind, unit, tags, sent in rows
    }
    assert documented == {PREFIX + name: metric for name, metric in METRICS.items()}
    assert all(row[-1] for row in rows)
