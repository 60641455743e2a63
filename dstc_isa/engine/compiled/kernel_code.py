"""A kernel as compiled code executes it: made once, and kept for the launches that come."""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import frozen

from dstc_isa.engine.code_rows import Pool, dispatch_number, operand_words
from dstc_isa.engine.execution import constants_of, instructions_of
from dstc_isa.engine.launch_records import CODE
from dstc_isa.engine.loops import reach
from dstc_isa.engine.record_layout import Record, Words
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.remembered import until_changed
from dstc_isa.isa.values import PT, Constant
from dstc_isa.program import Kernel, SharedArray

KEPT = 16
"""Kernels whose code is kept, of some MB each at most."""

UNDEFINED = -1
"""The dispatch number of a word that is no instruction."""


@frozen(eq=False)
class KernelCode:
    """``instructions``: None for a word that is none. ``constants``: as of ``constants_of``. ``rows``: of ``CODE``.

    ``reaches``: a ``Reach`` each. ``foreign``: whether any of them was declared in a file of the user's.
    """

    instructions: Sequence[Instruction | None]
    constants: Mapping[tuple[Constant, int], int]
    rows: Record
    reaches: Words
    pool: Pool
    foreign: bool


def code_of(kernel: Kernel) -> KernelCode:
    """The code of a kernel; nobody may change it."""
    isa = kernel.isa
    return _made(isa, kernel.words, kernel.through, kernel.shared, kernel.shared_bytes)


@until_changed(KEPT)
def _made(
    isa: Isa,
    words: tuple[int, ...],
    through: tuple[int, ...],
    shared: tuple[SharedArray, ...],
    shared_bytes: int,
) -> KernelCode:
    """The code of all kernels of which this is true."""
    kernel = Kernel("", words, shared=shared, shared_bytes=shared_bytes, through=through, isa=isa)
    instructions, pool = instructions_of(isa, words), Pool()
    rows = CODE.new(max(1, len(words)), operation=UNDEFINED, guard=PT, in_time=1)
    for index, instruction in enumerate(instructions):
        row = rows[index]
        row["shared_first"], row["shared_end"] = kernel.shared_range(index)
        if instruction is not None:
            row["operation"] = dispatch_number(instruction.declaration)
            row["guard"] = instruction.guard.index
            row["inversion"] = -int(instruction.guard.negate)
            row["in_time"] = not instruction.declaration.keeps_to_warp
            operands = operand_words(instruction, pool)
            row["operands"][: len(operands)] = np.array(operands, np.int64).astype(np.int32)
    reaches = np.array([reach(instruction) for instruction in instructions], np.int64)
    rows.flags.writeable = reaches.flags.writeable = False
    foreign = any(each is not None and not each.declaration.shipped for each in instructions)
    return KernelCode(instructions, constants_of(instructions), rows, reaches, pool, foreign)
