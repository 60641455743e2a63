"""Print a program with addresses, words, text and source lines side by side."""

import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from dstc_isa.object.disassembly import kernel_text
from dstc_isa.printable import printable
from dstc_isa.program import Kernel, Program

SOURCE_LIMIT = 1 << 24
"""Bytes; a larger file is not taken for source."""

Sources = Mapping[str, Sequence[str]]


def listing(program: Program, sources: Sources | None = None) -> str:
    """Per instruction: byte address, word, text, ``file:line`` and that source line.

    ``sources``: file name -> lines; without it the files are read where they still exist.
    """
    if sources is None:
        sources = read_sources(program)
    blocks = [_list_kernel(kernel, sources) for kernel in program.kernels]
    return "\n".join("".join(line + "\n" for line in block) for block in blocks)


def read_sources(program: Program) -> dict[str, list[str]]:
    """The lines of the source files the program's locations name, of those that are plain files."""
    names = {location[0].file for kernel in program.kernels for location in set(kernel.locations) if location}
    sources = {}
    for name in sorted(names):
        try:
            status = Path(name).stat()
            if stat.S_ISREG(status.st_mode) and status.st_size <= SOURCE_LIMIT:
                with Path(name).open(encoding="utf-8", errors="replace") as file:
                    sources[name] = file.read(SOURCE_LIMIT).split("\n")
        except (OSError, ValueError):
            continue
    return sources


def _list_kernel(kernel: Kernel, sources: Sources) -> list[str]:
    block = "any" if kernel.block is None else " x ".join(str(extent) for extent in kernel.block)
    lines = [
        f"kernel {kernel.name}: {len(kernel.words)} instructions, {kernel.registers} registers,"
        f" {kernel.shared_bytes} bytes of shared memory, block size {block}"
    ]
    lines += [
        f"  parameter {parameter.name} .{parameter.written} at byte {parameter.offset}"
        for parameter in kernel.parameters
    ]
    lines += [f"  shared {array.name}: {array.size} bytes at byte {array.offset}" for array in kernel.shared]
    text, word_format = kernel_text(kernel), kernel.isa.word
    width = max(map(len, text.instructions), default=0)
    for index, (word, instruction) in enumerate(zip(kernel.words, text.instructions, strict=True)):
        address = index * word_format.size
        lines += map(printable, text.before(index))
        line = (
            f"  0x{address:04x}  {word_format.digits(word)}  {instruction:{width}}  {_source(kernel, index, sources)}"
        )
        lines.append(line.rstrip())
    lines += [f"{name}:" for name in text.labels.get(len(kernel.words) * word_format.size, ())]
    return lines


def _source(kernel: Kernel, index: int, sources: Sources) -> str:
    """Where an instruction comes from, and the text of its innermost source line."""
    place = kernel.place(index)
    location = kernel.locations[index] if kernel.locations else ()
    if location:
        lines = sources.get(location[0].file, ())
        if 0 < location[0].line <= len(lines):
            place += f"  | {lines[location[0].line - 1].strip()}"
    return printable(place)
