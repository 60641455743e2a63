"""The compiled printer says of every word what decoder and printer say of it."""

from collections.abc import Iterator
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.isa.address_operand import AddressOperand
from dstc_isa.isa.codec import DecodeError, decode, encode, misplaced
from dstc_isa.isa.compiled_printer import compile_printer
from dstc_isa.isa.control import DEFAULT
from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import U64, Declaration, Instruction
from dstc_isa.isa.instruction_set import Isa, forget_beyond, known
from dstc_isa.isa.modifier import Flag
from dstc_isa.isa.operand import Form
from dstc_isa.isa.text import format_instruction
from dstc_isa.isa.unit import Unit
from dstc_isa.isa.values import Target
from dstc_isa.isa.volta import VOLTA
from dstc_isa.isa.volta.memory_modifiers import OFFSET
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


@pytest.fixture
def two_loads() -> Iterator[Isa]:
    """An instruction set with two instructions whose operands are alike and have the same modifier elsewhere."""
    before = [isa.contents() for isa in known()]
    isa = Isa("loads", "Loads", VOLTA.word)
    unit = Unit("LOADS", "what loads")
    for number in (0, 1):
        extended = Annotated[int, Flag("E", Field(72 + number, 1))]

        @isa.instruction("LOAD", 0x200 + number, unit, unmodelled="nothing is loaded")
        def load(address: Annotated[U64, AddressOperand(OFFSET, wide="extended")], extended: extended) -> None:  # type: ignore[valid-type]
            """Load."""

    yield isa
    forget_beyond(before)


def test_operands_that_are_alike_heed_modifiers_where_they_are(two_loads: Isa) -> None:
    printer = compile_printer(two_loads)
    texts = []
    for declaration in two_loads.declarations:
        for register in (2, 3):
            word = declaration.opcode | VOLTA.word.unguarded | VOLTA.word.control.encode(DEFAULT) | register << 24
            texts.append((printer.text(word), printer.text(word | 1 << 72), printer.text(word | 1 << 73)))
    assert texts == [
        ("LOAD [R2] ;", "LOAD.E [R2] ;", None),
        ("LOAD [R3] ;", None, None),
        ("LOAD [R2] ;", None, "LOAD.E [R2] ;"),
        ("LOAD [R3] ;", None, None),
    ]
