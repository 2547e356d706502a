# SPDX-License-Identifier: Apache-2.0

"""The mocked EventBridge: archives and replays."""
