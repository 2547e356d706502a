# SPDX-License-Identifier: Apache-2.0

"""CloudWatch Logs: exports as data."""
