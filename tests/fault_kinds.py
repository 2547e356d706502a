# SPDX-License-Identifier: Apache-2.0

"""The kinds of fault that the product's tests are run under: what each strikes, and when.

Each is one that the product ought to survive: it may cost a try of Airflow's before the job is started, and
never a second job or a wait that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Literal, TypeAlias

from airflow_provider_jobs.testing.aws.faults import CHANGES, ActiveFault, Fault

if TYPE_CHECKING:
    from airflow_provider_jobs.testing import AwsJobs

#: Which calls are struck: the first of each that reads, those after the first start, one in five, the first
#: start, the first stop, or every call that reads.
Calls: TypeAlias = Literal["first reads", "first polls", "one read in five", "start", "stop", "reads"]

STARTS = (
    "ActivatePipeline",
    "CreateExportTask",
    "ExportTableToPointInTime",
    "StartDataIngestionJob",
    "StartMessageMoveTask",
    "StartPipelineReprocessing",
    "StartReplay",
)
STOPS = (
    "CancelExportTask",
    "CancelMessageMoveTask",
    "CancelPipelineReprocessing",
    "CancelReplay",
    "DeactivatePipeline",
)
READS = ("Describe", "Get", "List", "Query")
#: Whose second start AWS knows for the first one's echo. Of the others a lost answer costs another job.
REPEATABLE = ("dynamodb", "events", "eventbridgev2", "lookoutequipment")

#: A member that AWS always sends, by service and operation.
_TOP = {
    ("datapipeline", "DescribeObjects"): "pipelineObjects",
    ("datapipeline", "DescribePipelines"): "pipelineDescriptionList",
    ("datapipeline", "ListPipelines"): "pipelineIdList",
    ("datapipeline", "QueryObjects"): "ids",
    ("events", "DescribeArchive"): "ArchiveArn",
    ("events", "DescribeReplay"): "State",
    ("dynamodb", "DescribeExport"): "ExportDescription",
    ("dynamodb", "ListExports"): "ExportSummaries",
    ("events", "ListReplays"): "Replays",
    ("iotanalytics", "DescribePipeline"): "pipeline",
    ("iotanalytics", "ListPipelines"): "pipelineSummaries",
    ("eventbridgev2", "DescribeEventBus"): "State",
    ("eventbridgev2", "DescribeSubscriber"): "State",
    ("eventbridgev2", "ListSubscribers"): "Subscribers",
    ("logs", "DescribeExportTasks"): "exportTasks",
    ("lookoutequipment", "DescribeDataIngestionJob"): "Status",
    ("lookoutequipment", "ListDataIngestionJobs"): "DataIngestionJobSummaries",
    ("sqs", "ListMessageMoveTasks"): "Results",
}
#: The same, further down.
_DEEP = {
    ("datapipeline", "DescribeObjects"): "pipelineObjects.fields",
    ("datapipeline", "DescribePipelines"): "pipelineDescriptionList.fields",
    ("datapipeline", "ListPipelines"): "pipelineIdList.id",
    ("events", "DescribeArchive"): "EventSourceArn",
    ("events", "DescribeReplay"): "ReplayName",
    ("dynamodb", "DescribeExport"): "ExportDescription.ExportStatus",
    ("dynamodb", "ListExports"): "ExportSummaries.ExportStatus",
    ("events", "ListReplays"): "Replays.State",
    ("iotanalytics", "DescribePipeline"): "pipeline.reprocessingSummaries.status",
    ("iotanalytics", "ListPipelines"): "pipelineSummaries.reprocessingSummaries.status",
    ("eventbridgev2", "DescribeEventBus"): "EventBusArn",
    ("eventbridgev2", "DescribeSubscriber"): "Name",
    ("eventbridgev2", "ListSubscribers"): "Subscribers.State",
    ("logs", "DescribeExportTasks"): "exportTasks.status",
    ("lookoutequipment", "DescribeDataIngestionJob"): "JobId",
    ("lookoutequipment", "ListDataIngestionJobs"): "DataIngestionJobSummaries.Status",
    ("sqs", "ListMessageMoveTasks"): "Results.Status",
}
#: The passing troubles that chance deals.
_TROUBLES = (
    Fault("*", "error"),
    Fault("*", "throttle"),
    Fault("*", "drop", when="after"),
    Fault("*", "garbage", body="{}"),
    Fault("*", "garbage", status=503, body="<html>Down</html>"),
)

Fails: TypeAlias = Callable[[str, str], Fault | None]


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    :param summary: in words, for the table.
    :param calls: which calls are struck.
    :param fails: the fault of a service's operation, by both names; None if it has none.
    :param prepare: sets AWS as a whole, when it is begun.
    """

    summary: str
    calls: Calls = "reads"
    fails: Fails = lambda service, operation: None
    prepare: Callable[[AwsJobs], object] = lambda aws: None


def _always(fault: Fault) -> Fails:
    return lambda service, operation: fault


def _omitted(members: Mapping[tuple[str, str], str]) -> Fails:
    def fails(service: str, operation: str) -> Fault | None:
        member = members.get((service, operation))
        return Fault(operation, "omit", member=member) if member else None

    return fails


