# SPDX-License-Identifier: Apache-2.0

"""Data Pipeline: its activations, definitions and calls, and how an activation is watched."""
