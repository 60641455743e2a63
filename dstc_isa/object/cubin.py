"""Read a cubin, the ELF file of machine code that NVIDIA's compilers write, or bare words, as a program.

Places and numbers are those that ptxas 12.9 writes for sm_70 (read off tools).
"""

import struct

from attrs import frozen

from dstc_isa.isa.volta import VOLTA
from dstc_isa.object.elf import HEADER, SECTION, SHT_SYMTAB, STT_FUNC, SYMBOL, TEXT_PREFIX
from dstc_isa.object.error import ObjectError
from dstc_isa.object.line_program import LineProgramError, lines_of
from dstc_isa.program import Frame, Kernel, Location, Program

MACHINE = 190
"""``e_machine`` of CUDA."""

ARCHITECTURE = 70
SHT_NOBITS, SHT_REL = 8, 9
RELOCATION = struct.Struct("<QQ")
SHARED_PREFIX = ".nv.shared."
LINES = ".debug_line"


def is_cubin(data: bytes) -> bool:
    """Whether a file is an ELF file for CUDA's machine."""
    return data[:6] == b"\x7fELF\x02\x01" and data[18:20] == MACHINE.to_bytes(2, "little")


@frozen
class Section:
    """A section: its name, the numbers of its header that are used here, and its bytes."""

    name: str
    kind: int
    size: int
    link: int
    info: int
    data: bytes


@frozen
class Symbol:
    """A symbol: its name, whether it is a function, its section and its place in that."""

    name: str
    function: bool
    section: int
    value: int


def read_cubin(data: bytes) -> Program:
    """The kernels of a cubin for sm_70, in the order of the file, without constants; ObjectError if it is none."""
    sections = _sections(data)
    symbols = _symbols(sections)
    lines = _lines(sections, symbols)
    shared = {s.name.removeprefix(SHARED_PREFIX): s.size for s in sections if s.name.startswith(SHARED_PREFIX)}
    kernels = []
    for number, section in enumerate(sections):
        if not section.name.startswith(TEXT_PREFIX):
            continue
        name = section.name.removeprefix(TEXT_PREFIX)
        if section.size % VOLTA.word.size:
            raise _damaged(f"the code of {name[:80]} is not a whole number of instructions")
        kernels.append(
            Kernel(
                name=name,
                words=VOLTA.word.split(section.data),
                labels=_labels(symbols, number, name),
                locations=_locations(lines.get(number, []), section.size // VOLTA.word.size),
                shared_bytes=shared.get(name, 0),
                registers=section.info >> 24,
            )
        )
    if not kernels:
        raise ObjectError("a cubin without code: it has no section .text.NAME")
    return Program(tuple(kernels))


def read_words(data: bytes) -> Program:
    """A kernel ``code`` of instruction words with nothing around them; ObjectError if they are not whole ones."""
    if not data or len(data) % VOLTA.word.size:
        raise ObjectError(
            f"{len(data)} bytes, which are no whole number of instructions of {VOLTA.word.size} bytes each"
        )
    return Program((Kernel("code", VOLTA.word.split(data)),))


def _damaged(why: str) -> ObjectError:
    return ObjectError(f"damaged cubin: {why}; compile its source again")


def _unpack(layout: struct.Struct, data: bytes, offset: int, what: str) -> tuple[int, ...]:
    if offset < 0 or offset + layout.size > len(data):
        raise _damaged(f"{what} is behind the end of the file")
    return layout.unpack_from(data, offset)


def _text(data: bytes, offset: int) -> str:
    """The string that begins at an offset of a string table."""
    end = data.find(b"\0", offset)
    if offset > len(data) or end < 0:
        raise _damaged("a name is behind the end of its table")
    return data[offset:end].decode("utf-8", "backslashreplace")


def _sections(data: bytes) -> list[Section]:
    header = _unpack(HEADER, data, 0, "its header")
    flags, offset, entry, count, names = header[7], header[6], header[11], header[12], header[13]
    architecture = flags & 0xFF
    if architecture != ARCHITECTURE:
        raise ObjectError(
            f"a cubin for sm_{architecture}; code for sm_{ARCHITECTURE} is read here:"
            f" compile it with -arch=sm_{ARCHITECTURE}"
        )
    if count and entry != SECTION.size:
        raise _damaged(f"headers of sections have {entry} bytes and not {SECTION.size}")
    headers = [_unpack(SECTION, data, offset + index * SECTION.size, f"section {index}") for index in range(count)]
    if names >= count:
        raise _damaged("there is no table of the sections' names")
    contents = []
    for index, (_, kind, _, _, start, size, *_) in enumerate(headers):
        if kind != SHT_NOBITS and start + size > len(data):
            raise _damaged(f"section {index} is behind the end of the file")
        contents.append(b"" if kind == SHT_NOBITS else data[start : start + size])
    return [
        Section(_text(contents[names], name), kind, size, link, info, content)
        for (name, kind, _, _, _, size, link, info, _, _), content in zip(headers, contents, strict=True)
    ]


def _symbols(sections: list[Section]) -> list[Symbol]:
    table = next((section for section in sections if section.kind == SHT_SYMTAB), None)
    if table is None:
        return []
    if table.link >= len(sections):
        raise _damaged("there is no table of the symbols' names")
    names = sections[table.link].data
    found = []
    for offset in range(0, table.size - SYMBOL.size + 1, SYMBOL.size):
        name, info, _, section, value, _ = SYMBOL.unpack_from(table.data, offset)
        found.append(Symbol(_text(names, name), info & 0xF == STT_FUNC, section, value))
    return found


def _labels(symbols: list[Symbol], section: int, kernel: str) -> dict[str, int]:
    """The functions that are copied into a kernel's code."""
    return {s.name: s.value for s in symbols if s.function and s.section == section and s.name != kernel}


def _lines(sections: list[Section], symbols: list[Symbol]) -> dict[int, list[tuple[int, Frame]]]:
    """For each section of code the addresses from which on a source line counts; nothing without a line table."""
    tables = [number for number, section in enumerate(sections) if section.name == LINES]
    if not tables:
        return {}
    moved: dict[int, int] = {}
    for section in sections:
        if section.kind == SHT_REL and section.info == tables[0]:
            for offset in range(0, section.size - RELOCATION.size + 1, RELOCATION.size):
                place, info = RELOCATION.unpack_from(section.data, offset)
                if info >> 32 >= len(symbols):
                    raise _damaged("the line table counts from a symbol that there is not")
                moved[place] = symbols[info >> 32].section
    try:
        return lines_of(sections[tables[0]].data, moved)
    except LineProgramError as error:
        raise _damaged(f"its line table: {error}") from None


def _locations(lines: list[tuple[int, Frame]], count: int) -> tuple[Location, ...]:
    """The source line of each instruction; nothing if there is none."""
    if not lines:
        return ()
    found: list[Location] = [()] * count
    ordered = sorted(lines, key=lambda line: line[0])
    ends = [address for address, _ in ordered[1:]] + [count * VOLTA.word.size]
    for (start, frame), end in zip(ordered, ends, strict=True):
        for index in range(start // VOLTA.word.size, min(count, end // VOLTA.word.size)):
            found[index] = (frame,)
    return tuple(found)
