"""The list of breaks is of this tree: each can be made, and its tests are there."""

from collections import Counter

import pytest

from tests.mutation.run import ROOT, Mutant, mutants, stale

MUTANTS = mutants()


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.id for mutant in MUTANTS])
def test_a_break_can_be_made(mutant: Mutant) -> None:
    assert stale(mutant) is None
    assert mutant.new != mutant.old
    places = [each.partition("::")[0] for each in mutant.tests if each.startswith("tests/")]
    assert places
    assert all((ROOT / place).exists() for place in places)


def test_names_are_of_one_break_each() -> None:
    assert [name for name, times in Counter(mutant.id for mutant in MUTANTS).items() if times > 1] == []


def test_a_break_of_text_that_is_gone_is_told() -> None:
    gone = Mutant("X1", "x", "README.md", old="no such text stands there", new="", what="nothing", tests=["tests"])
    assert stale(gone) == "X1: its text stands 0 times in README.md, not once"
