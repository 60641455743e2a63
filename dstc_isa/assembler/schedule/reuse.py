"""Operand reuse: a source that the next instruction reads in the same slot is kept in the reuse cache.

Instructions that read no register leave the cache as it is.
"""

from collections.abc import Sequence
from functools import lru_cache

from dstc_isa.assembler.emit import Emitted
from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.masks import PREDICATE_SHIFT
from dstc_isa.isa.operand import Form
from dstc_isa.isa.values import RZ

REGISTERS_MASK = (1 << PREDICATE_SHIFT) - 1


@lru_cache(maxsize=1 << 10)
def _register_slots(declaration: Declaration, form: Form) -> dict[Field, tuple[Field, int]]:
    """The register fields of operands that can be kept in this form, with their reuse bit and a mask of registers."""
    slots = {}
    for index, operand in enumerate(declaration.operands):
        at = {part.of: part.at for part in operand.parts(form, index)}
        register, reuse = at.get("index"), at.get("reuse")
        if register is not None and reuse is not None:
            slots[register] = reuse, (1 << operand.widest) - 1
    return slots


def mark_reuse(emitted: Sequence[Emitted], targets: set[int]) -> None:
    """Set the reuse bit of every source that the next instruction, if no branch leads there, reads again unchanged."""
    for index, this in enumerate(emitted):
        following = _next_reader(emitted, targets, index)
        if this.plan is None or following < 0:
            continue
        after = emitted[following]
        assert after.plan is not None
        changed = 0
        for between in emitted[index:following]:
            changed |= between.writes
        slots = _register_slots(this.plan.declaration, this.plan.form)
        others = _register_slots(after.plan.declaration, after.plan.form)
        for field, (reuse, registers) in slots.items():
            if field in others:
                number = field.extract(this.word)
                if number == field.extract(after.word) != RZ and not changed >> number & registers:
                    this.word |= reuse.mask


def _next_reader(emitted: Sequence[Emitted], targets: set[int], index: int) -> int:
    """The next instruction that reads a register, -1 if a branch may come between or it is a raw word."""
    for following in range(index + 1, len(emitted)):
        if following in targets or emitted[following].plan is None:
            return -1
        if emitted[following].reads & REGISTERS_MASK:
            return following
    return -1
