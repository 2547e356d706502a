# SPDX-License-Identifier: Apache-2.0

"""Watching jobs: one poll for all who wait, the queue for a quota, and the threads that they run in."""