def _of_repeatable(fault: Fault) -> Fails:
    return lambda service, operation: fault if service in REPEATABLE else None


def _garbage(body: str, status: int = 200) -> Fails:
    return _always(Fault("*", "garbage", status=status, body=body))


#: Answers that reads may get, each once for each operation.
_ANSWERS: dict[str, tuple[str, Fails]] = {
    "error": ("a server error (500)", _always(Fault("*", "error"))),
    "drop": ("the answer is lost", _always(Fault("*", "drop", when="after"))),
    "hang": ("no answer in time", _always(Fault("*", "hang", seconds=1))),
    "blocked": ("a proxy's HTML page with status 403", _garbage("<html>Blocked</html>", 403)),
    "html": ("a proxy's HTML page with status 200", _garbage("<html>Hello</html>")),
    "null": ("null", _garbage("null")),
    "no-member": ("a member left out", _omitted(_TOP)),
    "no-inner-member": ("a member further down left out", _omitted(_DEEP)),
}

#: By name. ``reads-…`` strikes the first call of each reading operation, ``polls-…`` the first after a start.
KINDS: dict[str, Kind] = {
    **{f"reads-{n}": Kind(f"first reads: {s}", "first reads", f) for n, (s, f) in _ANSWERS.items()},
    **{f"polls-{n}": Kind(f"first polls: {s}", "first polls", f) for n, (s, f) in _ANSWERS.items()},
    "chance": Kind("one read in five: any passing trouble", "one read in five"),
    "slow": Kind("every read takes 50 ms longer", fails=_always(Fault("*", "slow", seconds=0.05))),
    # Well below the tests' settling time of 1.5 seconds: nobody can survive what AWS shows later than that.
    "lag-lists": Kind("lists are 0.5 s late", prepare=lambda aws: aws.set_lag(where="lists", seconds=0.5)),
    "lag-descriptions": Kind(
        "descriptions are 0.5 s late", prepare=lambda aws: aws.set_lag(where="descriptions", seconds=0.5)
    ),
    "clock-ahead": Kind("AWS's clock is 240 s ahead", prepare=lambda aws: aws.set_clock_skew(240)),
    "clock-behind": Kind("AWS's clock is 240 s behind", prepare=lambda aws: aws.set_clock_skew(-240)),
    "start-throttle": Kind("the first start is throttled", "start", _always(Fault("*", "throttle"))),
    "start-lost": Kind(
        "the first start takes effect and its answer is lost; where AWS knows a repeated start",
        "start",
        _of_repeatable(Fault("*", "drop", when="after")),
    ),
    "start-empty": Kind(
        "the first start takes effect and its answer is an empty object; where AWS knows a repeated start",
        "start",
        _of_repeatable(Fault("*", "garbage", when="after", body="{}")),
    ),
    "stop-error": Kind("the first stop: a server error (500)", "stop", _always(Fault("*", "error"))),
}


class Strikes:
    """What one test's calls meet of a kind.

    :param kind: the kind.
    :param name: of the test, which seeds chance.
    """

    def __init__(self, kind: Kind, name: str) -> None:
        self._kind = kind
        self._struck: set[tuple[str, str]] = set()
        self._started = False
        self._chance = Random(name)
        #: Whether calls are struck.
        self.on = False
        #: How many were, so that they failed.
        self.count = 0

    def began(self, operation: str) -> None:
        """Note a call."""
        self._started = self._started or operation in STARTS

    def fault(self, service: str, operation: str) -> ActiveFault | None:
        """Return what a call meets."""
        if not (self.on and self._due(service, operation)):
            return None
        if self._kind.calls == "one read in five":
            fault: Fault | None = self._chance.choice(_TROUBLES)
        else:
            fault = self._kind.fails(service, operation)
        return None if fault is None else _Struck(fault, self, (service, operation))

    def _due(self, service: str, operation: str) -> bool:
        reads = operation.startswith(READS)
        new = (service, operation) not in self._struck
        match self._kind.calls:
            case "first reads":
                return reads and new
            case "first polls":
                return reads and new and self._started
            case "one read in five":
                return reads and self._chance.random() < 0.2
            case "start":
                return operation in STARTS and new
            case "stop":
                return operation in STOPS and new
        return reads

    def hit(self, call: tuple[str, str], fails: bool) -> None:
        """Count a call that was struck.

        :param fails: whether it fails; a slow one does not.
        """
        self._struck.add(call)
        self.count += fails

    def missed(self, call: tuple[str, str]) -> None:
        """Take a hit back: the answer did not have what was to be left out."""
        self._struck.discard(call)
        self.count -= 1


class _Struck(ActiveFault):
    def __init__(self, fault: Fault, strikes: Strikes, call: tuple[str, str]) -> None:
        super().__init__(fault, added=0.0)
        self._strikes, self._call = strikes, call
        strikes.hit(call, fails=fault.kind != "slow")

    def missed(self) -> None:
        self._strikes.missed(self._call)


def takes_effect(fault: Fault) -> bool:
    """Tell whether the call does its work in spite of the fault."""
    return fault.when == "after" or fault.kind in (*CHANGES, "slow")
