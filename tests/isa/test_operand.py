"""Operand kinds: what each accepts, stores and prints."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dstc_isa.isa.address_operand import AddressOperand
from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import (
    BarrierOperand,
    ImmediateOperand,
    MarkerOperand,
    PredicateOperand,
    SpecialRegisterOperand,
    TargetOperand,
)
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.literal import Literal, format_literal
from dstc_isa.isa.operand import Form, Operand, bound, width_of
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.values import (
    Address,
    BarrierRegister,
    Constant,
    Immediate,
    Marker,
    Predicate,
    Register,
    SpecialRegister,
    Target,
    Value,
)
from dstc_isa.isa.volta import VOLTA
from tests.strategies import FORM_NAMES, FORMS, f32_lanes, modifiers, operands

REGISTERS_ONLY = Form(1)
GENERAL = Source("b", negate=True, absolute=True, imm=4, const=5)


@pytest.mark.parametrize(("declaration", "form"), FORMS, ids=FORM_NAMES)
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_accepted_values_stay_in_their_fields(declaration: Declaration, form: Form, data: st.DataObject) -> None:
    chosen = data.draw(modifiers(declaration, form))
    names = declaration.modifier_values(chosen)
    values = data.draw(operands(declaration, form, chosen))
    for index, (operand, value) in enumerate(zip(declaration.operands, values, strict=True)):
        assert operand.reject(value, names) is None
        word = operand.encode(value, form, index)
        assert word & ~sum(field.mask for field in operand.fields(form, index)) == 0
        held = operand.decode(word, form, index)
        assert (operand.alternative(held, names) if operand.stray(held, names) else held) == value
        assert operand.show(value, names)


@pytest.mark.parametrize(
    ("operand", "value", "reason"),
    [
        (GENERAL, Register(255), None),
        (GENERAL, Register(254), None),
        (GENERAL, Register(-1), "R0 to R254"),
        (GENERAL, Register(3, suffix="H0"), "whole register"),
        (GENERAL, Constant(31, 0xFFFC), None),
        (GENERAL, Constant(0, 0x10000), "multiple of 4 from 0 to 65532"),
        (GENERAL, Immediate(0xFFFFFFFF), None),
        (GENERAL, Immediate(-1), "outside"),
        (GENERAL, Predicate(0), "expected a register or a 32-bit integer or a constant"),
        (Source("a"), Immediate(0), "expected a register"),
        (Source("a"), Constant(0, 0), "expected a register"),
        (Source("a", half=Field(72, 1)), Register(3), "must stand behind it"),
        (Source("a", half=Field(72, 1)), Register(3, suffix="H1"), None),
        (Source("a", halves=True), Register(3, suffix="H1_H1"), None),
        (Source("c", width=2), Register(5), "multiple of 2"),
        (Source("c", width=2), Register(255), None),
        (Destination(), Register(3, negate=True), "plain register"),
        (Destination(), Immediate(3), "expected a register"),
        (Destination(width=2), Register(254), "go past R254"),
        (Destination(width=32, accumulates=True), Register(223), None),
        (Destination(width=32, accumulates=True), Register(224), "go past R254"),
        (Destination(width=32, accumulates=True), Register(255), "not RZ"),
        (PredicateOperand(Field(81, 3)), Predicate(3, negate=True), "cannot be negated"),
        (PredicateOperand(Field(81, 3)), Predicate(8), "P0 to P6"),
        (PredicateOperand(Field(81, 3)), Register(1), "expected a predicate"),
        (PredicateOperand(Field(87, 3), Field(90, 1)), Predicate(3, negate=True), None),
        (ImmediateOperand(Field(72, 8)), Immediate(256), "256 is not an integer 0 to 255"),
        (ImmediateOperand(Field(72, 8)), Register(2), "expected an integer 0 to 255"),
        (AddressOperand(Field(40, 24, signed=True)), Address(3, -(1 << 23)), None),
        (AddressOperand(Field(40, 24, signed=True)), Address(3, 1 << 23), "outside -8388608 to 8388607"),
        (AddressOperand(Field(40, 24, signed=True)), Address(3, 0, bank=1), "expected an address"),
        (AddressOperand(Field(40, 24, signed=True)), Address(4, 0, wide=True), "one 32-bit register"),
        (AddressOperand(Field(40, 24, signed=True), wide=True), Address(3, 0), "multiple of 2"),
        (AddressOperand(Field(38, 16, signed=True), constant=True), Address(3, 0), "expected a constant"),
        (AddressOperand(Field(38, 16, signed=True), constant=True), Address(3, 0, bank=32), "bank 32"),
        (SpecialRegisterOperand(Field(72, 8), {0: "SR_LANEID"}), SpecialRegister(1), "expected one of SR_LANEID"),
        (BarrierOperand(Field(16, 4)), BarrierRegister(15), None),
        (BarrierOperand(Field(16, 4)), BarrierRegister(16), "B0-B15"),
        (TargetOperand(), Target(-16), None),
        (TargetOperand(), Target(2), "not a multiple of 4"),
        (TargetOperand(), Immediate(4), "expected a label"),
        (MarkerOperand("PR"), Marker("PR"), None),
        (MarkerOperand("PR"), Marker("CC"), "expected PR"),
    ],
)
def test_rejection_says_what_is_accepted(operand: Operand, value: Value, reason: str | None) -> None:
    said = bound(operand, VOLTA.word).reject(value, {})
    if reason is None:
        assert said is None
    else:
        assert said is not None
        assert reason in said


@pytest.mark.parametrize(("size", "registers"), [(0, 1), (3, 1), (4, 1), (5, 2), (6, 4)])
def test_width_follows_the_size_modifier(size: int, registers: int) -> None:
    assert width_of("size", {"size": size}) == registers
    assert width_of(2, {}) == 2


def test_undefined_codes_are_value_errors() -> None:
    with pytest.raises(ValueError, match="selector 1 is not defined"):
        bound(Source("a", suffixes={"": 0, "H0": 2}, select=Field(76, 2)), VOLTA.word).decode(
            1 << 76, REGISTERS_ONLY, 0
        )
    with pytest.raises(ValueError, match="special register 7"):
        bound(SpecialRegisterOperand(Field(72, 8), {0: "SR_LANEID"}), VOLTA.word).decode(7 << 72, REGISTERS_ONLY, 0)


def read_literal(text: str, packing: str) -> bytes:
    """The bytes that a literal's text means: ``0f`` gives the bits, anything else numbers, the highest first."""
    if text.startswith("0f"):
        return int(text[2:], 16).to_bytes(4, "little")
    numbers = text.replace("QNAN", "nan").split(", ")
    return b"".join(struct.pack(packing, float(number)) for number in reversed(numbers))


