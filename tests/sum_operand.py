"""SUMX, an instruction whose operands are of a kind that no other has: a register plus a small number."""

from typing import Annotated, Any

from attrs import frozen

from dstc_isa.isa import masks
from dstc_isa.isa.fetch import Base, Call, Fetched, Lane, RegisterPlace, RowWord, Word
from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import U32
from dstc_isa.isa.lanes import splat
from dstc_isa.isa.operand import Modifiers, Operand, Part, Parts
from dstc_isa.isa.values import Address
from dstc_isa.isa.volta import instruction
from dstc_isa.isa.volta.shorthand import Rd
from dstc_isa.isa.volta.units import ALU


def plus(lanes: U32, number: int) -> U32:
    """Lanes with a number added to each."""
    return lanes + splat(number)


@frozen
class SumOperand(Operand):
    """``[Ra+n]``: the semantics receives the sum."""

    register: Field
    number: Field
    what = "a sum such as [R2+4]"
    written = frozenset({Address})

    def table(self, moved: bool) -> dict[type, Parts]:
        """See ``Operand``."""
        return {
            Address: (
                Part("wide", None, refusal="a sum has one register"),
                Part("bank", None, fixed=-1),
                Part("offset", self.number, "number"),
                Part("register", self.register),
            )
        }

    def placeholder(self, name: str, form: Any, index: int) -> str:
        """See ``Operand``."""
        return f"[R{name[-1]}+n]"

    def touched(self, value: Any, modifiers: Modifiers) -> int:
        """See ``Operand``."""
        return masks.registers(value.register, 1)

    def row(self, value: Any, lane: Lane, modifiers: Modifiers) -> tuple[RowWord, ...]:
        """See ``Operand``."""
        return (RegisterPlace(value.register), value.offset)

    def fetch(self, lane: Lane) -> Fetched:
        """See ``Operand``."""
        return Call(plus, (Call("source_u32", (Word(0, Base.REGISTERS),)), Word(1)))


@instruction("SUMX", 0x2F3, ALU, public=False)
def sumx(
    a: Annotated[U32, SumOperand(Field(24, 8), Field(40, 8, signed=True))],
    b: Annotated[U32, SumOperand(Field(32, 8), Field(48, 8, signed=True))],
) -> Rd:
    """Exclusive or of two sums."""
    return a ^ b
