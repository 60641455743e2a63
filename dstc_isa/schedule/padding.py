"""NOPs that let more cycles pass than a stall count holds: put into a finished kernel, and taken out again."""

from collections.abc import Iterable, Sequence

from attrs import evolve, frozen

from dstc_isa.isa.codec import DecodeError, decode, encode_fixed, encode_guard
from dstc_isa.isa.control import STALL, Control
from dstc_isa.isa.field import WORD_BYTES
from dstc_isa.isa.resolve import resolve
from dstc_isa.isa.values import ALWAYS, Target
from dstc_isa.program import PADDING, ControlRecord, Kernel


@frozen
class Padding:
    """Cycles of NOPs before and behind each instruction; those before it stand behind its labels."""

    before: Sequence[int]
    after: Sequence[int]

    def __bool__(self) -> bool:
        return any(self.before) or any(self.after)


def nops_in(stall: int) -> int:
    """How many NOPs an instruction needs beside it for a stall count of so many cycles."""
    return -(-max(0, stall - STALL.maximum) // STALL.maximum)


def padded(kernel: Kernel, padding: Padding) -> Kernel:
    """The kernel with NOPs put in; branches go where they went."""
    return _laid_out(kernel, padding, [True] * len(kernel.words)) if padding else kernel


def unpadded(kernel: Kernel, record: ControlRecord) -> Kernel:
    """The kernel without the NOPs that the assembler put in."""
    kept = [written != PADDING for written in record.written]
    nothing = [0] * len(kept)
    return kernel if all(kept) else _laid_out(kernel, Padding(nothing, nothing), kept)


def stays_whole(words: Iterable[int]) -> bool:
    """Whether every branch goes to an instruction of the kernel, so that instructions can move."""
    words = tuple(words)
    for index, word in enumerate(words):
        distance = _distance(word)
        if distance is not None:
            place = (index + 1) * WORD_BYTES + distance
            if place % WORD_BYTES or not 0 <= place <= len(words) * WORD_BYTES:
                return False
    return True


def _laid_out(kernel: Kernel, padding: Padding, kept: Sequence[bool]) -> Kernel:
    order: list[tuple[int, int]] = []
    starts = []
    for index, keep in enumerate(kept):
        starts.append(len(order))
        if keep:
            order += [(index, stall) for stall in _stalls(padding.before[index])]
            order.append((index, 0))
            order += [(index, stall) for stall in _stalls(padding.after[index])]
    starts.append(len(order))
    words = []
    for place, (index, stall) in enumerate(order):
        words.append(_nop(stall) if stall else _moved(kernel.words[index], index, place, starts))
    record = kernel.control
    if record is not None:
        written = bytes(PADDING if stall else record.written[index] for index, stall in order)
        record = evolve(record, written=written)
    return evolve(
        kernel,
        words=tuple(words),
        labels={name: starts[at // WORD_BYTES] * WORD_BYTES for name, at in kernel.labels.items()},
        locations=tuple(kernel.locations[index] for index, _ in order) if kernel.locations else (),
        control=record,
        through=tuple(0 if stall else kernel.through[index] for index, stall in order) if kernel.through else (),
        prints=tuple(evolve(each, index=starts[each.index]) for each in kernel.prints),
    )


def _stalls(cycles: int) -> list[int]:
    """Stall counts that add up to so many cycles."""
    whole, rest = divmod(cycles, STALL.maximum)
    return [STALL.maximum] * whole + [rest] * (rest > 0)


def _nop(stall: int) -> int:
    declaration, modifiers = next(iter(resolve("NOP")))
    form = declaration.forms[0]
    return encode_fixed(declaration, form, modifiers) | encode_guard(ALWAYS) | Control(stall=stall).encode()


def _distance(word: int) -> int | None:
    """Bytes from the next instruction to where a word branches; None if it names no place."""
    try:
        operands = decode(word).operands
    except DecodeError:
        return None
    return next((value.address for value in operands if isinstance(value, Target)), None)


def _moved(word: int, index: int, place: int, starts: Sequence[int]) -> int:
    """The word of instruction ``index``, now at ``place``, with its target where that is now."""
    distance = _distance(word)
    if distance is None:
        return word
    instruction = decode(word)
    target = starts[index + 1 + distance // WORD_BYTES]
    for number, operand in enumerate(instruction.declaration.operands):
        if operand.relative:
            word &= ~sum(field.mask for field in operand.fields(instruction.form, number))
            word |= operand.encode(Target((target - place - 1) * WORD_BYTES), instruction.form, number)
    return word
