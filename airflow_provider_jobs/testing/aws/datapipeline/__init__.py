# SPDX-License-Identifier: Apache-2.0

"""The mocked Data Pipeline: definitions, instances and schedules."""
