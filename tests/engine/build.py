"""Instruction words by hand: what the assembler does for a line of text, for tests that must not need it."""

from collections.abc import Sequence
from functools import cache

from dstc_isa.isa.codec import encode
from dstc_isa.isa.control import DEFAULT
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.operand import Operand
from dstc_isa.isa.resolve import resolve
from dstc_isa.isa.values import ALWAYS, Predicate, Value
from dstc_isa.isa.volta import VOLTA


def arranged(declared: Sequence[Operand], given: Sequence[Value]) -> tuple[Value, ...] | None:
    """A value for each operand: those given, in order, else the operand's default; None if they do not fit."""
    if not declared:
        return None if given else ()
    operand, *rest = declared
    if given and operand.admits(given[0]):
        behind = arranged(rest, given[1:])
        if behind is not None:
            return (given[0], *behind)
    if operand.default is None or isinstance(operand.default, int):
        return None
    behind = arranged(rest, given)
    return None if behind is None else (operand.default, *behind)


@cache
def build(mnemonic: str, *operands: Value, guard: Predicate = ALWAYS) -> int:
    """The word of an instruction; optional operands may be left out, a branch target is a distance in bytes."""
    for declaration, modifiers, _ in resolve(VOLTA, mnemonic):
        values = arranged(declaration.operands, operands)
        form = None if values is None else declaration.form_of(values)
        if values is not None and form is not None:
            return encode(Instruction(declaration, form, values, modifiers, guard, DEFAULT))
    raise ValueError(f"no form of {mnemonic} takes {operands}")
