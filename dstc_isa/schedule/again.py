"""Fills in a finished kernel's control codes for another GPU, but for those that were written by hand."""

from attrs import evolve, frozen

from dstc_isa.gpu import Gpu
from dstc_isa.isa.access import accessed_by
from dstc_isa.program import ALL_WRITTEN, MAXIMUM_INSTRUCTIONS, PADDING, RAW, ControlRecord, Kernel
from dstc_isa.schedule import Code, schedule
from dstc_isa.schedule.hazard import Hazard
from dstc_isa.schedule.padding import padded, unpadded
from dstc_isa.schedule.successors import successors_of_word


@frozen
class Rescheduled:
    """A kernel for another GPU: ``hazards`` by instruction of it before NOPs were put in, that written codes leave.

    ``written``: instructions of which some of the control code is their author's; ``filled_in``: those with some
    that is not.
    """

    kernel: Kernel
    hazards: list[Hazard]
    written: int
    filled_in: int


def reschedule(kernel: Kernel, record: ControlRecord, gpu: Gpu) -> Rescheduled:
    """The kernel with its open control codes as the assembler fills them in for ``gpu``."""
    bare = unpadded(kernel, record)
    kept = bytes(written for written in record.written if written != PADDING)
    successors = [
        (index + 1,) if written == RAW else successors_of_word(kernel.isa, index, word)
        for index, (word, written) in enumerate(zip(bare.words, kept, strict=True))
    ]
    room = MAXIMUM_INSTRUCTIONS - len(bare.words) if record.movable else 0
    accesses = [accessed_by(kernel.isa, word) for word in bare.words]
    scheduled = schedule(Code(bare.words, accesses, successors, evolve(record, written=kept), room), gpu)
    return Rescheduled(
        padded(evolve(bare, words=scheduled.words), scheduled.padding),
        scheduled.hazards,
        sum(written & ALL_WRITTEN != 0 for written in kept),
        sum(written & ALL_WRITTEN != ALL_WRITTEN for written in kept),
    )
