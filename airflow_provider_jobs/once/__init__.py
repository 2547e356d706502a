# SPDX-License-Identifier: Apache-2.0

"""Which job is a task's, and what is done next: identity, evidence, decision and attempt log, without calls.

Nothing here imports Airflow or boto3. The rules are in :mod:`airflow_provider_jobs.once.decision`.
"""
