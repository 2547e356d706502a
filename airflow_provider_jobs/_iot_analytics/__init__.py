# SPDX-License-Identifier: Apache-2.0

"""IoT Analytics: reprocessings as data."""
