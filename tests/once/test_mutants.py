# SPDX-License-Identifier: Apache-2.0

"""Each rule of ``_once/`` is needed: with the rule removed or swapped, the exploration or another test of the
room fails; as the code is, the same part of them passes.
"""

from __future__ import annotations

from collections import Counter

import pytest
from once import test_persisted, test_table
from once.mutants import action_for, decision, doubt, evidence, life, log, steps
from once.mutants.mutant import Explored, FoundByTest, Mutant
from once.world.explore import explore

MUTANTS: tuple[Mutant, ...] = (
    *life.MUTANTS,
    *log.MUTANTS,
    *evidence.MUTANTS,
    *doubt.MUTANTS,
    *action_for.MUTANTS,
    *decision.MUTANTS,
    *steps.MUTANTS,
)
EXPLORED = [mutant for mutant in MUTANTS if isinstance(mutant.found_by, Explored)]
TESTED = [mutant for mutant in MUTANTS if isinstance(mutant.found_by, FoundByTest)]


def _broken(found_by: Explored) -> list[str]:
    """Explore until an invariant breaks; return which."""
    result = explore(found_by.setting, len(found_by.events), only=found_by.events)
    assert result.histories, "none of the events can happen"
    print(result, *result.found)
    return [counterexample.violation.invariant for counterexample in result.found]


@pytest.mark.parametrize("mutant", EXPLORED, ids=str)
def test_the_exploration_finds(mutant: Mutant) -> None:
    assert isinstance(mutant.found_by, Explored)
    with mutant.applied():
        broken = _broken(mutant.found_by)
    assert broken == [mutant.found_by.broken]


@pytest.mark.parametrize("found_by", sorted({m.found_by for m in EXPLORED}, key=str), ids=str)
def test_as_the_code_is_the_exploration_finds_nothing(found_by: Explored) -> None:
    assert not _broken(found_by)


@pytest.mark.parametrize("mutant", TESTED, ids=str)
def test_another_test_finds(mutant: Mutant) -> None:
    assert isinstance(mutant.found_by, FoundByTest)
    tests = {**vars(test_table), **vars(test_persisted)}
    test, arguments = tests[mutant.found_by.test], mutant.found_by.arguments
    test(*arguments)
    with mutant.applied(), pytest.raises(AssertionError):
        test(*arguments)
    test(*arguments)


def test_there_is_one_mutant_for_each_rule() -> None:
    assert len(MUTANTS) >= 30
    assert len({(mutant.module, mutant.old, mutant.new) for mutant in MUTANTS}) == len(MUTANTS)
    assert max(Counter(map(str, MUTANTS)).values()) == 1


def test_a_mutant_whose_rule_is_not_in_the_source_is_an_error() -> None:
    mutant = MUTANTS[0]._replace(old="this stands nowhere")
    with pytest.raises(LookupError, match="0 times"), mutant.applied():
        pass
