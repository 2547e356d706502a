# SPDX-License-Identifier: Apache-2.0

"""What LocalAirflow says where it cannot work; that it works is shown by tests/e2e/test_local_airflow.py."""

from __future__ import annotations

import importlib.util
from importlib import metadata
from pathlib import Path

import pytest

from airflow_provider_jobs.testing.airflow.process import environment
from airflow_provider_jobs.testing.local_airflow import LocalAirflow, LocalAirflowError


def test_it_needs_airflow_3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(metadata, "version", lambda _: "2.11.2")
    with pytest.raises(LocalAirflowError, match=r"needs Airflow 3; Airflow 2\.11\.2 is installed"):
        LocalAirflow(tmp_path)


@pytest.mark.parametrize("compiled", [True, False])
def test_bytecode_is_written_only_where_airflow_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, compiled: bool
) -> None:
    """And then to a folder of our own."""
    module = tmp_path / "airflow.py"
    module.touch()
    spec = importlib.util.spec_from_file_location("airflow", module)
    assert spec is not None
    assert spec.cached is not None
    if compiled:
        Path(spec.cached).parent.mkdir(parents=True, exist_ok=True)
        Path(spec.cached).touch()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    env = environment(tmp_path, {})
    assert ("PYTHONDONTWRITEBYTECODE" in env) is compiled
    assert ("PYTHONPYCACHEPREFIX" in env) is not compiled
