# SPDX-License-Identifier: Apache-2.0

"""An additional job type: a query of CloudWatch Logs Insights."""
