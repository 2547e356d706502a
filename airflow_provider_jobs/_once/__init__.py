# SPDX-License-Identifier: Apache-2.0

"""Finds which job is a task's and decides what to do next: identity, evidence, decision and attempt log.

Nothing here makes calls, or imports Airflow or boto3. The rules are in
:mod:`airflow_provider_jobs._once.decision`.
"""
