"""The first checks of a file that claims to be an object: cheap, and enough to hand it to an ELF parser safely."""

from itertools import pairwise

from dstc_isa.object import elf
from dstc_isa.object.check import NAME_LIMIT
from dstc_isa.object.error import ObjectError, damaged, foreign

_TYPES = {elf.SHT_NULL, elf.SHT_PROGBITS, elf.SHT_SYMTAB, elf.SHT_STRTAB, elf.SHT_NOTE}
_FLAGS = {0, elf.SHF_ALLOC, elf.SHF_ALLOC | elf.SHF_EXECINSTR}
_STRING_LIMIT = NAME_LIMIT + len(elf.PRINTS_PREFIX)


def check_layout(data: bytes) -> None:
    """ObjectError unless ``data`` is an unchanged object whose tables point only where they may.

    Afterwards reading each section once, and each name in a string table, takes time and memory in proportion to
    the length of ``data``.
    """
    _check_origin(data)
    _, _, _, _, _, _, at, _, _, _, _, entry, count, names = elf.HEADER.unpack_from(data)
    if not 0 < count < elf.SECTIONS_LIMIT or entry != elf.SECTION.size or at + count * entry > len(data):
        raise damaged(f"the table of {count} sections at byte {at} does not lie within the {len(data)} bytes")
    sections = list(elf.SECTION.iter_unpack(data[at : at + count * entry]))
    extents = sorted((section[4], section[4] + section[5]) for section in sections)
    if any(end > following for (_, end), (following, _) in pairwise([*extents, (len(data), len(data))])):
        raise damaged("sections overlap or go past the end of the file")
    for index, section in enumerate(sections):
        if section[1] not in _TYPES or section[2] not in _FLAGS:
            raise damaged(f"section {index} has type {section[1]} and flags {section[2]}, which no object has")
    _check_strings(data, sections, names, [section[0] for section in sections])
    for index, section in enumerate(sections):
        if section[1] == elf.SHT_SYMTAB:
            if section[5] % elf.SYMBOL.size or section[9] != elf.SYMBOL.size:
                raise damaged(f"section {index} is no table of symbols")
            symbols = elf.SYMBOL.iter_unpack(data[section[4] : section[4] + section[5]])
            _check_strings(data, sections, section[6], [symbol[0] for symbol in symbols])


def _check_origin(data: bytes) -> None:
    """ObjectError unless the file says it is of dstc-asm and its checksum holds."""
    if not data:
        raise foreign("the file is empty")
    if not data.startswith(elf.IDENT[:4]):
        what = "truncated to a few bytes" if elf.IDENT.startswith(data) else "it does not begin as an ELF file does"
        raise foreign(what)
    if len(data) < elf.NOTE_OFFSET + elf.NOTE.size:
        raise damaged(f"it ends after {len(data)} bytes, within its header")
    ident, _, machine, *_ = elf.HEADER.unpack_from(data)
    if ident != elf.IDENT:
        raise foreign("it is an ELF file, but not of the 64-bit little endian kind that objects are")
    if machine != elf.MACHINE:
        raise foreign(f"it is an ELF file for another machine (0x{machine:x}, not 0x{elf.MACHINE:x})")
    _, _, kind, name, crc, version = elf.NOTE.unpack_from(data, elf.NOTE_OFFSET)
    if kind != elf.NOTE_TYPE or not name.startswith(elf.NOTE_NAME):
        raise damaged("its DSTC note is not where it should be")
    if crc != elf.checksum(data):
        raise damaged("its checksum is wrong, so bytes were changed, added or lost")
    if version != elf.FORMAT_VERSION:
        raise ObjectError(
            f"object file of format version {version}, and this dstc-asm reads version {elf.FORMAT_VERSION};"
            " assemble its source again"
        )


def _check_strings(data: bytes, sections: list[tuple[int, ...]], index: int, offsets: list[int]) -> None:
    """ObjectError unless section ``index`` is a string table that holds a name of bounded length at each offset."""
    if index >= len(sections) or sections[index][1] != elf.SHT_STRTAB:
        raise damaged(f"section {index} should be a table of strings")
    table = data[sections[index][4] : sections[index][4] + sections[index][5]]
    if not table.endswith(b"\0") or max(map(len, table.split(b"\0"))) > _STRING_LIMIT:
        raise damaged(f"section {index} has a string that does not end or is too long")
    if max(offsets, default=0) >= len(table):
        raise damaged(f"a name is outside section {index}, the table of strings")
