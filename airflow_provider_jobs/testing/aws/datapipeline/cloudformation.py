# SPDX-License-Identifier: Apache-2.0

"""Pipelines that CloudFormation has made: moto creates its own for them, and here they become ours.

Assumption: AWS fails the stack of a definition that it refuses; here such a pipeline is not activated.
"""

from __future__ import annotations

import logging

from moto.datapipeline.models import Pipeline as MadePipeline

from airflow_provider_jobs.testing.aws.datapipeline.checks import refuse_errors
from airflow_provider_jobs.testing.aws.datapipeline.definition import Definition
from airflow_provider_jobs.testing.aws.datapipeline.pipeline import Pipeline
from airflow_provider_jobs.testing.moto_ext import AwsError

log = logging.getLogger(__name__)


def pipeline_of(made: MadePipeline, account: str) -> Pipeline:
    """Make a pipeline of ours of one that moto has made, with its id, definition and activation.

    :param made: as moto has it
    :param account: the number of the account
    """
    pipeline = Pipeline(account, {"name": made.name, "uniqueId": made.unique_id, "tags": made.tags})
    pipeline.id = made.pipeline_id
    definition = Definition([each.to_json() for each in made.objects])
    pipeline.put(definition)
    if made.status == "SCHEDULED":
        try:
            refuse_errors(definition)
            pipeline.activate(definition, None)
        except AwsError as error:
            log.warning("CloudFormation's pipeline %s is not activated: %s", made.name, error)
    return pipeline
