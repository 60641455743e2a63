"""The compiled printer says of every word what decoder and printer say of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.isa.codec import DecodeError, decode, encode, misplaced
from dstc_isa.isa.compiled_printer import compile_printer
from dstc_isa.isa.instruction import Declaration, Instruction
from dstc_isa.isa.operand import Form
from dstc_isa.isa.text import format_instruction
from dstc_isa.isa.values import Target
from dstc_isa.isa.volta import VOLTA
from dstc_isa.listing.printer import unpacked
from tests.strategies import FORM_NAMES, FORMS, instructions, words
from tests.volta.agreement import TABLES, words_of

PRINTER = unpacked(compile_printer(VOLTA).packed())
LABEL = "somewhere"


def declared(word: int) -> Instruction | None:
    """The instruction of a word, None for one that is refused or cannot be written."""
    try:
        instruction = decode(VOLTA, word)
    except DecodeError:
        return None
    return None if misplaced(instruction) else instruction


def differs(word: int) -> str | None:
    """How the compiled printer differs from the declarations, None if it does not."""
    instruction = declared(word)
    expected = None if instruction is None else format_instruction(instruction)
    if PRINTER.text(word) != expected:
        return f"0x{word:032x} is printed {PRINTER.text(word)} and not {expected}"
    targets = [] if instruction is None else [v.address for v in instruction.operands if isinstance(v, Target)]
    if PRINTER.distance(word) != next(iter(targets), None):
        return f"0x{word:032x} goes to {PRINTER.distance(word)} and not {targets}"
    if instruction is None or not targets:
        return None
    with_label = format_instruction(instruction, lambda _: LABEL)
    return None if PRINTER.text(word, LABEL) == with_label else f"0x{word:032x} with a label is not {with_label}"


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
def test_words_of_the_tables(table: str) -> None:
    assert [each for each in map(differs, {word.word for word in words_of(table)}) if each] == []


@pytest.mark.parametrize(("declaration", "form"), FORMS, ids=FORM_NAMES)
@settings(max_examples=10, deadline=None)
@given(st.data())
def test_words_of_every_form_and_their_neighbours(declaration: Declaration, form: Form, data: st.DataObject) -> None:
    word = encode(data.draw(instructions(declaration, form)))
    assert PRINTER.text(word) is not None or misplaced(decode(VOLTA, word))
    near = (word, *(word ^ 1 << bit for bit in range(VOLTA.word.bits)))
    assert [each for each in map(differs, near) if each] == []


@settings(max_examples=500, deadline=None)
@given(words())
def test_any_words(word: int) -> None:
    assert differs(word) is None


@pytest.mark.slow
def test_every_value_of_every_modifier() -> None:
    found = []
    for declaration, form in FORMS:
        for instruction in of_all_modifiers(declaration, form):
            found += [each for each in [differs(instruction)] if each]
    assert found == []


def of_all_modifiers(declaration: Declaration, form: Form) -> set[int]:
    """Words with each value of each pair of modifiers, beside operands that are all zero or all ones."""
    mask = sum(field.mask for name, field in declaration.fields(form) if name != "opcode")
    fields = [modifier.kind.at for modifier in declaration.modifiers]
    held = [(each.at, each.value) for each in declaration.held]
    found = set()
    for rest in (0, mask):
        base = declaration.code(form) | rest & ~VOLTA.word.control.mask & ~sum(at.mask for at, _ in held)
        base |= sum(at.insert(value) for at, value in held)
        found.add(base)
        for first in fields:
            for one in range(first.maximum + 1):
                for second in fields:
                    for other in range(second.maximum + 1):
                        found.add(base & ~first.mask & ~second.mask | first.insert(one) | second.insert(other))
    return found
