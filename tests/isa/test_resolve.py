"""From written mnemonics to declarations, the inverse of printing them."""

import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, permutations, product
from math import factorial, prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.modifier import Sign
from dstc_isa.isa.resolve import MnemonicError, nearest, resolve
from dstc_isa.isa.text import format_mnemonic
from dstc_isa.isa.volta import VOLTA
from tests.strategies import modifier_values, modifiers

ALL = 1000
"""Combinations of modifiers that are tried one by one."""

SHORT = 4
"""Modifiers that are tried in all orders; of more as many orders are drawn."""

every_declaration = pytest.mark.parametrize(
    "declaration", VOLTA.declarations, ids=lambda d: f"{d.mnemonic}-0x{d.opcode:03x}"
)


def some_products(values: Sequence[Sequence[int]]) -> Iterator[tuple[int, ...]]:
    """All combinations of values, or where these are too many, random ones that hold every pair of values."""
    if prod(map(len, values)) <= ALL:
        yield from product(*values)
        return
    chance = random.Random(0)
    for first, second in combinations(range(len(values)), 2):
        for pair in product(values[first], values[second]):
            chosen = [chance.choice(each) for each in values]
            chosen[first], chosen[second] = pair
            yield tuple(chosen)


@every_declaration
def test_every_printed_mnemonic_resolves_to_itself(declaration: Declaration) -> None:
    for chosen in some_products([modifier_values(modifier) for modifier in declaration.modifiers]):
        if declaration.rule is not None and declaration.rule(declaration.modifier_values(chosen)) is not None:
            continue
        candidates = resolve(VOLTA, format_mnemonic(declaration, chosen))
        assert [values for found, values, _ in candidates if found is declaration] == [chosen]


@every_declaration
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_modifiers_stand_in_any_order(declaration: Declaration, data: st.DataObject) -> None:
    every_word = [word for modifier in declaration.modifiers for word in modifier.kind.words()]
    chosen = data.draw(modifiers(declaration))
    words = [m.kind.word_of(v) for m, v in zip(declaration.modifiers, chosen, strict=True) if v != m.default]
    orders: Iterable[Sequence[str]] = permutations(words)
    if len(set(every_word)) < len(every_word):
        orders = [words]
    elif len(words) > SHORT:
        orders = [data.draw(st.permutations(words)) for _ in range(factorial(SHORT))]
    for order in orders:
        assert (declaration, chosen, None) in resolve(VOLTA, ".".join([declaration.mnemonic, *order]))


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(max_size=12),
        st.lists(st.sampled_from(["IADD3", "X", "IMAD", "WIDE", "U32", "", "LDG", "E"]), max_size=5).map(".".join),
    )
)
def test_anything_else_is_a_mnemonic_error(written: str) -> None:
    try:
        candidates = resolve(VOLTA, written)
    except MnemonicError as error:
        suggestion = error.suggestion
    else:
        assert all(written.startswith(declaration.mnemonic) for declaration, *_ in candidates)
        suggestion = written
    assert not suggestion or resolve(VOLTA, suggestion)


def test_the_longest_mnemonic_wins() -> None:
    assert [d.mnemonic for d, *_ in resolve(VOLTA, "IMAD.WIDE.U32")] == ["IMAD.WIDE"]
    assert [d.mnemonic for d, *_ in resolve(VOLTA, "IMAD.U32")] == ["IMAD"]
    assert [d.mnemonic for d, *_ in resolve(VOLTA, "ATOMG.CAS.E")] == ["ATOMG"]


def test_operands_tell_the_forms_of_ohmma_apart() -> None:
    assert [d.opcode for d, *_ in resolve(VOLTA, "OHMMA.8161.F32")] == [0x1A1, 0x1A2]


def test_a_modifier_left_out_has_its_default() -> None:
    ((_, values, _),) = resolve(VOLTA, "IMAD")
    assert values == (Sign.S32, 0)


@pytest.mark.parametrize(
    ("written", "reason", "suggestion"),
    [
        ("IADD", "unknown instruction IADD", "IADD3"),
        ("iadd3", "unknown instruction iadd3", "IADD3"),
        ("LDG.E.46", "LDG has no modifier .46; it takes .E, .EF", "LDG.E"),
        ("STG.E.CTAA", "STG has no modifier .CTAA; it takes", "STG.E.CTA"),
        ("IADD3.X.X", "modifier .X stands twice", "IADD3.X"),
        ("NOP.X", "NOP takes no modifier", "NOP"),
        ("ISETP.LT", "ISETP needs its joined modifier: one of .AND, .OR, .XOR", "ISETP.LT.AND"),
        ("", "unknown instruction", ""),
        ("@@@@@@@@@@", "unknown instruction", ""),
    ],
)
def test_errors_say_what_is_accepted_and_what_is_near(written: str, reason: str, suggestion: str) -> None:
    with pytest.raises(MnemonicError) as caught:
        resolve(VOLTA, written)
    assert reason in str(caught.value)
    assert caught.value.suggestion.startswith(suggestion)
    assert bool(caught.value.suggestion) == bool(suggestion)


@every_declaration
def test_a_mnemonic_is_nearest_to_itself(declaration: Declaration) -> None:
    written = format_mnemonic(declaration, tuple(modifier_values(m)[-1] for m in declaration.modifiers))
    found = nearest(VOLTA, written)
    assert found
    assert resolve(VOLTA, found)
