"""The object file format: programs to ELF64 files and back, and programs as text."""

from dstc_isa.object.cubin import program_of
from dstc_isa.object.disassembly import disassemble
from dstc_isa.object.elf_writer import write_object
from dstc_isa.object.error import ObjectError
from dstc_isa.object.listing import listing, read_sources
from dstc_isa.object.reader import read_object

__all__ = [
    "ObjectError",
    "disassemble",
    "listing",
    "program_of",
    "read_object",
    "read_sources",
    "write_object",
]
