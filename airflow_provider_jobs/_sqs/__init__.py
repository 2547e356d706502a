# SPDX-License-Identifier: Apache-2.0

"""Redrives of Amazon SQS's dead-letter queues as data."""
