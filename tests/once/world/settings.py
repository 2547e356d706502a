# SPDX-License-Identifier: Apache-2.0

"""The settings that are explored: each kind of evidence, with each store, under each policy."""

from __future__ import annotations

from once.world.airflow import Setting, Store

from airflow_provider_jobs._once.evidence import Marking

#: Airflow as it is supported. What carries a token alone cannot be stopped.
SETTINGS = tuple(
    Setting(marking, store, may_stop)
    for marking in Marking
    for store in Store
    for may_stop in ((False,) if marking is Marking.TOKEN else (True, False))
)
#: The same with templates that differ at each try, and where Airflow tells no versions or clear numbers.
VARIATIONS = tuple(
    setting._replace(**changes)  # type: ignore[arg-type]
    for changes in (
        {"unstable": True},
        {"versions": False},
        {"unstable": True, "versions": False},
        {"clear_numbers": False},
    )
    for setting in SETTINGS
)


def _with(*markings: Marking, **changes: object) -> tuple[Setting, ...]:
    return tuple(each._replace(**changes) for each in SETTINGS if each.marking in markings)  # type: ignore[arg-type]


#: What AWS's clocks, users and Airflow's configuration may add.
ADDITIONS = (
    *_with(*Marking, ahead=5),
    *_with(*Marking, ahead=-5),
    *(each for each in _with(*Marking, clears_on_success=True) if each.store is not Store.NONE),
    *_with(Marking.NAME, own=True, quotes=True),
    *_with(Marking.TOKEN, own=True),
    *_with(Marking.TOKEN, own=True, clears_on_success=True),
)
