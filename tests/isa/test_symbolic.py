"""Symbolic execution: the source of a function does what the function does."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.isa.field import Field
from dstc_isa.isa.symbolic import (
    WORD,
    Branch,
    Fields,
    Leaf,
    Path,
    Switch,
    Tree,
    Unknown,
    UntraceableError,
    among,
    explore,
    text_of_numbers,
)
from dstc_isa.listing.numbers import signed, single

BITS = 12
LOW, HIGH = Field(0, 4), Field(4, 8, signed=True, scale=2)
SPLIT = Field(0, 3, rest=Field(9, 3))


def followed(tree: Tree, word: int) -> Any:
    """What a tree says of a word."""
    names = {WORD: word, "single": single}
    if isinstance(tree, Leaf):
        if tree.source is None:
            raise ValueError
        return eval(tree.source, names)
    if isinstance(tree, Branch):
        return followed(tree.then if eval(tree.condition, names) else tree.otherwise, word)
    return followed(dict(tree.ways)[eval(tree.number, names)], word)


def number(word: Any) -> Any:
    return HIGH.extract(word)


def sign_and_size(word: Any) -> str | None:
    low, high = LOW.extract(word), HIGH.extract(word)
    if low == 3:
        return None
    if low in (5, 6):
        raise ValueError
    return f'{{"{high:+d}}}' if high < -8 or high >= 12 else f"\\{low:#x} {high}"


def by_key(word: Any) -> str:
    return f"{ {number: 'even' if number % 2 == 0 else f'odd {number}' for number in range(16)}[LOW.extract(word)] }"


def in_pieces(word: Any) -> str:
    value = SPLIT.extract(word)
    return "many" if among(value, frozenset({1, 9, 63, 100})) else f"{value} {1 << LOW.extract(word)}"


def calculated(word: Any) -> str:
    low = LOW.extract(word)
    parts = (low + 3, low - 3, 20 - low, low % 5, low | 16, low << 1, low >> 1, low > 4, low <= 2, bool(low))
    return ", ".join(map(str, parts))


def written(word: Any) -> str:
    bits = word << 20
    return text_of_numbers(single, bits) + " " + signed(bits)


@pytest.mark.parametrize("function", [number, sign_and_size, by_key, in_pieces, calculated, written])
@given(word=st.integers(0, (1 << BITS) - 1))
def test_the_tree_of_a_function_says_what_the_function_says(function: Callable[[Any], Any], word: int) -> None:
    tree = explore(lambda path: function(Unknown(path, WORD, range(1 << BITS))), ValueError)
    try:
        expected = function(word)
    except ValueError:
        with pytest.raises(ValueError, match=r"^$"):
            followed(tree, word)
    else:
        assert followed(tree, word) == expected


def test_ways_that_end_alike_are_one() -> None:
    tree = explore(lambda path: str(Unknown(path, WORD, range(16)) in {1, 2} and ""), ValueError)
    assert isinstance(tree, Switch)
    assert explore(lambda path: f"{bool(Unknown(path, WORD, range(16))) and 0:d}", ValueError) == Leaf("'0'")


def test_what_cannot_differ_is_not_asked() -> None:
    def decided(path: Path) -> str:
        unknown = Unknown(path, WORD, (1, 2, 5))
        return f"{unknown == 0} {unknown < 6} {unknown == 3} {bool(unknown)} {among(unknown, frozenset({7}))}"

    assert explore(decided, ValueError) == Leaf("'False True False True False'")


def test_names_that_are_asked_for_are_known() -> None:
    asked: set[str] = set()
    sources = {"first": ("a", (0, 1)), "second": ("b", (0, 1)), "third": ("c", (0, 1))}

    def function(path: Path) -> str:
        names: Mapping[str, Any] = Fields(path, sources, asked)
        assert len(names) == len([*names]) == 3
        return "yes" if names["first"] and names["second"] and not names.get("fourth") else "no"

    explore(function, ValueError)
    assert asked == {"first", "second", "fourth"}


def test_numbers_with_too_many_values_are_no_keys() -> None:
    with pytest.raises(UntraceableError, match="w has too many values"):
        explore(lambda path: {}.get(Unknown(path, WORD, range(1 << BITS)), ""), ValueError)
