"""Operand reuse: a source that the next instruction reads in the same slot is kept in the reuse cache."""

from collections.abc import Sequence
from functools import lru_cache

from dstc_isa.assembler.emit import Emitted
from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.operand import Form
from dstc_isa.isa.register_operand import Place, Source
from dstc_isa.isa.values import RZ

WIDEST = 4


@lru_cache(maxsize=1 << 10)
def _register_slots(declaration: Declaration, form: Form) -> dict[Field, tuple[Place, int]]:
    """The register fields of the sources that are registers in this form, with their places and a mask of registers."""
    return {
        place.register: (place, (1 << (operand.width if isinstance(operand.width, int) else WIDEST)) - 1)
        for index, operand in enumerate(declaration.operands)
        if isinstance(operand, Source) and index not in form.special
        for place in [operand.place(form, index)]
    }


def mark_reuse(emitted: Sequence[Emitted], targets: set[int]) -> None:
    """Set the reuse bit of every source that the next instruction, if no branch leads there, reads again unchanged."""
    for index in range(len(emitted) - 1):
        this, following = emitted[index], emitted[index + 1]
        if this.plan is None or following.plan is None or index + 1 in targets:
            continue
        slots = _register_slots(this.plan.declaration, this.plan.form)
        others = _register_slots(following.plan.declaration, following.plan.form)
        for field, (place, registers) in slots.items():
            if field in others:
                number = field.extract(this.word)
                if number == field.extract(following.word) != RZ and not this.writes >> number & registers:
                    this.word |= place.reuse.mask
