"""Print a program as source text that assembles to the same words."""

from collections.abc import Iterator

from attrs import frozen

from dstc_isa.isa.codec import DecodeError, decode, misplaced
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.text import format_instruction
from dstc_isa.isa.values import Target
from dstc_isa.listing.kernel_lines import (
    INDENT,
    MANUAL,
    fresh,
    kernel_lines,
    label_lines,
    labels_of,
    padding,
    raw_word,
    source_notes,
    text_of,
)
from dstc_isa.object.prints import print_text
from dstc_isa.program import ConstantArray, Kernel, Print, Program

_ELEMENTS = ((4, ".u32"), (2, ".u16"), (1, ".u8"))


@frozen
class KernelText:
    """A kernel in words: ``labels``, byte address -> names; ``instructions``, one line of source per word.

    ``prints``: those before each instruction. ``word_bytes``: bytes of a word.
    """

    labels: dict[int, list[str]]
    instructions: list[str]
    prints: dict[int, tuple[Print, ...]]
    word_bytes: int

    def before(self, index: int) -> list[str]:
        """Lines before an instruction: PRINTs behind the one before it, its labels, its own PRINTs."""
        prints = self.prints.get(index, ())
        labels = label_lines(self.labels.get(index * self.word_bytes, ()))
        behind = [INDENT + print_text(each) for each in prints if each.behind]
        return [*behind, *labels, *(INDENT + print_text(each) for each in prints if not each.behind)]


def disassemble(program: Program, *, sources: bool = False) -> str:
    """Source text that assembles to the identical instruction words and constant bytes.

    A word that is no instruction is printed as ``.word 0x...``. Labels keep their names; destinations of branches
    that have none are named after their address. ``sources``: comments say which source line instructions are from.
    """
    return text_of([constant_lines(program), *(_lines(kernel, sources) for kernel in program.kernels)])


def _lines(kernel: Kernel, sources: bool) -> list[str]:
    text, count = kernel_text(kernel), len(kernel.words)
    before = {index: text.before(index) for index in range(count)}
    before[count] = label_lines(text.labels.get(count * kernel.isa.word.size, ()))
    if sources and kernel.locations:
        for index, note in source_notes((index, kernel.place(index)) for index in range(count)).items():
            before[index].append(note)
    return kernel_lines(kernel.name, declaration_lines(kernel), text.instructions, before)


def kernel_text(kernel: Kernel) -> KernelText:
    """The kernel's instructions as source text, with labels for all destinations inside it."""
    word_format = kernel.isa.word
    instructions = [_decoded(kernel.isa, word) for word in kernel.words]
    labels = _labels(kernel, instructions)
    texts = []
    for index, (word, instruction) in enumerate(zip(kernel.words, instructions, strict=True)):
        following = (index + 1) * word_format.size

        def target(distance: int, following: int = following) -> str | None:
            return next(iter(labels.get(following + distance, ())), None)

        raw = raw_word(word_format.digits(word))
        texts.append(raw if instruction is None else format_instruction(instruction, target))
    prints: dict[int, tuple[Print, ...]] = {}
    for each in kernel.prints:
        prints[each.index] = (*prints.get(each.index, ()), each)
    return KernelText(labels, texts, prints, word_format.size)


def _labels(kernel: Kernel, instructions: list[Instruction | None]) -> dict[int, list[str]]:
    """Byte address -> labels to print there."""
    size = kernel.isa.word.size
    destinations = [
        (index + 1) * size + value.address
        for index, instruction in enumerate(instructions)
        for value in (instruction.operands if instruction else ())
        if isinstance(value, Target)
    ]
    destinations += [each.index * size for each in kernel.prints if each.behind]
    return labels_of(kernel.labels, destinations, len(instructions) * size, size, _declared_names(kernel))


def declaration_lines(kernel: Kernel) -> list[str]:
    """The directives for block size, parameters and shared memory, offsets preserved."""
    lines = [MANUAL]
    if kernel.block is not None:
        lines.append(".block " + ", ".join(str(extent) for extent in kernel.block))
    lines += [f".param .{parameter.written} {parameter.name}" for parameter in kernel.parameters]
    taken = _declared_names(kernel)
    end = 0
    for array in kernel.shared:
        alignment = _alignment(end, array.offset)
        if not alignment:
            lines.append(padding(end, array.offset, taken))
            alignment = 1
        lines.append(f".shared {array.name}, {array.size}, {alignment}")
        end = array.offset + array.size
    if end < kernel.shared_bytes:
        lines.append(padding(end, kernel.shared_bytes, taken))
    return lines


def constant_lines(program: Program) -> list[str]:
    """The constant bank as one ``.const`` per array, and one per gap between arrays."""
    taken = {array.name for array in program.constant_arrays}
    lines = []
    for name, start, end in _covering(program.constant_arrays, len(program.constants), taken):
        size, element = next((s, e) for s, e in _ELEMENTS if start % s == 0 and (end - start) % s == 0)
        values = (int.from_bytes(program.constants[at : at + size], "little") for at in range(start, end, size))
        lines.append(f".const {name}, {element}, " + ", ".join(f"0x{value:x}" for value in values))
    return lines


def _covering(arrays: tuple[ConstantArray, ...], size: int, taken: set[str]) -> Iterator[tuple[str, int, int]]:
    """Name, start and end of each array that has bytes and of each gap, in order, so that all is covered."""
    end = 0
    for array in arrays:
        if array.offset > end:
            yield fresh(f"pad_0x{end:x}", taken), end, array.offset
        end = array.offset + array.size
        if array.size:
            yield array.name, array.offset, end
    if end < size:
        yield fresh(f"pad_0x{end:x}", taken), end, size


def _alignment(end: int, offset: int) -> int:
    """The least power of two that, as an alignment, moves ``end`` to ``offset``; 0 if none does."""
    alignment = 1
    while alignment <= offset:
        if -(-end // alignment) * alignment == offset:
            return alignment
        alignment *= 2
    return 1 if end == offset else 0


def _declared_names(kernel: Kernel) -> set[str]:
    return {*kernel.labels, *(p.name for p in kernel.parameters), *(array.name for array in kernel.shared)}


def _decoded(isa: Isa, word: int) -> Instruction | None:
    """The instruction of a word, None for one that cannot be written: it is none, or its registers are misplaced."""
    try:
        instruction = decode(isa, word)
    except DecodeError:
        return None
    return instruction if misplaced(instruction) is None else None
