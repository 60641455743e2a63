"""Read a cubin, the ELF file of machine code that NVIDIA's compilers write.

Places and numbers are those that ptxas 12.9 writes for sm_70 (read off tools).
"""

import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from dstc_isa.errors import DstcError
from dstc_isa.listing.line_program import Line, LineProgramError, lines_of

MACHINE = 190
"""``e_machine`` of CUDA."""

ARCHITECTURE = 70
WORD_BYTES = 16
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
RELOCATION = struct.Struct("<QQ")
SHT_SYMTAB, SHT_NOBITS, SHT_REL = 2, 8, 9
STT_FUNC = 2
TEXT_PREFIX, SHARED_PREFIX, LINES = ".text.", ".nv.shared.", ".debug_line"


class CubinError(DstcError, ValueError):
    """A cubin that cannot be read here, or that is damaged; the message says how to mend it."""


def is_cubin(data: bytes) -> bool:
    """Whether a file is an ELF file for CUDA's machine."""
    return data[:6] == b"\x7fELF\x02\x01" and data[18:20] == MACHINE.to_bytes(2, "little")


class Code(NamedTuple):
    """The code of a kernel: its words, one behind the other, and what a launch and a listing need.

    ``labels``: the functions that are copied into it, with their addresses. ``lines``: address from which on a source
    line counts, ascending.
    """

    name: str
    data: bytes
    registers: int = 0
    shared_bytes: int = 0
    labels: Mapping[str, int] = {}
    lines: tuple[tuple[int, Line], ...] = ()

    def runs(self, count: int) -> Iterator[tuple[int, int, Line]]:
        """The first of each run of instructions from one source line, the one behind its last, and the line.

        ``count``: how many instructions there are.
        """
        ends = [*(address for address, _ in self.lines[1:]), count * WORD_BYTES]
        for (start, line), behind in zip(self.lines, ends, strict=False):
            first, end = start // WORD_BYTES, min(count, behind // WORD_BYTES)
            if first < end:
                yield first, end, line


class Section(NamedTuple):
    """A section: its name, the numbers of its header that are used here, and its bytes."""

    name: str
    kind: int
    size: int
    link: int
    info: int
    data: bytes


class Symbol(NamedTuple):
    """A symbol: its name, whether it is a function, its section and its place in that."""

    name: str
    function: bool
    section: int
    value: int


def read_cubin(data: bytes) -> list[Code]:
    """The kernels of a cubin for sm_70, in the order of the file; CubinError if it is none."""
    sections = _sections(data)
    symbols = _symbols(sections)
    lines = _lines(sections, symbols)
    shared = {s.name.removeprefix(SHARED_PREFIX): s.size for s in sections if s.name.startswith(SHARED_PREFIX)}
    kernels = []
    for number, section in enumerate(sections):
        if not section.name.startswith(TEXT_PREFIX):
            continue
        name = section.name.removeprefix(TEXT_PREFIX)
        kernels.append(
            Code(
                name,
                whole_words(section.data, f"the code of {name[:80]}"),
                registers=section.info >> 24,
                shared_bytes=shared.get(name, 0),
                labels=_labels(symbols, number, name),
                lines=tuple(sorted(lines.get(number, []), key=lambda line: line[0])),
            )
        )
    if not kernels:
        raise CubinError("a cubin without code: it has no section .text.NAME")
    return kernels


def bare_words(data: bytes) -> list[Code]:
    """A kernel ``code`` of instruction words with nothing around them; CubinError if they are not whole ones."""
    return [Code("code", whole_words(data, "the file"))]


def whole_words(data: bytes, what: str) -> bytes:
    """The same bytes; CubinError if they are not whole instructions."""
    if not data or len(data) % WORD_BYTES:
        raise CubinError(f"{what} has {len(data)} bytes, no whole number of instructions of {WORD_BYTES} bytes each")
    return data


def _damaged(why: str) -> CubinError:
    return CubinError(f"damaged cubin: {why}; compile its source again")


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
        raise CubinError(
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


def _lines(sections: list[Section], symbols: list[Symbol]) -> dict[int, list[tuple[int, Line]]]:
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
