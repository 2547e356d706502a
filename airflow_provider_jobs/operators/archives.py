# SPDX-License-Identifier: Apache-2.0

"""Create and delete EventBridge archives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import Context, XComArg

from airflow_provider_jobs._eventbridge.archive import ARCHIVE_NAME, WantedArchive
from airflow_provider_jobs._eventbridge.pattern import checked_pattern
from airflow_provider_jobs._eventbridge.rule import checked_bus
from airflow_provider_jobs.aws import AwsOperator, aws_template_fields
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.hooks._classes import EventBridgeReplayHook
from airflow_provider_jobs.lineage import DatasetName, Lineage, TellsData
from airflow_provider_jobs.operator_parameters import AwsOperatorParameters
from airflow_provider_jobs.operators._handed import AbsentIds, PushesIds
from airflow_provider_jobs.parameters import JobReference, Reader, handed, matching, optional

__all__ = ["EventBridgeCreateArchiveOperator", "EventBridgeDeleteArchiveOperator"]

_COLOR, _TEXT = "#e7157b", "#ffffff"


def _archive_name(value: Any, name: str) -> str:
    meaning = "1 to 48 letters, digits and .-_"
    return matching(handed(value, name), name, ARCHIVE_NAME, meaning)


def _days(value: Any, name: str) -> int:
    given = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise JobInputError(f"{name}={value!r} must be a whole number of days, or 0 to keep events for ever.")
    return given


def _description(value: Any, name: str) -> str:
    return matching(value, name, r"[^\r\n]{0,512}", "at most 512 characters, in one line")


def _kms_key(value: Any, name: str) -> str:
    meaning = "a key's ARN, id, alias or alias ARN"
    return matching(value, name, r"[a-zA-Z0-9_\-/:]{0,2048}", meaning)


class EventBridgeCreateArchiveOperator(PushesIds, TellsData, AwsOperator[EventBridgeReplayHook]):
    """Create an archive of an event bus, or change one that exists to what is given here.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateArchive.html
    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_UpdateArchive.html

    An archive has events only from when it was created on. A retry finds the archive that an earlier try has
    created. If the archive is as it should be, nothing is changed.

    The result is a dictionary.

    :param archive_name: its name. (templated)
    :param event_bus_name: name or ARN of the event bus. With an ARN, the role needs no DescribeEventBus.
        (templated)
    :param event_pattern: which events it keeps, as a dictionary or JSON text; None leaves it as it is, which
        is all events in a new archive. (templated)
    :param retention_days: for how many days events are kept, 0 for ever; None leaves it as it is, which is
        for ever in a new archive. (templated)
    :param description: up to 512 characters; None leaves it as it is. (templated)
    :param kms_key: the KMS key that encrypts it; None leaves it as it is, which is a key that AWS owns in a
        new archive. Give its ARN: AWS may answer with that, and another form of it then counts as a
        difference. It takes a botocore that knows keys of archives, which the lowest supported one does
        not. (templated)
    :param aws_conn_id: the Airflow connection; None for boto3's own credentials.
    :param region_name: the AWS Region; by default the connection's.
    :param verify: whether to verify TLS certificates, or the path of a CA bundle.
    :param botocore_config: parameters of botocore's ``Config``.
    :result archive_name: the archive's name
    :result archive_arn: its ARN
    :result event_bus_arn: the event bus's ARN
    :result state: AWS's state, such as ``ENABLED``
    :result action: ``created``, ``updated`` or ``unchanged``
    :raises JobInputError: for parameters that cannot work, and for an archive of another event bus.
    :raises JobQuotaError: if the account has as many archives as it may.
    :raises JobError: if AWS could not create or change it.
    """

    aws_hook_class = EventBridgeReplayHook
    template_fields: Sequence[str] = aws_template_fields(
        "archive_name",
        "botocore_config",
        "description",
        "event_bus_name",
        "event_pattern",
        "kms_key",
        "retention_days",
    )
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "archive_name": _archive_name,
        "description": optional(_description),
        "event_bus_name": checked_bus,
        "event_pattern": optional(checked_pattern),
        "kms_key": optional(_kms_key),
        "retention_days": optional(_days),
    }
    template_fields_renderers: ClassVar[dict[str, str]] = {"event_pattern": "json"}
    #: Without it the archive would keep more than with it.
    _narrowing: ClassVar[frozenset[str]] = frozenset({"event_pattern"})
    ui_color: str = _COLOR
    ui_fgcolor: str = _TEXT

    def __init__(
        self,
        *,
        archive_name: str | XComArg,
        event_bus_name: str | XComArg = "default",
        event_pattern: Mapping[str, Any] | str | XComArg | None = None,
        retention_days: int | str | XComArg | None = None,
        description: str | XComArg | None = None,
        kms_key: str | XComArg | None = None,
        **kwargs: Unpack[AwsOperatorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.archive_name = archive_name
        self.event_bus_name = event_bus_name
        self.event_pattern = event_pattern
        self.retention_days = retention_days
        self.description = description
        self.kms_key = kms_key
        self.finish_parameters()

    def execute(self, context: Context) -> dict[str, Any]:
        """Create the archive, or change it where it differs."""
        wanted = WantedArchive(
            self.read("archive_name"),
            self.read("event_bus_name"),
            self.read("event_pattern"),
            self.read("retention_days"),
            self.read("description"),
            self.read("kms_key"),
        )
        # Before the call, so that a teardown finds what a call without an answer has created.
        self.hand_on(context, {"archive_name": wanted.name})
        found, action = self.hook.archives.put(wanted)
        bus, archive = map(DatasetName.of_arn, (found["EventSourceArn"], found["ArchiveArn"]))
        self._data = Lineage([bus], [archive])
        self.hand_on(context, {"archive_arn": found["ArchiveArn"]})
        self.log.info("Archive %s is %s: %s.", wanted.name, found.get("State"), action)
        return {
            "archive_name": wanted.name,
            "archive_arn": found["ArchiveArn"],
            "event_bus_arn": found["EventSourceArn"],
            "state": found.get("State"),
            "action": action,
        }


class EventBridgeDeleteArchiveOperator(AbsentIds, AwsOperator[EventBridgeReplayHook]):
    """Delete an archive with all its events for good; one that is gone already counts as deleted.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteArchive.html

    It may be the teardown of the task that creates the archive. Where that task has handed on no name, there
    is nothing to delete, and the task succeeds.

    :param archive_name: the archive's name, or the create's ``.output``. (templated)
    :param aws_conn_id: the Airflow connection; None for boto3's own credentials.
    :param region_name: the AWS Region; by default the connection's.
    :param verify: whether to verify TLS certificates, or the path of a CA bundle.
    :param botocore_config: parameters of botocore's ``Config``.
    :raises JobInputError: for a name that AWS does not allow.
    """

    aws_hook_class = EventBridgeReplayHook
    template_fields: Sequence[str] = aws_template_fields("archive_name", "botocore_config")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"archive_name": _archive_name}
    id_parameters: ClassVar[tuple[str, ...]] = ("archive_name",)
    ui_color: str = _COLOR
    ui_fgcolor: str = _TEXT

    def __init__(self, *, archive_name: JobReference, **kwargs: Unpack[AwsOperatorParameters]) -> None:
        super().__init__(**kwargs)
        self.archive_name = archive_name
        self.finish_parameters()

    def execute(self, context: Context) -> None:
        """Delete the archive."""
        if self.nothing_handed_on():
            self.log.info("There is no archive to delete: no archive_name was handed on.")
            return
        name = self.read("archive_name")
        gone = "is deleted" if self.hook.archives.delete(name) else "is gone already"
        self.log.info("Archive %s %s.", name, gone)
