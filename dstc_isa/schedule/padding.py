"""NOPs that let more cycles pass than a stall count holds: put into a finished kernel, and taken out again."""

from collections.abc import Iterable, Sequence

from attrs import evolve, frozen

from dstc_isa.isa.codec import DecodeError, decode, encode_fixed
from dstc_isa.isa.control import Control
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.resolve import resolve
from dstc_isa.isa.values import ALWAYS, Target
from dstc_isa.program import PADDING, ControlRecord, Kernel

NOP = "NOP"
"""The mnemonic under which an instruction set has the instruction that does nothing, in which only time passes."""


@frozen
class Padding:
    """Cycles of NOPs before and behind each instruction; those before it stand behind its labels."""

    before: Sequence[int]
    after: Sequence[int]

    def __bool__(self) -> bool:
        return any(self.before) or any(self.after)


def can_pad(isa: Isa) -> bool:
    """Whether an instruction set has a NOP."""
    return any(declaration.mnemonic == NOP and not declaration.operands for declaration in isa.declarations)


def nops_in(stall: int, longest: int) -> int:
    """How many NOPs an instruction needs beside it for a stall count of so many cycles, the longest there is."""
    return -(-max(0, stall - longest) // longest)


def padded(kernel: Kernel, padding: Padding) -> Kernel:
    """The kernel with NOPs put in; branches go where they went."""
    return _laid_out(kernel, padding, [True] * len(kernel.words)) if padding else kernel


def unpadded(kernel: Kernel, record: ControlRecord) -> Kernel:
    """The kernel without the NOPs that the assembler put in."""
    kept = [written != PADDING for written in record.written]
    nothing = [0] * len(kept)
    return kernel if all(kept) else _laid_out(kernel, Padding(nothing, nothing), kept)


def stays_whole(isa: Isa, words: Iterable[int]) -> bool:
    """Whether every branch goes to an instruction of the kernel, so that instructions can move."""
    words, size = tuple(words), isa.word.size
    for index, word in enumerate(words):
        distance = _distance(isa, word)
        if distance is not None:
            place = (index + 1) * size + distance
            if place % size or not 0 <= place <= len(words) * size:
                return False
    return True


def _laid_out(kernel: Kernel, padding: Padding, kept: Sequence[bool]) -> Kernel:
    isa = kernel.isa
    longest, size = isa.word.control.stall.maximum, isa.word.size
    order: list[tuple[int, int]] = []
    starts = []
    for index, keep in enumerate(kept):
        starts.append(len(order))
        if keep:
            order += [(index, stall) for stall in _stalls(padding.before[index], longest)]
            order.append((index, 0))
            order += [(index, stall) for stall in _stalls(padding.after[index], longest)]
    starts.append(len(order))
    words = []
    for place, (index, stall) in enumerate(order):
        words.append(_nop(isa, stall) if stall else _moved(isa, kernel.words[index], index, place, starts))
    record = kernel.control
    if record is not None:
        written = bytes(PADDING if stall else record.written[index] for index, stall in order)
        record = evolve(record, written=written)
    return evolve(
        kernel,
        words=tuple(words),
        labels={name: starts[at // size] * size for name, at in kernel.labels.items()},
        locations=tuple(kernel.locations[index] for index, _ in order) if kernel.locations else (),
        control=record,
        through=tuple(0 if stall else kernel.through[index] for index, stall in order) if kernel.through else (),
        prints=tuple(evolve(each, index=starts[each.index]) for each in kernel.prints),
    )


def _stalls(cycles: int, longest: int) -> list[int]:
    """Stall counts that add up to so many cycles, the longest there is as often as it fits."""
    whole, rest = divmod(cycles, longest)
    return [longest] * whole + [rest] * (rest > 0)


def _nop(isa: Isa, stall: int) -> int:
    declaration, modifiers, _ = next(iter(resolve(isa, NOP)))
    fixed = encode_fixed(declaration, declaration.forms[0], modifiers)
    return fixed | isa.word.encode_guard(ALWAYS) | isa.word.control.encode(Control(stall=stall))


def _distance(isa: Isa, word: int) -> int | None:
    """Bytes from the next instruction to where a word branches; None if it names no place."""
    try:
        operands = decode(isa, word).operands
    except DecodeError:
        return None
    return next((value.address for value in operands if isinstance(value, Target)), None)


def _moved(isa: Isa, word: int, index: int, place: int, starts: Sequence[int]) -> int:
    """The word of instruction ``index``, now at ``place``, with its target where that is now."""
    distance = _distance(isa, word)
    if distance is None:
        return word
    instruction, size = decode(isa, word), isa.word.size
    target = starts[index + 1 + distance // size]
    for number, operand in enumerate(instruction.declaration.operands):
        if operand.relative:
            word &= ~sum(field.mask for field in operand.fields(instruction.form, number))
            word |= operand.encode(Target((target - place - 1) * size), instruction.form, number)
    return word
