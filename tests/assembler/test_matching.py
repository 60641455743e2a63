import pytest
from hypothesis import given

from dstc_isa.assembler.matching import MatchError, find_operand_plan, fits
from dstc_isa.assembler.values import Late
from dstc_isa.isa.resolve import MnemonicError
from dstc_isa.isa.text import format_mnemonic
from dstc_isa.isa.values import Constant, Immediate, Predicate, Register, Target
from dstc_isa.isa.volta import VOLTA
from tests.assembler.build import code, error
from tests.strategies import instructions


@given(instructions())
def test_all_operands_written_find_their_declaration_and_form(instruction):
    declaration = instruction.declaration
    names = declaration.modifier_values(instruction.modifiers)
    idle = [operand.idle(names) for operand in declaration.operands]
    written = [value for value, left in zip(instruction.operands, idle, strict=True) if not left]
    kinds = tuple(int if isinstance(value, Immediate | Target) else type(value) for value in written)
    mnemonic = format_mnemonic(declaration, instruction.modifiers)
    if any(kind.__name__ == "Address" and value.bank >= 0 for kind, value in zip(kinds, written, strict=True)):
        return
    plan = find_operand_plan(VOLTA, mnemonic, kinds)
    assert plan.declaration is instruction.declaration
    assert plan.form == instruction.form
    order = iter(range(len(kinds)))
    assert [place.written for place in plan.places] == [-1 if left else next(order) for left in idle]


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("IADD3 R1, R2, R3, RZ", "IADD3 R1, PT, PT, R2, R3, RZ, !PT, !PT"),
        ("IADD3 R1, P0, R2, R3, RZ", "IADD3 R1, P0, PT, R2, R3, RZ, !PT, !PT"),
        ("IADD3.X R1, R2, R3, RZ, P0", "IADD3.X R1, PT, PT, R2, R3, RZ, P0, !PT"),
        ("LOP3.LUT R1, R2, R3, R4, 0xc0", "LOP3.LUT PT, R1, R2, R3, R4, 0xc0, !PT"),
        ("VOTE.ALL R1, P0", "VOTE.ALL R1, PT, P0"),
        ("VOTE.ANY P1, P0", "VOTE.ANY RZ, P1, P0"),
        ("LEA R1, R2, R3, 4", "LEA R1, PT, R2, R3, RZ, 4, !PT"),
        ("BAR.SYNC 0", "BAR.SYNC 0, 0"),
        ("P2R R0, PR, 0x7f", "P2R R0, PR, RZ, 0x7f"),
    ],
)
def test_optional_operands_may_be_left_out(short, full):
    assert code(short) == code(full)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("IADD3 R0, R1", "operand Rb is missing: it is written IADD3 Rd, Ra, Rb, Rc"),
        (
            "IADD3 R0, R1, R2, R3, R4",
            "too many operands: there are 5, and it is written IADD3{.X} Rd{, Pu}{, Pv}, Ra, Rb, Rc{, Pp}{, Pq}",
        ),
        ("IADD3 R0, 1, R2, R3", "this operand does not fit"),
        ("IADD3 R0, R1, 1, 2", "this operand does not fit"),
        ("FFMA R0, R1, 1.0, 2.0", "these operands cannot stand together: only one may be an immediate or a constant"),
        ("NOP R1", "too many operands: there are 1, and it is written NOP"),
        ("P2R R0, P1, 1", "this operand does not fit"),
    ],
)
def test_operands_that_do_not_fit(line, message):
    assert error(line) == message


def test_errors_without_a_plan():
    with pytest.raises(MnemonicError):
        find_operand_plan(VOLTA, "FOO", ())
    with pytest.raises(MatchError) as caught:
        find_operand_plan(VOLTA, "MOV", (Register, Predicate))
    assert caught.value.index == 1
    assert "register" in caught.value.expected


def test_kinds():
    source = next(d for d in VOLTA.declarations if d.mnemonic == "MOV").operands[1]
    assert all(fits(source, kind) for kind in (int, float, Late, Constant, Register))
    assert not any(fits(source, kind) for kind in (str, Predicate))
