"""Declarations: what is read off a function, and what is refused at import."""

from collections.abc import Callable
from enum import IntEnum
from typing import Annotated, Any

import pytest

from dstc_isa.isa.fetch import Lane
from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import ImmediateOperand, PredicateOperand
from dstc_isa.isa.instruction import U32, Declaration, DeclarationError, check, declare
from dstc_isa.isa.modifier import Choice, Flag
from dstc_isa.isa.operand import Form
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.values import Constant, Immediate, Predicate, Register
from dstc_isa.isa.volta import VOLTA
from dstc_isa.isa.volta.shorthand import Pp, Pu, Ra, Rb, Rc, Rd
from dstc_isa.isa.volta.units import ALU

FREE = 0x2FE


class Mode(IntEnum):
    A = 0
    B = 1


class Wide(IntEnum):
    A = 0
    Z = 5


def declared(
    function: Callable[..., Any],
    opcode: int = FREE,
    forms: dict[int, tuple[str, ...]] | None = None,
    mnemonic: str = "TEST",
) -> Declaration:
    """Declare and check against the instruction set, without adding to it."""
    declaration = declare(VOLTA, mnemonic, opcode, ALU, function, False, False, forms or {})
    check(declaration, VOLTA.declarations)
    return declaration


def test_what_a_function_declares() -> None:
    def semantics(
        ra: Ra,
        rb: Rb,
        pp: Pp,
        flag: Annotated[int, Flag("X", Field(74, 1))],
        mode: Annotated[int, Choice(Mode, Field(76, 1))],
    ) -> tuple[Rd, Pu]:
        """Do it.

        And more.
        """

    declaration = declared(semantics)
    assert declaration.names == ("rd", "pu", "ra", "rb", "pp")
    assert declaration.results == (0, 1)
    assert declaration.lanes == (Lane.U32, Lane.BOOL, Lane.U32, Lane.U32, Lane.BOOL)
    assert [(m.name, m.default) for m in declaration.modifiers] == [("flag", 0), ("mode", None)]
    assert declaration.description == "Do it.\n\nAnd more."
    assert [declaration.code(form) for form in declaration.forms] == [FREE, 0x8FE, 0xAFE]
    assert not declaration.takes_warp


def test_form_follows_from_the_operands() -> None:
    def semantics(ra: Ra, rb: Rb) -> Rd:
        """Do it."""

    declaration = declared(semantics)
    register, other = Register(1), Predicate(0)
    assert declaration.form_of((register, register, register)) == Form(1)
    assert declaration.form_of((register, register, Immediate(3))) == Form(4, (2,), False, -1)
    assert declaration.form_of((register, register, Constant(0, 4))) == Form(5, (2,), True, -1)
    assert declaration.form_of((register, Immediate(3), register)) is None
    assert declaration.form_of((register, other, register)) == Form(1)


def test_the_check_leaves_the_instruction_set_alone() -> None:
    assert not [d for d in VOLTA.declarations if d.mnemonic == "TEST"]
    assert {d.unit.shipped for d in VOLTA.declarations} == {True}


@pytest.mark.parametrize("declaration", VOLTA.declarations, ids=lambda d: f"{d.mnemonic}-0x{d.opcode:03x}")
def test_every_declaration_passes_the_check(declaration: Declaration) -> None:
    check(declaration, [other for other in VOLTA.declarations if other is not declaration])
    assert declaration.description[0].isupper()
    assert declaration.family in declaration.function.__module__


def test_overlapping_operands() -> None:
    def semantics(ra: Ra, number: Annotated[int, Lane.SCALAR, ImmediateOperand(Field(30, 4))]) -> Rd:
        """Bits 30 and 31 belong to Ra."""

    with pytest.raises(DeclarationError, match="TEST: field number at bit 30 overlaps"):
        declared(semantics)


def test_a_field_with_numbers_that_there_are_not() -> None:
    def semantics(pp: Annotated[Any, Lane.BOOL, PredicateOperand(Field(40, 4))]) -> Rd:
        """There are seven predicates and PT."""

    with pytest.raises(DeclarationError, match="pp is at most 7: its field is too wide"):
        declared(semantics)


def test_overlap_in_one_form_only() -> None:
    def semantics(rb: Rb, mode: Annotated[int, Choice(Mode, Field(60, 1))]) -> Rd:
        """Bit 60 is free unless Rb is an immediate."""

    with pytest.raises(DeclarationError, match="field mode at bit 60 overlaps"):
        declared(semantics)


