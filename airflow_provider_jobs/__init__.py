# SPDX-License-Identifier: Apache-2.0

"""Airflow operators, sensors and triggers for AWS jobs that are started, watched and stopped.

Airflow imports this package while it discovers providers, so nothing is imported here.
"""

from __future__ import annotations

__version__ = "0.1.0"
