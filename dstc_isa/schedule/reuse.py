"""Operand reuse: a source that the next instruction reads in the same slot is kept in the reuse cache.

Instructions that read no register leave the cache as it is.
"""

from collections.abc import Sequence
from functools import lru_cache

from dstc_isa.isa.access import Access
from dstc_isa.isa.codec import declared_by
from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.masks import REGISTER_MASK
from dstc_isa.isa.operand import Form
from dstc_isa.program import RAW


@lru_cache(maxsize=1 << 10)
def _register_slots(declaration: Declaration, form: Form) -> dict[Field, tuple[Field, int]]:
    """The register fields of operands that can be kept, with their reuse bit and a mask of registers."""
    slots = {}
    for index, operand in enumerate(declaration.operands):
        at = {part.of: part.at for part in operand.parts(form, index)}
        register, reuse = at.get("index"), at.get("reuse")
        if register is not None and reuse is not None:
            slots[register] = reuse, (1 << operand.widest) - 1
    return slots


def _slots_of(isa: Isa, word: int) -> dict[Field, tuple[Field, int]]:
    found = declared_by(isa, word)
    assert found is not None
    return _register_slots(*found)


def with_reuse(
    isa: Isa, words: Sequence[int], accesses: Sequence[Access], written: bytes, targets: set[int]
) -> tuple[int, ...]:
    """The words with the reuse bit of every source that the next instruction reads again unchanged.

    ``targets``: where branches lead, so that another instruction may have come before; ``written``: as in a
    ``ControlRecord``. Raw words are left as they are.
    """
    marked = list(words)
    held, changed = -1, 0
    for index, (word, access) in enumerate(zip(words, accesses, strict=True)):
        raw = written[index] == RAW
        if raw or index in targets:
            held = -1
        if access.reads & REGISTER_MASK and not raw:
            if held >= 0:
                marked[held] |= _kept(isa, words[held], word, changed)
            held, changed = index, 0
        changed |= access.writes
    return tuple(marked)


def _kept(isa: Isa, word: int, after: int, changed: int) -> int:
    """The reuse bits of a word's sources that another one reads in the same slots; ``changed``: mask of registers."""
    found = 0
    others = _slots_of(isa, after)
    for field, (reuse, registers) in _slots_of(isa, word).items():
        if field in others:
            number = field.extract(word)
            if number == field.extract(after) != field.maximum and not changed >> number & registers:
                found |= reuse.mask
    return found
