"""Line tables in the form of DWARF 2 to 4, section 6.2: from code addresses to source lines.

Cubins have them without any other DWARF data, so that readers that begin with compilation units find nothing.
"""

import struct
from typing import NamedTuple

from dstc_isa.errors import DstcError

COPY, ADVANCE_PC, ADVANCE_LINE, SET_FILE, SET_COLUMN = 1, 2, 3, 4, 5
CONST_ADD_PC, FIXED_ADVANCE_PC = 8, 9
END_SEQUENCE, SET_ADDRESS, DEFINE_FILE = 1, 2, 3
VERSIONS = (2, 3, 4)

Line = tuple[str, int]
"""A file and the number of a line in it, from 1."""


class LineProgramError(DstcError, ValueError):
    """A line table that cannot be read; the message says why."""


class _Bytes:
    """Numbers and strings out of bytes, one after the other."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def number(self, size: int) -> int:
        if self.at + size > self.end:
            raise LineProgramError("it ends too early")
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at], "little")

    def unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def signed(self) -> int:
        start = self.at
        value = self.unsigned()
        bits = 7 * (self.at - start)
        return value - (1 << bits) if value >> (bits - 1) else value

    def text(self) -> str:
        stop = self.data.find(b"\0", self.at, self.end)
        if stop < 0:
            raise LineProgramError("a name does not end")
        found = self.data[self.at : stop]
        self.at = stop + 1
        return found.decode("utf-8", "backslashreplace")


class _Header(NamedTuple):
    """What a line program begins with."""

    least: int
    line_base: int
    line_range: int
    lengths: list[int]
    files: list[str]
    folders: list[str]

    def file(self, number: int) -> str:
        return self.files[number - 1] if 0 < number <= len(self.files) else "?"


def lines_of(data: bytes, moved: dict[int, int]) -> dict[int, list[tuple[int, Line]]]:
    """For each section of code its addresses from which on a source line counts, in the order of the table.

    ``moved``: place of an address in ``data`` -> number of the section that it counts from. Raises LineProgramError.
    """
    found: dict[int, list[tuple[int, Line]]] = {}
    at = 0
    while at + 4 <= len(data):
        (length,) = struct.unpack_from("<I", data, at)
        end = at + 4 + length
        if end > len(data):
            raise LineProgramError("it ends too early")
        _run(_Bytes(data, at + 4, end), moved, found)
        at = end
    return found


def _header(source: _Bytes) -> _Header:
    version = source.number(2)
    if version not in VERSIONS:
        raise LineProgramError(f"it is of version {version}, and not of {VERSIONS[0]} to {VERSIONS[-1]}")
    program = source.number(4)
    program += source.at
    least = source.number(1)
    if version >= VERSIONS[-1]:
        source.number(1)
    source.number(1)
    line_base = struct.unpack("b", bytes([source.number(1)]))[0]
    line_range, opcodes = source.number(1), source.number(1)
    if not line_range or not opcodes:
        raise LineProgramError("its header is malformed")
    header = _Header(least, line_base, line_range, [source.number(1) for _ in range(opcodes - 1)], [], [])
    while folder := source.text():
        header.folders.append(folder)
    while name := source.text():
        _add_file(header, source, name)
    source.at = program
    return header


def _add_file(header: _Header, source: _Bytes, name: str) -> None:
    folder = source.unsigned()
    source.unsigned()
    source.unsigned()
    inside = 0 < folder <= len(header.folders) and not name.startswith("/")
    header.files.append(f"{header.folders[folder - 1]}/{name}" if inside else name)


def _run(source: _Bytes, moved: dict[int, int], found: dict[int, list[tuple[int, Line]]]) -> None:
    """Execute one line program."""
    header = _header(source)
    special = len(header.lengths) + 1
    section, address, file, line = -1, 0, 1, 1

    def row() -> None:
        found.setdefault(section, []).append((address, (header.file(file), max(0, line))))

    while source.at < source.end:
        code = source.number(1)
        if code >= special:
            address += (code - special) // header.line_range * header.least
            line += header.line_base + (code - special) % header.line_range
            row()
        elif code == 0:
            size = source.unsigned()
            following = source.at + size
            extended = source.number(1) if size else 0
            if extended == SET_ADDRESS:
                section = moved.get(source.at, -1)
                address = source.number(size - 1)
            elif extended == DEFINE_FILE:
                _add_file(header, source, source.text())
            elif extended == END_SEQUENCE:
                section, address, file, line = -1, 0, 1, 1
            source.at = following
        elif code == COPY:
            row()
        elif code == ADVANCE_PC:
            address += source.unsigned() * header.least
        elif code == ADVANCE_LINE:
            line += source.signed()
        elif code == SET_FILE:
            file = source.unsigned()
        elif code == CONST_ADD_PC:
            address += (255 - special) // header.line_range * header.least
        elif code == FIXED_ADVANCE_PC:
            address += source.number(2)
        else:
            for _ in range(header.lengths[code - 1]):
                source.unsigned()
