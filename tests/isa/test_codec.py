"""Encoding and decoding are inverse for every declaration and form; everything else is a DecodeError."""

import re

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.isa.codec import DecodeError, OperandError, decode, encode, executed, obstacle, overlap, reserved_bits
from dstc_isa.isa.control import Control
from dstc_isa.isa.instruction import Declaration, Instruction
from dstc_isa.isa.operand import Form
from dstc_isa.isa.resolve import resolve
from dstc_isa.isa.text import format_instruction
from dstc_isa.isa.values import ALWAYS, RZ, Address, Constant, Immediate, Predicate, Register, Value
from dstc_isa.isa.volta import VOLTA
from tests.isa.published_opcodes import PUBLISHED
from tests.strategies import FORM_NAMES, FORMS, instructions, modifier_values, words

ALL_BITS = (1 << VOLTA.word.bits) - 1
every_form = pytest.mark.parametrize(("declaration", "form"), FORMS, ids=FORM_NAMES)


def made(written: str, *operands: Value) -> Instruction:
    """An unguarded instruction from its mnemonic and resolved operands."""
    (declaration, modifiers, _) = resolve(VOLTA, written)[0]
    form = declaration.form_of(operands)
    assert form is not None
    return Instruction(declaration, form, operands, modifiers, ALWAYS, Control())


@every_form
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_decode_inverts_encode(declaration: Declaration, form: Form, data: st.DataObject) -> None:
    instruction = data.draw(instructions(declaration, form))
    word = encode(instruction)
    assert 0 <= word <= ALL_BITS
    assert decode(VOLTA, word) == instruction
    assert declaration.form_of(instruction.operands) == form


@settings(max_examples=400, deadline=None)
@given(words())
def test_a_word_decodes_to_what_encodes_to_it_or_is_refused(word: int) -> None:
    try:
        instruction = decode(VOLTA, word)
    except DecodeError:
        return
    assert encode(instruction) == word


@settings(max_examples=200, deadline=None)
@given(opcode=st.sampled_from([d.code(f) for d, f in FORMS]), rest=st.integers(0, ALL_BITS))
def test_random_bits_behind_a_defined_opcode_never_crash(opcode: int, rest: int) -> None:
    word = rest & ~VOLTA.word.opcode.mask | VOLTA.word.opcode.insert(opcode)
    try:
        instruction = decode(VOLTA, word)
    except DecodeError:
        return
    assert encode(instruction) == word


@every_form
@settings(max_examples=1, deadline=None)
@given(data=st.data())
def test_every_reserved_bit_is_refused(declaration: Declaration, form: Form, data: st.DataObject) -> None:
    word = encode(data.draw(instructions(declaration, form)))
    reserved = reserved_bits(declaration, form)
    assert word & reserved == 0
    for bit in range(VOLTA.word.bits):
        if reserved >> bit & 1:
            with pytest.raises(DecodeError, match="reserved bits"):
                decode(VOLTA, word | 1 << bit)


@every_form
def test_fields_and_reserved_bits_make_up_the_word(declaration: Declaration, form: Form) -> None:
    masks = [field.mask for _, field in declaration.fields(form)]
    assert sum(masks) + reserved_bits(declaration, form) == ALL_BITS


def test_undefined_opcodes_are_refused() -> None:
    defined = {declaration.code(form) for declaration, form in FORMS}
    for opcode in set(range(1 << VOLTA.word.opcode.width)) - defined:
        with pytest.raises(DecodeError, match=f"undefined opcode 0x{opcode:03x}"):
            decode(VOLTA, opcode)


@pytest.mark.parametrize("declaration", VOLTA.declarations, ids=lambda d: f"{d.mnemonic}-0x{d.opcode:03x}")
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_modifier_values_without_a_word_are_refused(declaration: Declaration, data: st.DataObject) -> None:
    word = encode(data.draw(instructions(declaration)))
    for modifier in declaration.modifiers:
        at = modifier.kind.at
        for value in set(range(1 << at.width)) - set(modifier_values(modifier)):
            with pytest.raises(DecodeError, match=f"undefined {modifier.name} {value}"):
                decode(VOLTA, word & ~at.mask | at.insert(value))


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (0x000FC00000000000_0000000000007918, "B------:R-:W-:Y:S00 NOP ;"),
        (0x000E280000002100_0000000000037919, "B------:R-:W0:-:S04 S2R R3, SR_TID.X ;"),
        (0x000FCA0007FFE0FF_0000000302047210, "B------:R-:W-:Y:S05 IADD3 R4, R2, R3, RZ ;"),
    ],
)
def test_words_of_volta(word: int, text: str) -> None:
    assert format_instruction(decode(VOLTA, word)) == text
    assert encode(decode(VOLTA, word)) == word


@pytest.mark.parametrize(("mnemonic", "opcode"), PUBLISHED.items())
def test_opcodes_are_the_published_ones(mnemonic: str, opcode: int) -> None:
    declared = {d.opcode: d for d in VOLTA.declarations if f"{mnemonic}.".startswith(f"{d.mnemonic}.")}
    assert declared[opcode].public


