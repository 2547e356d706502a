# SPDX-License-Identifier: Apache-2.0

"""What data a pipeline of Data Pipeline reads and writes, as far as its definition tells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_jobs.lineage import DatasetName, Lineage

__all__ = ["pipeline_lineage"]

_S3 = re.compile(r"s3://([^/]+)(?:/(.*))?", re.DOTALL)
_PARAMETER = re.compile(r"#\{(my\w+)\}")


def pipeline_lineage(definition: Mapping[str, Any], values: Mapping[str, Any]) -> Lineage:
    """Find the folders and files of S3 that a definition's activities have as input or output.

    https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-object-s3datanode.html

    A parameter in a path is put in. Of a path with any other expression, such as a time, the folders before
    it are named.

    :param definition: in the pipeline definition file format.
    :param values: values for this activation by parameter, over those of the definition.
    """
    objects = definition["objects"]
    given = {each["id"]: each.get("default") for each in definition.get("parameters", ())}
    given |= {**definition.get("values", {}), **values}
    nodes = {
        each["id"]: name
        for each in objects
        if each.get("type") == "S3DataNode" and (name := _dataset(each, given))
    }
    ways = [
        [*dict.fromkeys(nodes[ref] for each in objects for ref in _refs(each.get(way)) if ref in nodes)]
        for way in ("input", "output")
    ]
    return Lineage(*ways)


def _dataset(node: Mapping[str, Any], given: Mapping[str, Any]) -> DatasetName | None:
    path = str(node.get("directoryPath") or node.get("filePath") or "")
    path = _PARAMETER.sub(lambda found: str(given.get(found[1]) or found[0]), path)
    before, expression, _ = path.partition("#{")
    match = _S3.fullmatch(before.rpartition("/")[0] if expression else path)
    return DatasetName.of_s3(match[1], match[2] or "") if match else None


def _refs(field: Any) -> Iterator[str]:
    for each in field if isinstance(field, list) else [field]:
        if isinstance(each, Mapping):
            yield each["ref"]
