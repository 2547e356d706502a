# SPDX-License-Identifier: Apache-2.0

"""The mocked Lookout for Equipment: datasets, sensor data and ingestion jobs."""
