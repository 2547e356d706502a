# SPDX-License-Identifier: Apache-2.0

"""A local Airflow, with its processes and its API."""
