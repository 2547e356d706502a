# SPDX-License-Identifier: Apache-2.0

"""DynamoDB: moto's tables, with exports that take their time."""
