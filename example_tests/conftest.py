# SPDX-License-Identifier: Apache-2.0

"""An Airflow for the tests: a home of its own, the folder ``dags``, a connection to AWS."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow.sdk import DAG

# Before anything imports Airflow, which reads its settings once.
HOME = tempfile.TemporaryDirectory(prefix="airflow-home-")
os.environ |= {
    "AIRFLOW_HOME": HOME.name,
    "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parent / "dags"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW_CONN_AWS_DEFAULT": "aws://?region_name=us-east-1",
}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "e2e: runs a real Airflow, which takes half a minute")


@pytest.fixture(scope="session")
def dags() -> dict[str, DAG]:
    """The DAGs of the folder by their ids, and a database for their runs."""
    from airflow.models import DagBag
    from airflow.utils.db import initdb

    initdb()
    bag = DagBag()
    assert not bag.import_errors
    return bag.dags
