# SPDX-License-Identifier: Apache-2.0

"""CloudWatch Logs: moto's log groups, with exports that take their time."""
