# SPDX-License-Identifier: Apache-2.0

"""The provider's metadata: valid, true, and the same for Airflow and for people."""

from __future__ import annotations

import importlib
import json
from importlib.metadata import entry_points, version
from pathlib import Path

import airflow
import jsonschema
import yaml
from airflow.providers_manager import ProvidersManager

import airflow_provider_jobs
from airflow_provider_jobs.get_provider_info import get_provider_info

REPOSITORY = Path(__file__).parents[2]


def test_it_fits_airflows_own_schema() -> None:
    schema = Path(airflow.__file__).with_name("provider_info.schema.json")
    jsonschema.validate(get_provider_info(), json.loads(schema.read_text()))


def test_provider_yaml_says_the_same() -> None:
    assert yaml.safe_load((REPOSITORY / "provider.yaml").read_text()) == get_provider_info()


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
