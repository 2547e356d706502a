# SPDX-License-Identifier: Apache-2.0

"""A job type of one's own: a query of CloudWatch Logs Insights."""
