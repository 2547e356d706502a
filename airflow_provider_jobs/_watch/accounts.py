# SPDX-License-Identifier: Apache-2.0

"""Finds which connections lead to the same account and Region, and so share its quotas."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Hashable
from weakref import WeakKeyDictionary

from airflow_provider_jobs._watch.threads import in_thread
from airflow_provider_jobs.hooks._spec import HookSpec

__all__ = ["account_of"]

#: Seconds after which AWS is asked again if it did not tell the account.
_ASK_AGAIN = 600.0
#: AWS's answers, for the whole process.
_told: dict[HookSpec, Hashable] = {}
#: When AWS last failed to answer.
_failed: dict[HookSpec, float] = {}
_asking: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[HookSpec, asyncio.Task[Hashable]]] = (
    WeakKeyDictionary()
)


async def account_of(spec: HookSpec) -> Hashable:
    """Return the account and Region of a connection's jobs; None if AWS does not tell them.

    AWS is asked once per connection, however many tasks need the answer.
    """
    if spec in _told:
        return _told[spec]
    if time.monotonic() - _failed.get(spec, -_ASK_AGAIN) < _ASK_AGAIN:
        return None
    asking = _asking.setdefault(asyncio.get_running_loop(), {})
    task = asking.get(spec)
    if task is None:
        task = asking[spec] = asyncio.create_task(_ask(spec), context=contextvars.Context())
        task.add_done_callback(lambda _: asking.pop(spec, None))
    return await asyncio.shield(task)


async def _ask(spec: HookSpec) -> Hashable:
    def ask() -> Hashable:
        hook = spec.build()
        account = hook.tell_account()
        return None if account is None else (account, hook.conn_region_name)

    try:
        account = await in_thread((spec, "account"), ask)
    except Exception:
        # The queue polls over the same connection right after, and reports what is wrong with it.
        account = None
    if account is None:
        _failed[spec] = time.monotonic()
    else:
        _told[spec] = account
    return account
