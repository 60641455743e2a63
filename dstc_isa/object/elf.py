"""The ELF64 structures and numbers that objects consist of, for the writer and the reader's first checks."""

import struct
import zlib

IDENT = b"\x7fELF\x02\x01\x01" + bytes(9)
"""64 bit, little endian, ELF version 1, no operating system."""

MACHINE = 0xD57C
"""Our own ``e_machine``, unofficial: no registered machine has it, so other tools treat objects as plain ELF."""

TYPE_RELOCATABLE = 1
FORMAT_VERSION = 6

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
NOTE = struct.Struct("<III8sII")
"""Sizes of name and description, type, name, then the description's start: CRC-32 and format version."""

NOTE_NAME = b"DSTC\0"
NOTE_TYPE = 0xD57C
NOTE_OFFSET = HEADER.size
NOTE_FIXED = 8
"""Bytes of the description before the resource record."""

CRC_OFFSET = NOTE_OFFSET + NOTE.size - NOTE_FIXED

SHT_NULL, SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_NOTE = 0, 1, 2, 3, 7
SHF_ALLOC, SHF_EXECINSTR = 2, 4
STB_GLOBAL, STT_FUNC = 1, 2
SECTIONS_LIMIT = 0xFF00
"""From here on section numbers have special meanings."""

NOTE_SECTION = ".note.dstc"
CONSTANTS_SECTION = ".dstc.constants"
TEXT_PREFIX = ".text."
LINES_PREFIX = ".dstc.lines."
PRINTS_PREFIX = ".dstc.prints."


def checksum(data: bytes | bytearray) -> int:
    """CRC-32 of a whole object, its own four bytes taken as zero."""
    view = memoryview(data)
    crc = zlib.crc32(bytes(4), zlib.crc32(view[:CRC_OFFSET]))
    return zlib.crc32(view[CRC_OFFSET + 4 :], crc)
