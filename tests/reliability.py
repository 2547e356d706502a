# SPDX-License-Identifier: Apache-2.0

"""docs/reliability.md: each promise, the tests that show it, and what came of them in the last run.

    python tests/reliability.py check REPORT...
    python tests/reliability.py write REPORT...

The reports are JUnit's XML as pytest writes it. Both fail if a promise has no test or a test that shows one
did not pass; ``check`` also if the page is not what the reports give.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from promises import PROMISES

PAGE = Path(__file__).parent.parent / "docs" / "reliability.md"
#: Words in the parameters of tests, and in the names of their files.
SERVICES = {
    "EventBridge": ("events", "eventbridge"),
    "Data Pipeline": ("datapipeline", "data_pipeline"),
    "Lookout for Equipment": ("lookoutequipment", "lookout_equipment"),
    "IoT Analytics": ("iotanalytics", "iot_analytics"),
    "SQS": ("sqs",),
    "CloudWatch Logs": ("logs",),
    "EventBridge Custom Event Bus": ("eventbridgev2", "event_bus"),
    "DynamoDB": ("dynamodb",),
}
WAITS = {"on the worker": ("sync",), "deferred": ("deferrable",)}
_HEAD = """\
# Reliability

What the README promises, and the tests that show it. `make reliability` writes this page from the reports of
the last runs of `make test` and `make extended`; `make shown` fails if a promise has no test, if a test that
shows one fails or is skipped, or if this page is not what the runs give. Tests below `tests/e2e` run in a
real Airflow (scheduler, triggerer, API server and workers) against a simulated AWS in a process of its own;
the others drive the operators and triggers themselves, step by step.
"""


@dataclass
class Shown:
    """A test over all of its parameters.

    :param name: file and function.
    :param cases: by parameters, what came of it: ``passed``, ``failed`` or ``skipped``.
    """

    name: str
    cases: dict[str, str] = field(default_factory=dict)

    @property
    def results(self) -> dict[str, int]:
        """How many cases came to what."""
        results = [*self.cases.values()]
        return {result: results.count(result) for result in sorted({*results})}

    def covers(self, meanings: Mapping[str, Sequence[str]]) -> str:
        """Return what the parameters name, by some of the words for it, and else the file's name."""
        named = {piece for case in self.cases for piece in case.split("-")}
        told = [meaning for meaning, words in meanings.items() if named.intersection(words)]
        path = self.name.partition("::")[0]
        return ", ".join(
            told or (meaning for meaning, words in meanings.items() if any(word in path for word in words))
        )


def read(reports: Iterable[Path]) -> dict[str, list[Shown]]:
    """Return the tests that show each promise."""
    found: dict[str, dict[str, Shown]] = {}
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):
            properties = [
                (each.attrib["name"], each.attrib["value"]) for each in case.iterfind("properties/property")
            ]
            what = dict(properties)
            kinds = {child.tag for child in case}
            result = (
                "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
            )
            for key in (value for name, value in properties if name == "promise"):
                tests = found.setdefault(key, {})
                cases = tests.setdefault(what["test"], Shown(what["test"])).cases
                # A test that fails in its teardown too has two entries.
                if cases.get(what["parameters"], "passed") == "passed":
                    cases[what["parameters"]] = result
    return {key: [tests[name] for name in sorted(tests)] for key, tests in found.items()}


def page(shown: Mapping[str, Sequence[Shown]]) -> str:
    """Return the page."""
    parts = [_HEAD, "| promise | shown by | result |\n|---|---|---|"]
    for key, promise in PROMISES.items():
        tests = shown.get(key, ())
        parts[-1] += f"\n| {promise} | [{_counted(tests)}](#{key}) | {_verdict(tests)} |"
    for key, promise in PROMISES.items():
        rows = [
            f"| `{test.name}` | {len(test.cases)} | {test.covers(SERVICES)} | {test.covers(WAITS)} | "
            f"{_told(test)} |"
            for test in shown.get(key, ())
        ]
        table = ["| test | cases | job types | waits | result |", "|---|---|---|---|---|", *rows]
        parts.append(f"\n## {key}\n\n{promise}\n\n" + "\n".join(table if rows else ["No test shows this."]))
    return "\n".join(parts) + "\n"


def faults(shown: Mapping[str, Sequence[Shown]]) -> list[str]:
    """Return what keeps the promises from being shown."""
    missing = [f"No test shows {key}: {promise}" for key, promise in PROMISES.items() if not shown.get(key)]
    bad = {
        f"{test.name} shows {key}, but {_told(test)}."
        for key, tests in shown.items()
        for test in tests
        if test.results.keys() != {"passed"}
    }
    return [*missing, *sorted(bad)]


def main(task: str, *reports: str, at: Path = PAGE) -> list[str]:
    """Write the page, or check that it is up to date; returns what is wrong."""
    if task not in ("check", "write") or not reports:
        return [f"{__doc__}"]
    paths = [Path(report) for report in reports]
    if missing := [path for path in paths if not path.exists()]:
        return [f"There is no report {path}; make test and make extended write it." for path in missing]
    shown = read(paths)
    wrong = faults(shown)
    text = page(shown)
    if task == "write":
        at.write_text(text, encoding="utf-8")
    elif not at.exists() or at.read_text(encoding="utf-8") != text:
        wrong.append(f"{at.name} is not what the tests give; make reliability writes it anew.")
    return wrong


def _counted(tests: Sequence[Shown]) -> str:
    cases = sum(len(test.cases) for test in tests)
    return f"{len(tests)} test{'s' * (len(tests) != 1)}, {cases} case{'s' * (cases != 1)}"


def _verdict(tests: Sequence[Shown]) -> str:
    if not tests:
        return "**not shown**"
    return "holds" if all(test.results.keys() == {"passed"} for test in tests) else "**does not hold**"


def _told(test: Shown) -> str:
    if test.results.keys() == {"passed"}:
        return "passed"
    return ", ".join(f"{count} {result}" for result, count in test.results.items())


if __name__ == "__main__":
    sys.exit("\n".join(main(*(sys.argv[1:] or [""]))) or 0)
