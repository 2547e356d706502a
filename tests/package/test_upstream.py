# SPDX-License-Identifier: Apache-2.0

"""Upstream code that we override, patch or reach into is what it was when it was last read.

Such code is private or undocumented, so a new version may change it without notice. ``upstream.txt`` has a
digest of each piece; where one differs, read the new source and the module of ours that is named beside it,
and write the digests again with ``PYTHONPATH=tests .venv/bin/python tests/package/test_upstream.py``.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import textwrap
from pathlib import Path
from typing import Any

import pytest
from support import NEWEST, strays

DIGESTS = Path(__file__).with_name("upstream.txt")
AMAZON, SDK = "airflow.providers.amazon.aws.hooks.base_aws", "airflow.sdk"
TASK, MAPPED = f"{SDK}.execution_time.task_runner", f"{SDK}.definitions.mappedoperator"
#: Each piece of upstream code, and what to look at when it has changed.
PIECES = {
    f"{AMAZON}.AwsGenericHook._get_caller": "hooks/connection.py overrides it, and looks for the same caller",
    f"{AMAZON}.AwsGenericHook.conn_config": "hooks/connection.py overrides it, and changes what it returns",
    f"{AMAZON}.AwsGenericHook.get_session": "hooks/connection.py overrides it",
    f"{AMAZON}.AwsGenericHook.get_client_type": "hooks/calls.py builds a second client with it",
    "boto3.session.Session.__init__": "hooks/connection.py and service_models use its _session",
    "botocore.configprovider.ConfiguredEndpointProvider": "hooks/connection.py asks it for an endpoint",
    "botocore.loaders.Loader.__init__": "service_models builds one with the session's search paths",
    "botocore.endpoint.Endpoint._needs_retry": "hooks/calls.py handles its event before botocore does",
    f"{TASK}.RuntimeTaskInstance.get_task_states": "triggers/task_state.py calls it",
    f"{SDK}.bases.operator.BaseOperator.render_template_fields": "operators/reading.py: what it calls",
    f"{MAPPED}.MappedOperator.render_template_fields": "operators/reading.py: the same",
    f"{SDK}.definitions._internal.templater.Templater._do_render_template_fields": "operators/reading.py and "
    "data_pipeline/secrets.py override it",
    "moto.backend_index": "testing/moto_ext.py adds services to it",
    "moto.core.base_backend.BackendDict": "testing/aws/outer.py takes its contents aside and puts them back",
    "moto.core.config": "testing/moto_ext.py asks it in place of BotocoreStubber",
    "moto.core.models.BotocoreStubber": "testing/aws/edge.py stands before it",
    "moto.core.models.MockAWS": "testing/aws/mock.py starts it, and stops its configuration",
    "moto.core.parse.RestJSONParser": "testing/aws/iotanalytics/rest.py derives from it",
    "moto.core.request.Request": "testing/aws/calls.py and edge.py build one",
    "moto.core.responses.BaseResponse": "testing/moto_ext.py derives from it",
    "moto.core.routing": "testing/aws/calls.py and testing/moto_ext.py use its routers",
    "moto.core.serialize.RestJSONSerializer": "testing/aws/iotanalytics/rest.py derives from it",
    "moto.datapipeline.models.Pipeline": "testing/aws/datapipeline/cloudformation.py makes ours of it",
    "moto.events.models.Archive": "testing/aws/events/archives.py replaces its methods",
    "moto.events.models.EventsBackend": "testing/aws/events reaches into it",
    "moto.events.models.EventPattern": "testing/aws/events/rules.py asks it whether an event matches",
    "moto.events.models.Rule": "testing/aws/events/rules.py delivers as it does",
    "moto.events.responses.EventsHandler": "testing/aws/events/archives.py, entries.py replace its answers",
    "moto.logs.models.LogsBackend.put_log_events": "testing/aws/events/rules.py calls it",
    "moto.moto_server.werkzeug_app": "testing/server.py serves its application",
    "moto.sqs.models.Message": "testing/aws/events/rules.py puts one into a queue",
}


def digest(piece: str) -> str:
    """A digest of the source of a module, class, function or property."""
    parts = piece.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for name in parts[end:]:
            found = inspect.getattr_static(found, name)
        found = getattr(found, "func", getattr(found, "fget", getattr(found, "__func__", found)))
        return hashlib.sha256(textwrap.dedent(inspect.getsource(found)).encode()).hexdigest()[:16]
    raise LookupError(piece)


def read() -> dict[str, str]:
    return dict(line.split()[::-1] for line in DIGESTS.read_text().splitlines())


@pytest.mark.parametrize("piece", PIECES)
def test_it_has_not_changed(piece: str) -> None:
    if strays(NEWEST):
        pytest.skip("digests are of the newest versions, which this environment does not have")
    assert digest(piece) == read()[piece], f"{piece} has changed. Look at: {PIECES[piece]}."


def test_every_digest_has_its_piece() -> None:
    assert set(read()) == set(PIECES)


def test_a_change_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    piece = "botocore.endpoint.Endpoint._needs_retry"
    before = digest(piece)

    def changed() -> None: ...

    monkeypatch.setattr("botocore.endpoint.Endpoint._needs_retry", changed)
    assert digest(piece) != before


if __name__ == "__main__":
    DIGESTS.write_text("".join(f"{digest(piece)} {piece}\n" for piece in PIECES))
