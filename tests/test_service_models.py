# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import botocore
import pytest
from boto3.session import Session
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import ServiceModel

from airflow_provider_jobs.service_models import MODELS, use_service_models

FOLDER = Path("iotanalytics", "2017-11-27")


def client(session: Session, **options: Any) -> Any:
    return session.client("iotanalytics", region_name="us-east-1", **options)  # type: ignore[call-overload]


def new_session() -> Session:
    return Session(aws_access_key_id="testing", aws_secret_access_key="testing")


def botocore_ships_it() -> bool:
    return "iotanalytics" in Loader().list_available_services("service-2")


@pytest.mark.skipif(botocore_ships_it(), reason="this botocore still has a model of its own")
def test_makes_clients() -> None:
    session = new_session()
    with pytest.raises(UnknownServiceError):
        client(session)
    use_service_models(session)
    ours = client(session)
    assert ours.meta.endpoint_url == "https://iotanalytics.us-east-1.amazonaws.com"
    assert client(session, endpoint_url="http://127.0.0.1:9").meta.endpoint_url == "http://127.0.0.1:9"
    assert ours.can_paginate("list_pipelines")
    assert ours.can_paginate("list_channels")
    assert ours.meta.service_model.signing_name == "iotanalytics"
    for name in ours.meta.service_model.operation_names:
        assert ours.meta.service_model.operation_model(name).http
    ours.close()
    assert session.client("sts", region_name="us-east-1").meta.service_model.service_name == "sts"


def test_any_other_model_is_used_instead_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = json.loads((MODELS / FOLDER / "service-2.json").read_text())
    model["metadata"]["serviceFullName"] = "The user's own"
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "service-2.json").write_text(json.dumps(model))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    session = new_session()
    use_service_models(session)
    assert client(session).meta.service_model.metadata["serviceFullName"] == "The user's own"


@pytest.mark.skipif(not botocore_ships_it(), reason="this botocore has no model of its own")
def test_botocores_own_model_is_used_instead_of_ours() -> None:
    session = new_session()
    use_service_models(session)
    assert "create_dataset" in dir(client(session))


def test_is_a_sound_model() -> None:
    model = json.loads((MODELS / FOLDER / "service-2.json").read_text())
    service = ServiceModel(model, "iotanalytics")
    for name in service.operation_names:
        operation = service.operation_model(name)
        assert operation.documentation
        assert operation.input_shape is not None
        in_path = {
            member.serialization["name"]
            for member in operation.input_shape.members.values()
            if member.serialization.get("location") == "uri"
        }
        assert in_path == {part[1:-1] for part in operation.http["requestUri"].split("/") if part[:1] == "{"}
        assert {shape.metadata["error"]["httpStatusCode"] for shape in operation.error_shapes} >= {
            400,
            500,
            503,
        }
    pagination = json.loads((MODELS / FOLDER / "paginators-1.json").read_text())["pagination"]
    lists = {name for name in service.operation_names if name.startswith("List")}
    assert set(pagination) == lists - {"ListTagsForResource"}  # it has no pages


def without_documentation(model: Any) -> Any:
    """A model without its sentences; a member of that name is a mapping."""
    if isinstance(model, dict):
        return {
            name: without_documentation(value)
            for name, value in model.items()
            if not (name == "documentation" and isinstance(value, str))
        }
    return [without_documentation(each) for each in model] if isinstance(model, list) else model


def parts(model: dict[str, Any]) -> dict[str, Any]:
    """A model by its shapes and operations."""
    return {
        **{f"shape {name}": shape for name, shape in model["shapes"].items()},
        **{f"operation {name}": operation for name, operation in model["operations"].items()},
        "metadata": model["metadata"],
    }


@pytest.mark.skipif(botocore.__version__ != "1.42.50", reason="needs botocore 1.42.50: make service-model")
def test_is_botocores_last_one_shape_by_shape() -> None:
    theirs = Loader().load_service_model("iotanalytics", "service-2")
    ours = json.loads((MODELS / FOLDER / "service-2.json").read_text())
    expected, found = (parts(without_documentation(model)) for model in (theirs, ours))
    assert expected.keys() == found.keys()
    assert [name for name in expected if expected[name] != found[name]] == []
    assert len(theirs["shapes"]) == 246
    assert len(theirs["operations"]) == 34
    pages = Loader().load_service_model("iotanalytics", "paginators-1")
    assert json.loads((MODELS / FOLDER / "paginators-1.json").read_text()) == pages


def test_says_where_it_is_from() -> None:
    notice = (MODELS / "NOTICE").read_text()
    assert "iotanalytics/2017-11-27 is derived from botocore 1.42.50" in notice
    assert "Copyright 2012-2022 Amazon.com, Inc. or its affiliates. All Rights Reserved." in notice


def test_has_all_operations_and_members_that_botocores_last_one_had() -> None:
    """What the comparison with botocore shows in full, where that version is installed."""
    service = ServiceModel(json.loads((MODELS / FOLDER / "service-2.json").read_text()), "iotanalytics")
    assert len(service.operation_names) == 34
    for name in ("CreateChannel", "CreateDatastore", "CreatePipeline", "CreateDataset"):
        shape = service.operation_model(name).input_shape
        assert shape is not None
        assert "tags" in shape.members
    datastore = service.operation_model("CreateDatastore").input_shape
    assert datastore is not None
    assert {"fileFormatConfiguration", "datastorePartitions"} <= set(datastore.members)
    assert service.shape_for("ThrottlingException").metadata["error"] == {"httpStatusCode": 429}


def test_one_reader_serves_all_sessions() -> None:
    """Also where they share botocore's: each session of boto3 adds its folder to that once more."""
    shared = Loader()
    readers = set()
    for _ in range(3):
        session = Session()
        session._session.register_component("data_loader", shared)
        shared.search_paths.append("boto3/data")
        use_service_models(session)
        readers.add(session._session.get_component("data_loader"))
    assert len(readers) == 1


def test_the_documentation_says_where_it_is_from() -> None:
    notice = (MODELS / "NOTICE").read_text()
    source = re.search(r"derived from (botocore [\d.]+\d)", notice)
    assert source is not None
    assert f"derived from {source[1]}," in (Path(__file__).parents[1] / "docs" / "retired.md").read_text()
