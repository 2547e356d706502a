# SPDX-License-Identifier: Apache-2.0

"""EventBridge: replays as data."""