def test_overlap_with_the_control_bits() -> None:
    def semantics(ra: Ra, flag: Annotated[int, Flag("X", Field(105, 1))]) -> Rd:
        """Bit 105 belongs to the stall count."""

    with pytest.raises(DeclarationError, match="field flag at bit 105 overlaps"):
        declared(semantics)


def test_field_beyond_the_word() -> None:
    def semantics(ra: Ra, number: Annotated[int, Lane.SCALAR, ImmediateOperand(Field(126, 4))]) -> Rd:
        """The word ends at bit 127."""

    with pytest.raises(DeclarationError, match="field number at bit 126"):
        declared(semantics)


def test_modifier_value_that_does_not_fit() -> None:
    def semantics(ra: Ra, mode: Annotated[int, Choice(Wide, Field(76, 2))]) -> Rd:
        """The value 5 needs three bits."""

    with pytest.raises(DeclarationError, match="modifier Z does not fit"):
        declared(semantics)


def test_word_of_two_modifiers_that_may_be_left_out() -> None:
    def semantics(
        ra: Ra,
        first: Annotated[int, Choice(Mode, Field(76, 1))] = Mode.A,
        second: Annotated[int, Choice(Mode, Field(77, 1))] = Mode.A,
    ) -> Rd:
        """What does .B mean?"""

    with pytest.raises(DeclarationError, match=r"\.A stands in two modifiers"):
        declared(semantics)


def test_word_of_two_modifiers_that_must_be_written() -> None:
    def semantics(
        ra: Ra, first: Annotated[int, Choice(Mode, Field(76, 1))], second: Annotated[int, Choice(Mode, Field(77, 1))]
    ) -> Rd:
        """The order tells them apart."""

    assert len(declared(semantics).modifiers) == 2


def test_two_declarations_that_decode_alike() -> None:
    def semantics(ra: Ra) -> Rd:
        """IADD3 has this opcode."""

    with pytest.raises(DeclarationError, match="TEST and IADD3 decode alike"):
        declared(semantics, opcode=0x210)
    with pytest.raises(DeclarationError, match="TEST and IADD3 decode alike"):
        declared(semantics, opcode=0x810)


def test_two_forms_with_one_opcode() -> None:
    def semantics(rc: Annotated[U32, Source("c", several=True)]) -> Rd:
        """Form 1 is already the one with a register."""

    with pytest.raises(DeclarationError, match="two forms share an opcode"):
        declared(semantics, forms={1: ("rc",)})


def test_a_form_with_an_immediate_that_is_not_taken() -> None:
    def semantics(rc: Rc) -> Rd:
        """Rc is a register only."""

    with pytest.raises(DeclarationError, match="form 3 makes rc an immediate, which it does not take"):
        declared(semantics, forms={3: ("rc",)})
    with pytest.raises(DeclarationError, match="form 3 makes rx an immediate, which is no operand"):
        declared(semantics, forms={3: ("rx",)})
    with pytest.raises(DeclarationError, match="form 8 does not fit the 3 bits"):
        declared(semantics, forms={8: ("rc",)})


def test_forms_need_the_register_opcode() -> None:
    def semantics(rb: Rb) -> Rd:
        """Declared by its immediate form."""

    with pytest.raises(DeclarationError, match="register form's opcode"):
        declared(semantics, opcode=0x8FE)


def test_what_other_warps_can_tell_runs_in_its_time() -> None:
    kept = {d.mnemonic for d in VOLTA.declarations if d.keeps_to_warp and not d.unmodelled}
    beyond = {
        "LDG",
        "STG",
        "LDS",
        "STS",
        "LDC",
        "ATOMG",
        "RED",
        "SHFL",
        "BAR",
        "EXIT",
        "BRA",
        "BSYNC",
        "SPWMMA.323232.F32.WINDOW",
        "SPWMMA.643232.F32.WINDOW",
        "SPWMMA.643232.F32.WINDOW.SHORT",
        "SPWMMA.643232.F32.WINDOW.WIDE",
        "SPWMMA.643232.F32.PACKED",
    }
    assert beyond <= {d.mnemonic for d in VOLTA.declarations}
    assert not kept & beyond
    assert kept >= {"IADD3", "FFMA", "VOTE", "S2R", "HMMA", "BOHMMA.32321", "OHMMA.8161.F32"}


def test_missing_docstring() -> None:
    def semantics(ra: Ra) -> Rd: ...

    with pytest.raises(DeclarationError, match="docstring"):
        declared(semantics)


def test_parameter_without_meaning() -> None:
    def semantics(ra: Ra, extra: int) -> Rd:
        """Nothing says where ``extra`` comes from."""

    with pytest.raises(DeclarationError, match="parameter extra is no operand, modifier or warp"):
        declared(semantics)
