# SPDX-License-Identifier: Apache-2.0

"""What LocalAirflow says where it cannot work; that it works is shown by tests/e2e/test_local_airflow.py."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from airflow_provider_jobs.testing.local_airflow import LocalAirflow, LocalAirflowError


def test_it_needs_airflow_3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(metadata, "version", lambda _: "2.11.2")
    with pytest.raises(LocalAirflowError, match=r"needs Airflow 3; Airflow 2\.11\.2 is installed"):
        LocalAirflow(tmp_path)