def test_own_opcodes_are_marked() -> None:
    assert {d.opcode for d in VOLTA.declarations if not d.public}.isdisjoint(PUBLISHED.values())


PT = Predicate(7)
NOT_PT = Predicate(7, negate=True)


@pytest.mark.parametrize(
    ("written", "operands", "index", "reason"),
    [
        (
            "IADD3",
            (Register(255), PT, PT, Register(255), Immediate(1 << 32), Register(1), NOT_PT, NOT_PT),
            4,
            "outside",
        ),
        ("IADD3", (Register(300), PT, PT, Register(1), Register(2), Register(3), NOT_PT, NOT_PT), 0, "R0 to R254"),
        ("IADD3", (Register(1), PT, PT, Register(1), Constant(32, 0), Register(3), NOT_PT, NOT_PT), 4, "bank 32"),
        ("IADD3", (Register(1), PT, PT, Register(1), Constant(0, 2), Register(3), NOT_PT, NOT_PT), 4, "multiple of 4"),
        ("LDG", (PT, Register(2), Address(5, 1 << 23)), 2, "outside"),
        ("MOV", (Register(1), Register(2, negate=True), Immediate(15)), 1, "cannot be negated"),
        ("I2F", (Register(1), Register(2, absolute=True)), 1, "no absolute value"),
    ],
)
def test_operands_out_of_range_are_named(written: str, operands: tuple[Value, ...], index: int, reason: str) -> None:
    with pytest.raises(OperandError, match=reason) as caught:
        encode(made(written, *operands))
    assert caught.value.index == index


@pytest.mark.parametrize(
    ("written", "operands", "reason"),
    [
        (
            "STS.64",
            (Address(1, 0), Register(3)),
            "STS, operand rb: R3 starts 2 registers .* multiple of 2",
        ),
        ("STS.128", (Address(1, 0), Register(252)), "STS, operand rb: 4 registers from R252 go past R254"),
    ],
)
def test_words_with_misplaced_registers_are_read_and_not_executed(
    written: str, operands: tuple[Value, ...], reason: str
) -> None:
    word = encode(made(written, *operands))
    found = decode(VOLTA, word)
    assert re.fullmatch(reason, str(obstacle(found)))
    assert executed(VOLTA, word) is None
    assert encode(found) == word


def test_a_scoreboard_that_does_not_exist_is_refused() -> None:
    word = encode(evolve(made("NOP"), control=Control(write=2, read=3)))
    with pytest.raises(DecodeError, match="scoreboard 6"):
        decode(VOLTA, word & ~(7 << 110) | 6 << 110)
    with pytest.raises(DecodeError, match="scoreboard 6"):
        decode(VOLTA, word & ~(7 << 113) | 6 << 113)


def test_guard_and_slots_are_where_volta_has_them() -> None:
    plain = made("FADD", Register(1), Register(2, negate=True), Register(3, absolute=True))
    word = encode(evolve(plain, guard=Predicate(3, negate=True)))
    assert word & 0xFFF == 0x221
    assert word >> 12 & 0xF == 0b1011
    assert (word >> 16 & 0xFF, word >> 24 & 0xFF, word >> 32 & 0xFF) == (1, 2, 3)
    assert (word >> 72 & 1, word >> 73 & 1, word >> 62 & 1, word >> 63 & 1) == (1, 0, 1, 0)


def test_an_immediate_in_slot_c_moves_rb_there() -> None:
    word = encode(made("IMAD", Register(1), Register(2), Register(3), Immediate(0xDEADBEEF), NOT_PT))
    assert word & 0xFFF == 0x424
    assert word >> 32 & 0xFFFFFFFF == 0xDEADBEEF
    assert word >> 64 & 0xFF == 3


def test_opcodes_share_no_form() -> None:
    codes = [declaration.code(form) for declaration, form in FORMS]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("declaration", [d for d in VOLTA.declarations if d.apart], ids=lambda d: d.mnemonic)
@given(data=st.data())
def test_sources_lie_apart_from_what_is_written_while_they_are_read(
    declaration: Declaration, data: st.DataObject
) -> None:
    apart = data.draw(instructions(declaration))
    assert overlap(apart) is None
    widths = [operand.span({}) for operand in declaration.operands]
    places = [data.draw(st.one_of(st.just(RZ), st.integers(0, RZ - width))) for width in widths[1:]]
    moved = [evolve(value, index=index) for value, index in zip(apart.operands[1:], places, strict=True)]
    instruction = evolve(apart, operands=(apart.operands[0], *moved))
    spans = [
        set() if value.index == RZ else set(range(value.index, value.index + width))
        for value, width in zip(instruction.operands, widths, strict=True)
    ]
    shared = [place for place in range(1, len(spans)) if spans[0] & spans[place]]
    found = overlap(instruction)
    assert (found is None) == (not shared)
    assert found is None or found[0] == shared[0]
    assert executed(VOLTA, encode(apart)) is not None
