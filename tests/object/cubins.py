"""Cubins as ptxas lays them out, made of words and source lines."""

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from dstc_isa.object.elf import HEADER, SECTION, SYMBOL

PROGBITS, SYMTAB, STRTAB, NOBITS, REL = 1, 2, 3, 8, 9
ENTRIES = {SYMTAB: SYMBOL.size, REL: 16}
FUNCTION, SECTION_SYMBOL, GLOBAL = 2, 3, 0x10


@frozen
class Function:
    """A kernel: its words, and what else a cubin says of it. ``lines``: address -> file number and line."""

    words: Sequence[int]
    registers: int = 8
    shared: int = 0
    inner: Mapping[str, int] = {}
    lines: Mapping[int, tuple[int, int]] = {}


@frozen
class Part:
    """A section in the making."""

    name: str
    kind: int
    data: bytes
    info: int = 0
    link: int = 0
    size: int = field()

    @size.default
    def _length(self) -> int:
        return len(self.data)


def unsigned(value: int) -> bytes:
    """LEB128."""
    out = bytearray()
    while True:
        out.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def signed(value: int) -> bytes:
    """Signed LEB128."""
    out = bytearray()
    while True:
        low = value & 0x7F
        value >>= 7
        done = value == (-1 if low & 0x40 else 0)
        out.append(low if done else low | 0x80)
        if done:
            return bytes(out)


def line_table(functions: Mapping[str, Function], files: Sequence[str]) -> tuple[bytes, list[int]]:
    """A line table of version 2, and where in it the address of each function with lines stands."""
    header = bytes([1, 1, 0xFB, 14, 10, 0, 1, 1, 1, 1, 0, 0, 0, 1]) + b"/folder\0\0"
    header += b"".join(name.encode() + b"\0\1" + unsigned(12345) + unsigned(678) for name in files) + b"\0"
    body, places = bytearray(), []
    start = 4 + 2 + 4 + len(header)
    for function in functions.values():
        if not function.lines:
            continue
        body += b"\0\x09\x02"
        places.append(start + len(body))
        body += bytes(8)
        address, line, current = 0, 1, 1
        for at, (file, number) in sorted(function.lines.items()):
            if file != current:
                body += b"\x04" + unsigned(file)
                current = file
            step, rise = at - address, number - line
            code = rise + 5 + 14 * step + 10
            if -5 <= rise < 9 and code <= 255:
                body.append(code)
            else:
                body += b"\x03" + signed(rise) + b"\x02" + unsigned(step) + b"\x01"
            address, line = at, number
        body += b"\x02" + unsigned(16 * len(function.words) - address) + b"\0\x01\x01"
    table = (2).to_bytes(2, "little") + len(header).to_bytes(4, "little") + header + bytes(body)
    return len(table).to_bytes(4, "little") + table, places


def cubin(functions: Mapping[str, Function], files: Sequence[str] = (), architecture: int = 70) -> bytes:
    """The file."""
    parts = [Part("", 0, b""), Part(".symtab", SYMTAB, b""), Part(".strtab", STRTAB, b"")]
    symbols = [(0, 0, 0, 0)]
    strings = bytearray(b"\0")

    def symbol(name: str, info: int, section: int, value: int) -> int:
        symbols.append((len(strings), info, section, value))
        strings.extend(name.encode() + b"\0")
        return len(symbols) - 1

    starts = []
    for name, function in functions.items():
        code = b"".join(word.to_bytes(16, "little") for word in function.words)
        parts.append(Part(f".text.{name}", PROGBITS, code, function.registers << 24 | 1))
        number = len(parts) - 1
        symbol(f".text.{name}", SECTION_SYMBOL, number, 0)
        starts.append((symbol(name, GLOBAL | FUNCTION, number, 0), bool(function.lines)))
        for inner, place in function.inner.items():
            symbol(inner, FUNCTION, number, place)
        if function.shared:
            parts.append(Part(f".nv.shared.{name}", NOBITS, b"", number, size=function.shared))
    if files:
        table, places = line_table(functions, files)
        parts.append(Part(".debug_line", PROGBITS, table))
        moved = [start for start, has_lines in starts if has_lines]
        relocations = b"".join(
            place.to_bytes(8, "little") + (start << 32 | 2).to_bytes(8, "little")
            for place, start in zip(places, moved, strict=True)
        )
        parts.append(Part(".rel.debug_line", REL, relocations, len(parts) - 1))
    entries = b"".join(SYMBOL.pack(name, info, 0, section, value, 0) for name, info, section, value in symbols)
    parts[1] = Part(".symtab", SYMTAB, entries, link=2)
    parts[2] = Part(".strtab", STRTAB, bytes(strings))
    names = bytearray()
    places_of_names = []
    for part in (*parts, Part(".shstrtab", STRTAB, b"")):
        places_of_names.append(len(names))
        names.extend(part.name.encode() + b"\0")
    parts.append(Part(".shstrtab", STRTAB, bytes(names)))
    body, headers = bytearray(), []
    for part, name in zip(parts, places_of_names, strict=True):
        offset = HEADER.size + len(body)
        headers.append(
            SECTION.pack(name, part.kind, 0, 0, offset, part.size, part.link, part.info, 16, ENTRIES.get(part.kind, 0))
        )
        body += part.data
    ident = b"\x7fELF\x02\x01\x01\x33\x07" + bytes(7)
    table_at = HEADER.size + len(body)
    header = HEADER.pack(
        ident,
        2,
        190,
        0x81,
        0,
        0,
        table_at,
        0x460500 | architecture,
        HEADER.size,
        0,
        0,
        SECTION.size,
        len(parts),
        len(parts) - 1,
    )
    return header + bytes(body) + b"".join(headers)
