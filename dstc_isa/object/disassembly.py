"""Print a program as source text that assembles to the same words."""

import re
from collections.abc import Iterator

from attrs import frozen

from dstc_isa.isa.codec import DecodeError, decode, misplaced
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.text import format_instruction
from dstc_isa.isa.values import Target
from dstc_isa.object.prints import print_text
from dstc_isa.printable import printable
from dstc_isa.program import ConstantArray, Kernel, Print, Program

INDENT = "    "
IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
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
        labels = [f"{name}:" for name in self.labels.get(index * self.word_bytes, ())]
        behind = [INDENT + print_text(each) for each in prints if each.behind]
        return [*behind, *labels, *(INDENT + print_text(each) for each in prints if not each.behind)]


def disassemble(program: Program, *, sources: bool = False) -> str:
    """Source text that assembles to the identical instruction words and constant bytes.

    A word that is no instruction is printed as ``.word 0x...``. Labels keep their names; destinations of branches
    that have none are named after their address. ``sources``: comments say which source line instructions are from.
    """
    lines = constant_lines(program)
    for kernel in program.kernels:
        if lines:
            lines.append("")
        lines.append(f".kernel {kernel.name}")
        lines += [INDENT + line for line in declaration_lines(kernel)]
        text = kernel_text(kernel)
        shown = ""
        for index, instruction in enumerate(text.instructions):
            lines += text.before(index)
            if sources and kernel.locations and (place := kernel.place(index)) != shown:
                lines.append(f"{INDENT}// {printable(place)}")
                shown = place
            lines.append(INDENT + instruction)
        lines += [f"{name}:" for name in text.labels.get(len(kernel.words) * kernel.isa.word.size, ())]
        lines.append(".endkernel")
    return "".join(line + "\n" for line in lines)


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

        raw = f".word 0x{word_format.digits(word)}"
        texts.append(raw if instruction is None else format_instruction(instruction, target))
    prints: dict[int, tuple[Print, ...]] = {}
    for each in kernel.prints:
        prints[each.index] = (*prints.get(each.index, ()), each)
    return KernelText(labels, texts, prints, word_format.size)


def _labels(kernel: Kernel, instructions: list[Instruction | None]) -> dict[int, list[str]]:
    """Byte address -> labels to print there: those of the kernel that the language can write, else a new one."""
    size = kernel.isa.word.size
    code_bytes = len(instructions) * size
    names: dict[int, list[str]] = {}
    for name, address in sorted(kernel.labels.items(), key=lambda item: (item[1], item[0])):
        names.setdefault(address, [])
        if IDENTIFIER.fullmatch(name):
            names[address].append(name)
    for index, instruction in enumerate(instructions):
        for value in instruction.operands if instruction else ():
            if isinstance(value, Target):
                address = (index + 1) * size + value.address
                if 0 <= address <= code_bytes and address % size == 0:
                    names.setdefault(address, [])
    for each in kernel.prints:
        if each.behind:
            names.setdefault(each.index * size, [])
    taken = _declared_names(kernel)
    for address, here in names.items():
        if not here:
            here.append(fresh(f"L_0x{address:x}", taken))
    return names


def fresh(name: str, taken: set[str]) -> str:
    """``name``, lengthened until it is not in ``taken``, to which it is added."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def declaration_lines(kernel: Kernel) -> list[str]:
    """The directives for block size, parameters and shared memory, offsets preserved."""
    lines = [".control manual"]
    if kernel.block is not None:
        lines.append(".block " + ", ".join(str(extent) for extent in kernel.block))
    lines += [f".param .{parameter.written} {parameter.name}" for parameter in kernel.parameters]
    taken = _declared_names(kernel)
    end = 0
    for array in kernel.shared:
        alignment = _alignment(end, array.offset)
        if not alignment:
            lines.append(f".shared {fresh(f'pad_0x{end:x}', taken)}, {array.offset - end}, 1")
            alignment = 1
        lines.append(f".shared {array.name}, {array.size}, {alignment}")
        end = array.offset + array.size
    if end < kernel.shared_bytes:
        lines.append(f".shared {fresh(f'pad_0x{end:x}', taken)}, {kernel.shared_bytes - end}, 1")
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
