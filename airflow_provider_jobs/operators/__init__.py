# SPDX-License-Identifier: Apache-2.0

"""Operators: start and stop jobs."""
