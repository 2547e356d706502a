# SPDX-License-Identifier: Apache-2.0

"""Watching jobs: one poll for all waiters, the queue for a quota, and the threads that both run in."""
