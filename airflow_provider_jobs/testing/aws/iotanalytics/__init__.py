# SPDX-License-Identifier: Apache-2.0

"""The mocked IoT Analytics: channels, data stores, and pipelines with their reprocessings."""
