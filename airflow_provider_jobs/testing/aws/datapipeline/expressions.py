# SPDX-License-Identifier: Apache-2.0

"""Expressions of Data Pipeline, such as ``#{startDateTime}``, as far as they name a field or a parameter.

https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-pipeline-expressions.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from airflow_provider_jobs.testing.aws.datapipeline.checks import invalid
from airflow_provider_jobs.testing.aws.datapipeline.instances import Field

_EXPRESSION = re.compile(r"#\{([^{}]*)\}")
_NAME = re.compile(r"[@*]?\w+")


def evaluate(text: str, parameters: Mapping[str, str], fields: Sequence[Field]) -> str:
    """Evaluate a text in the context of an object.

    Functions, references to other objects and arithmetic are not among what the mocked service knows.

    :param text: with expressions in it
    :param parameters: the values of the parameters by their names
    :param fields: of the object; of several of one key the first counts
    """
    values = {each["key"]: each.get("stringValue", each.get("refValue", "")) for each in reversed(fields)}

    def value_of(match: re.Match[str]) -> str:
        name = match[1].strip()
        if not _NAME.fullmatch(name):
            raise NotImplementedError(f"It evaluates fields and parameters, which {match[0]} is not.")
        found = parameters.get(name, values.get(name))
        if found is None:
            raise invalid(f"Expression {match[0]} cannot be evaluated: the object has no field {name!r}")
        return found

    return _EXPRESSION.sub(value_of, text)
