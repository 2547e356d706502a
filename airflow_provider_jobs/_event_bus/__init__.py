# SPDX-License-Identifier: Apache-2.0

"""EventBridge's Custom Event Bus: requests, figures and the judgement of a replay's end, without calls."""
