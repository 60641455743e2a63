"""Instruction words by hand: what the assembler does for a line of text, for tests that must not need it."""

from functools import cache

from dstc_isa.isa.codec import encode
from dstc_isa.isa.control import DEFAULT
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.resolve import resolve
from dstc_isa.isa.values import ALWAYS, Predicate, Value
from dstc_isa.isa.volta import VOLTA


@cache
def build(mnemonic: str, *operands: Value, guard: Predicate = ALWAYS) -> int:
    """The word of an instruction; every operand must be given, a branch target as distance in bytes."""
    for declaration, modifiers, _ in resolve(VOLTA, mnemonic):
        if len(declaration.operands) == len(operands):
            form = declaration.form_of(operands)
            if form is not None:
                return encode(Instruction(declaration, form, operands, modifiers, guard, DEFAULT))
    raise ValueError(f"no form of {mnemonic} takes {operands}")
