# SPDX-License-Identifier: Apache-2.0

"""Lookout for Equipment: ingestions as data."""
