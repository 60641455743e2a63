"""Accesses to global memory: how many bytes each lane asks for, by what an instruction declares."""

from dstc_isa.isa.access import access_size
from dstc_isa.isa.codec import DecodeError, decode
from dstc_isa.isa.effects import Effect
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.remembered import until_changed

REGISTER_BYTES = 4


@until_changed(1 << 16)
def lane_bytes(isa: Isa, word: int) -> int:
    """Bytes of global memory that a word asks for in each lane; 0 for a word that does not access it."""
    try:
        instruction = decode(isa, word)
    except DecodeError:
        return 0
    return _size(instruction) if Effect.GLOBAL in instruction.declaration.effects else 0


def _size(instruction: Instruction) -> int:
    """What the size modifier says; without one, the registers of the widest operand that is no address."""
    if size := access_size(instruction):
        return size
    declaration = instruction.declaration
    names = declaration.modifier_values(instruction.modifiers)
    data = (each.span(names) for each in declaration.operands if isinstance(each, Source | Destination))
    return REGISTER_BYTES * max(data, default=1)
