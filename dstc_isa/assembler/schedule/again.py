"""Fills in a finished kernel's control codes for another GPU, but for those that were written by hand."""

from attrs import evolve, frozen

from dstc_isa.assembler.flow import following
from dstc_isa.assembler.schedule import padding_of, solve
from dstc_isa.assembler.schedule.hazard import Hazard
from dstc_isa.assembler.schedule.padding import padded, unpadded
from dstc_isa.assembler.schedule.work import CONTROL_MASK, Work, reopened_work
from dstc_isa.gpu import Gpu
from dstc_isa.isa.codec import DecodeError, decode
from dstc_isa.isa.field import WORD_BYTES
from dstc_isa.isa.values import Target
from dstc_isa.program import ALL_WRITTEN, MAXIMUM_INSTRUCTIONS, PADDING, RAW, ControlRecord, Kernel


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
        _successors(index, word, written) for index, (word, written) in enumerate(zip(bare.words, kept, strict=True))
    ]

    def gather(boards: bool) -> list[Work]:
        return [reopened_work(word, gpu, written, boards) for word, written in zip(bare.words, kept, strict=True)]

    room = MAXIMUM_INSTRUCTIONS - len(bare.words) if record.movable else 0
    work, hazards = solve(gather, successors, record.landings, room)
    words = [
        word if w.fixed else word & ~CONTROL_MASK | w.control_word() for word, w in zip(bare.words, work, strict=True)
    ]
    return Rescheduled(
        padded(evolve(bare, words=tuple(words)), padding_of(work, successors)),
        hazards,
        sum(written & ALL_WRITTEN != 0 for written in kept),
        sum(written & ALL_WRITTEN != ALL_WRITTEN for written in kept),
    )


def _successors(index: int, word: int, written: int) -> tuple[int, ...]:
    """Indices of the instructions that may follow one; a ``.word`` is taken as no branch."""
    try:
        instruction = decode(word)
    except DecodeError:
        return (index + 1,)
    if written == RAW:
        return (index + 1,)
    target = next((value.address for value in instruction.operands if isinstance(value, Target)), None)
    place = -1 if target is None else index + 1 + target // WORD_BYTES
    return following(index, instruction.declaration.effects, word, place)
