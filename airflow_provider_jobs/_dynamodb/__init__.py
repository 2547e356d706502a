# SPDX-License-Identifier: Apache-2.0

"""DynamoDB: exports of tables as data."""
