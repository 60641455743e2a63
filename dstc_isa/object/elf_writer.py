"""Write a program as an ELF64 object."""

from attrs import frozen

from dstc_isa.object import elf
from dstc_isa.object.check import check_program
from dstc_isa.object.line_table import encode_locations
from dstc_isa.object.prints import encode_prints
from dstc_isa.object.resources import encode_resources
from dstc_isa.program import Kernel, Program

WORD_ALIGNMENT = 16
TABLE_ALIGNMENT = 8


@frozen
class Section:
    """A section to be written; ``link``, ``info`` and ``entry`` are the header's fields of that meaning."""

    name: str
    type: int
    data: bytes
    flags: int = 0
    alignment: int = 1
    link: int = 0
    info: int = 0
    entry: int = 0


class StringTable:
    """An ELF string table in the making: each string once, the empty one first."""

    def __init__(self) -> None:
        self.data = bytearray(1)
        self._offsets = {"": 0}

    def add(self, text: str) -> int:
        """The offset of ``text``, appended if it is new."""
        if text not in self._offsets:
            self._offsets[text] = len(self.data)
            self.data += text.encode() + b"\0"
        return self._offsets[text]


def write_object(program: Program) -> bytes:
    """The object file's bytes, the same for the same program; ObjectError if no object can hold the program."""
    check_program(program)
    sections = [Section("", elf.SHT_NULL, b"", alignment=0), _note(program)]
    if program.constants:
        sections.append(
            Section(elf.CONSTANTS_SECTION, elf.SHT_PROGBITS, program.constants, elf.SHF_ALLOC, WORD_ALIGNMENT)
        )
    first_text = len(sections)
    flags = elf.SHF_ALLOC | elf.SHF_EXECINSTR
    for kernel in program.kernels:
        sections.append(
            Section(elf.TEXT_PREFIX + kernel.name, elf.SHT_PROGBITS, code_bytes(kernel), flags, WORD_ALIGNMENT)
        )
    for kernel in program.kernels:
        if kernel.locations:
            lines = encode_locations(kernel.locations)
            sections.append(Section(elf.LINES_PREFIX + kernel.name, elf.SHT_PROGBITS, lines))
    for kernel in program.kernels:
        if kernel.prints:
            sections.append(Section(elf.PRINTS_PREFIX + kernel.name, elf.SHT_PROGBITS, encode_prints(kernel.prints)))
    names = StringTable()
    symbols, locals_count = _symbols(program, first_text, names)
    symtab = Section(
        ".symtab",
        elf.SHT_SYMTAB,
        symbols,
        alignment=TABLE_ALIGNMENT,
        link=len(sections) + 1,
        info=locals_count,
        entry=elf.SYMBOL.size,
    )
    return _assemble_file([*sections, symtab, Section(".strtab", elf.SHT_STRTAB, bytes(names.data))])


def code_bytes(kernel: Kernel) -> bytes:
    """The kernel's instruction words as they stand in memory."""
    return kernel.isa.word.join(kernel.words)


def _note(program: Program) -> Section:
    resources = encode_resources(program)
    description = elf.NOTE_FIXED + len(resources)
    head = elf.NOTE.pack(len(elf.NOTE_NAME), description, elf.NOTE_TYPE, elf.NOTE_NAME, 0, elf.FORMAT_VERSION)
    return Section(elf.NOTE_SECTION, elf.SHT_NOTE, head + resources + bytes(-len(resources) % 4), alignment=4)


def _symbols(program: Program, first_text: int, names: StringTable) -> tuple[bytes, int]:
    """The symbol table, and how many of its first symbols are local."""
    table = [bytes(elf.SYMBOL.size)]
    for index, kernel in enumerate(program.kernels, first_text):
        for label, address in sorted(kernel.labels.items(), key=lambda item: (item[1], item[0])):
            table.append(elf.SYMBOL.pack(names.add(label), 0, 0, index, address, 0))
    locals_count = len(table)
    info = elf.STB_GLOBAL << 4 | elf.STT_FUNC
    for index, kernel in enumerate(program.kernels, first_text):
        size = len(kernel.words) * kernel.isa.word.size
        table.append(elf.SYMBOL.pack(names.add(kernel.name), info, 0, index, 0, size))
    return b"".join(table), locals_count


def _assemble_file(sections: list[Section]) -> bytes:
    """Header, the sections with the table of their names, the section headers; then the checksum is filled in."""
    names = StringTable()
    offsets = [names.add(section.name) for section in sections]
    offsets.append(names.add(".shstrtab"))
    sections = [*sections, Section(".shstrtab", elf.SHT_STRTAB, bytes(names.data))]
    file = bytearray(elf.HEADER.size)
    headers = bytearray()
    for section, name in zip(sections, offsets, strict=True):
        place = 0
        if section.type != elf.SHT_NULL:
            file += bytes(-len(file) % section.alignment)
            place = len(file)
        file += section.data
        headers += elf.SECTION.pack(
            name,
            section.type,
            section.flags,
            0,
            place,
            len(section.data),
            section.link,
            section.info,
            section.alignment,
            section.entry,
        )
    file += bytes(-len(file) % TABLE_ALIGNMENT)
    elf.HEADER.pack_into(
        file,
        0,
        elf.IDENT,
        elf.TYPE_RELOCATABLE,
        elf.MACHINE,
        1,
        0,
        0,
        len(file),
        0,
        elf.HEADER.size,
        0,
        0,
        elf.SECTION.size,
        len(sections),
        len(sections) - 1,
    )
    file += headers
    file[elf.CRC_OFFSET : elf.CRC_OFFSET + 4] = elf.checksum(file).to_bytes(4, "little")
    return bytes(file)