@settings(max_examples=100, deadline=None)
@given(f32_lanes())
def test_float_literals_keep_their_bits(lanes: NDArray[np.float32]) -> None:
    for bits in lanes.view(np.uint32).tolist():
        assert read_literal(format_literal(bits, Literal.FLOAT), "<f") == bits.to_bytes(4, "little")


def test_half_literals_keep_their_bits() -> None:
    for half in range(0x10000):
        for bits in (half * 0x10001, half << 16 | 0x3C00):
            assert read_literal(format_literal(bits, Literal.HALVES), "<e") == bits.to_bytes(4, "little")


@pytest.mark.parametrize(
    ("bits", "literal", "text"),
    [
        (0x3F800000, Literal.FLOAT, "1"),
        (0x80000000, Literal.FLOAT, "-0.0"),
        (0x7F800000, Literal.FLOAT, "+INF"),
        (0x7FC00000, Literal.FLOAT, "+QNAN"),
        (0x7FC00001, Literal.FLOAT, "0f7fc00001"),
        (0xFF800000, Literal.FLOAT, "-INF"),
        (0x3DCCCCCD, Literal.FLOAT, "0.10000000149011611938"),
        (0x4E6E6B28, Literal.FLOAT, "1.00000000000000000000e+09"),
        (0x3C003C00, Literal.HALVES, "1, 1"),
        (0x00003C00, Literal.HALVES, "0, 1"),
        (0x7C01FE00, Literal.HALVES, "0f7c01fe00"),
        (0x40080000, Literal.DOUBLE, "3"),
        (0xFFFFFFFF, Literal.SIGNED, "-0x1"),
        (0x7FFFFFFF, Literal.SIGNED, "0x7fffffff"),
        (0x10, Literal.INTEGER, "0x10"),
    ],
)
def test_literal_text(bits: int, literal: Literal, text: str) -> None:
    assert format_literal(bits, literal) == text


def test_target_prints_its_distance_from_the_instruction() -> None:
    target = bound(TargetOperand(), VOLTA.word)
    assert target.show(Target(-16), {}) == ".+0"
    assert target.show(Target(16), {}) == ".+32"
    assert target.show(Target(-48), {}) == ".-32"
