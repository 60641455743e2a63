"""The object file format: programs to ELF64 files and back, and programs as text."""

from dstc_isa.object.cubin import is_cubin, read_cubin, read_words
from dstc_isa.object.disassembly import disassemble
from dstc_isa.object.elf_writer import write_object
from dstc_isa.object.error import ObjectError
from dstc_isa.object.listing import listing, read_sources
from dstc_isa.object.reader import read_object

__all__ = [
    "ObjectError",
    "disassemble",
    "is_cubin",
    "listing",
    "read_cubin",
    "read_object",
    "read_sources",
    "read_words",
    "write_object",
]
