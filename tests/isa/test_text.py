"""Printing instructions."""

import pytest
from hypothesis import given, settings

from dstc_isa.isa.control import DEFAULT, Control
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.operand import Modifiers, Operand
from dstc_isa.isa.resolve import resolve
from dstc_isa.isa.text import alias_of, format_instruction, format_mnemonic, format_operands
from dstc_isa.isa.values import (
    ALWAYS,
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
from tests.strategies import instructions

PT = Predicate(7)
NOT_PT = Predicate(7, negate=True)
R1, R2, R3, RZ = Register(1), Register(2), Register(3), Register(255)


def made(written: str, *operands: Value, guard: Predicate = ALWAYS, control: Control = DEFAULT) -> Instruction:
    (declaration, modifiers, _) = next(c for c in resolve(VOLTA, written) if len(c[0].operands) == len(operands))
    form = declaration.form_of(operands)
    assert form is not None
    return Instruction(declaration, form, operands, modifiers, guard, control)


@settings(max_examples=200, deadline=None)
@given(instructions())
def test_parts_stand_in_order(instruction: Instruction) -> None:
    text = format_instruction(instruction)
    assert text.endswith(" ;")
    assert "\n" not in text
    parts = text.split()
    if instruction.control != DEFAULT:
        assert Control.parse(parts.pop(0)) == instruction.control
    if instruction.guard != ALWAYS:
        assert parts.pop(0) == f"@{instruction.guard}"
    names = instruction.declaration.modifier_values(instruction.modifiers)
    alias = alias_of(instruction.declaration, names, instruction.operands)
    assert parts[0] == format_mnemonic(instruction.declaration, instruction.modifiers, alias)


@settings(max_examples=200, deadline=None)
@given(instructions())
def test_operands_left_out_hold_their_defaults(instruction: Instruction) -> None:
    pairs = list(zip(instruction.declaration.operands, instruction.operands, strict=True))
    names = instruction.declaration.modifier_values(instruction.modifiers)
    assert fit(pairs, format_operands(instruction.declaration.operands, instruction.operands, names), names)


def fit(pairs: list[tuple[Operand, Value]], texts: list[str], names: Modifiers) -> bool:
    """Whether the texts are those of the operands in order, with some left out that have a default."""
    if not pairs:
        return not texts
    (operand, value), rest = pairs[0], pairs[1:]
    if texts and texts[0] == operand.show(value, names) and fit(rest, texts[1:], names):
        return True
    if texts and rest and rest[0][0].joined:
        behind, its_value = rest[0]
        both = f"{operand.show(value, names)} {behind.show(its_value, names)}"
        if texts[0] == both and fit(rest[1:], texts[1:], names):
            return True
    return operand.hides(value, names) and fit(rest, texts, names)


@pytest.mark.parametrize(
    ("instruction", "text"),
    [
        (made("NOP"), "NOP ;"),
        (made("EXIT", PT, guard=Predicate(0, negate=True)), "@!P0 EXIT ;"),
        (made("IADD3", R1, PT, PT, R2, R3, RZ, NOT_PT, NOT_PT), "IADD3 R1, R2, R3, RZ ;"),
        (made("IADD3", R1, Predicate(0), PT, R2, R3, RZ, NOT_PT, NOT_PT), "IADD3 R1, P0, R2, R3, RZ ;"),
        (made("IADD3", R1, PT, Predicate(1), R2, R3, RZ, NOT_PT, NOT_PT), "IADD3 R1, PT, P1, R2, R3, RZ ;"),
        (made("IADD3.X", R1, PT, PT, R2, R3, RZ, Predicate(0), NOT_PT), "IADD3.X R1, R2, R3, RZ, P0, !PT ;"),
        (made("IADD3.X", R1, PT, PT, R2, R3, RZ, NOT_PT, Predicate(0)), "IADD3.X R1, R2, R3, RZ, !PT, P0 ;"),
        (made("FADD", R1, Register(2, negate=True, absolute=True), Immediate(0x3FC00000)), "FADD R1, -|R2|, 1.5 ;"),
        (made("MOV", R1, Constant(0, 0x160), Immediate(15)), "MOV R1, c[0x0][0x160] ;"),
        (made("LDG.E.64", PT, R2, Address(4, -8)), "LDG.E.64.SYS R2, [R4+-0x8] ;"),
        (made("LDG", PT, R2, Address(4, 0)), "LDG.SYS R2, [R4] ;"),
        (made("HADD2", R1, Register(2, suffix="H1_H1"), Immediate(0x3C003C00)), "HADD2 R1, R2.H1_H1, 1, 1 ;"),
        (made("S2R", R1, SpecialRegister(0x21)), "S2R R1, SR_TID.X ;"),
        (made("BSSY", PT, BarrierRegister(3), Target(32)), "BSSY B3, .+48 ;"),
        (made("P2R", R1, Marker("PR"), RZ, Immediate(0x7F)), "P2R R1, PR, RZ, 0x7f ;"),
        (made("LOP3.LUT", PT, R1, R2, R3, RZ, Immediate(0xC0), NOT_PT), "LOP3.LUT R1, R2, R3, RZ, 0xc0, !PT ;"),
        (made("VOTE.ANY", RZ, Predicate(1), Predicate(0)), "VOTE.ANY P1, P0 ;"),
        (made("VOTE.ANY", R1, PT, Predicate(0)), "VOTE.ANY R1, PT, P0 ;"),
        (
            made(
                "OHMMA.8161.F32",
                R1,
                Register(40, suffix="H0"),
                Register(41, suffix="H1"),
                R3,
                Immediate(3),
                Immediate(1),
            ),
            "OHMMA.8161.F32 R1, R40.H0, R41.H1, R3, 3, 1 ;",
        ),
    ],
)
def test_examples(instruction: Instruction, text: str) -> None:
    assert format_instruction(instruction) == text


def test_target_is_named_by_the_caller() -> None:
    branch = made("BRA", PT, Target(-32))
    assert format_instruction(branch, lambda distance: f"loop{distance}") == "BRA loop-32 ;"


def test_control_prefix_may_be_left_out() -> None:
    instruction = made("NOP", control=Control(stall=3))
    assert format_instruction(instruction) == "B------:R-:W-:-:S03 NOP ;"
    assert format_instruction(instruction, control=False) == "NOP ;"
