"""Operands that disassemblers list in ways of their own, as operands between commas.

``R2 -0x40`` is a register and, behind a blank, what is added to it; ``{3,1}`` is a set of scoreboards.
"""

import re
from collections.abc import Iterator

from dstc_isa.assembler.values import Operand
from dstc_isa.isa.field_operand import TargetOperand
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.remembered import until_changed
from dstc_isa.isa.values import Target

_PAIR = re.compile(r"([A-Za-z_$][\w$]*(?:\.\w+)*)\s+(.*)")
_SET = re.compile(r"\{\s*(\d(?:\s*,\s*\d)*)\s*\}")


@until_changed()
def joining(isa: Isa) -> dict[str, bool]:
    """The mnemonics of instructions with an operand behind a blank; whether a number there is a distance."""
    return {
        declaration.mnemonic: isinstance(operand, TargetOperand) and operand.raw
        for declaration in isa.declarations
        for operand in declaration.operands
        if operand.joined
    }


def parted(parts: list[str]) -> Iterator[str]:
    """Operands of an instruction that may have one behind a blank."""
    for part in parts:
        pair = _PAIR.fullmatch(part.strip())
        yield from pair.groups() if pair else (part,)


def distance(value: Operand | None) -> Operand | None:
    """What a number behind a blank is in an instruction that jumps so far beyond a register."""
    return Target(value) if isinstance(value, int) else value


def without_sets(text: str) -> str:
    """A text in which sets of scoreboards are the numbers whose bits they are."""
    return _SET.sub(lambda found: hex(sum({1 << int(number) for number in found[1].split(",")})), text)
