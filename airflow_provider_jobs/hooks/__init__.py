# SPDX-License-Identifier: Apache-2.0

"""Hooks: boto3 for the job APIs."""
