"""Instruction words as reports show them."""

from dstc_isa.isa.codec import DecodeError, decode
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.remembered import until_changed
from dstc_isa.isa.text import format_instruction, format_mnemonic

UNDEFINED = "undefined"


@until_changed(1 << 16)
def mnemonic_of(isa: Isa, word: int) -> str:
    """Mnemonic and modifiers of a word; ``undefined`` for a word that is no instruction."""
    try:
        instruction = decode(isa, word)
    except DecodeError:
        return UNDEFINED
    return format_mnemonic(instruction.declaration, instruction.modifiers)


@until_changed(1 << 16)
def text_of(isa: Isa, word: int) -> str:
    """A word as assembly, without its control code."""
    try:
        return format_instruction(decode(isa, word), control=False)
    except DecodeError:
        return UNDEFINED
