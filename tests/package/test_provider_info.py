# SPDX-License-Identifier: Apache-2.0

"""The provider's metadata: valid, true, and the same for Airflow and for people."""

from __future__ import annotations

import importlib
import json
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

import airflow
import jsonschema
import yaml
from airflow.providers_manager import ProvidersManager
from support import project

import airflow_provider_jobs
from airflow_provider_jobs.get_provider_info import get_provider_info

REPOSITORY = Path(__file__).parents[2]
#: What provider.yaml says of the release, and Airflow does not read at runtime.
RELEASE = {"state", "source-date-epoch", "versions"}


def test_it_fits_airflows_own_schema() -> None:
    schema = Path(airflow.__file__).with_name("provider_info.schema.json")
    jsonschema.validate(get_provider_info(), json.loads(schema.read_text()))


def provider_yaml() -> dict[str, Any]:
    written: dict[str, Any] = yaml.safe_load((REPOSITORY / "provider.yaml").read_text())
    return written


def test_provider_yaml_says_the_same() -> None:
    written = provider_yaml()
    assert {key: value for key, value in written.items() if key not in RELEASE} == get_provider_info()
    assert written["versions"][0] == airflow_provider_jobs.__version__


def test_provider_yaml_fits_airflows_own_schema() -> None:
    schema = json.loads(Path(airflow.__file__).with_name("provider.yaml.schema.json").read_text())
    written = provider_yaml()
    if "dependencies" in schema["required"]:
        # Airflow 2.11 asks for what pyproject.toml says, and later releases refuse it here.
        written["dependencies"] = project()["dependencies"]
    jsonschema.validate(written, schema)


def test_airflow_finds_the_provider() -> None:
    entries = entry_points(group="apache_airflow_provider")
    (entry,) = [entry for entry in entries if entry.value.startswith("airflow_provider_jobs")]
    assert entry.load() is get_provider_info
    provider = ProvidersManager().providers["airflow-provider-jobs"]
    assert provider.version == version("airflow-provider-jobs") == airflow_provider_jobs.__version__


def test_every_module_and_link_it_names_exists() -> None:
    info = get_provider_info()
    for layer in ("hooks", "operators", "sensors", "triggers"):
        for integration in info[layer]:
            for module in integration["python-modules"]:
                assert importlib.import_module(module).__all__
    for link in info["extra-links"]:
        module, _, name = link.rpartition(".")
        assert getattr(importlib.import_module(module), name).name
