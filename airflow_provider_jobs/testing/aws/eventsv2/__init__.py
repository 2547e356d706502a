# SPDX-License-Identifier: Apache-2.0

"""The mocked EventBridge of the Custom Event Bus: buses that retain events, and subscribers."""
