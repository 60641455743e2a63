"""Read an ELF64 object back into a program."""

import io
import struct
from typing import Any

from attrs import evolve

from dstc_isa.isa.identity import Parts, parts_of
from dstc_isa.isa.instruction_set import Isa, IsaError, isa_named
from dstc_isa.object import elf
from dstc_isa.object.check import NAME_LIMIT
from dstc_isa.object.elf_writer import write_object
from dstc_isa.object.error import ObjectError, damaged
from dstc_isa.object.line_table import decode_locations
from dstc_isa.object.prints import decode_prints
from dstc_isa.object.resources import decode_resources
from dstc_isa.object.section_layout import check_layout
from dstc_isa.program import Program


def read_object(data: bytes) -> Program:
    """The program in an object file's bytes; ObjectError if they are not exactly what write_object makes of it."""
    check_layout(data)
    program, made = _read_sections(data)
    words = (word for kernel in program.kernels for word in kernel.words)
    check_parts(program.isa.name, made, parts_of(program.isa, words))
    try:
        rewritten = write_object(program)
    except ObjectError as error:
        raise damaged(str(error)) from None
    if rewritten != data:
        raise damaged("it is not in the form that dstc-asm writes")
    return program


def instruction_set(name: str, made: Parts) -> Isa:
    """The instruction set that an object names; ObjectError if it is not loaded."""
    if not all(text.isprintable() and len(text) <= NAME_LIMIT for text in (name, *made, *made.values())):
        raise damaged("it names an instruction set that there cannot be")
    try:
        return isa_named(name)
    except IsaError as error:
        others = [part for part in made if part != name]
        those = (
            f"its declarations, and those of {' and '.join(others)}, with --isa"
            if others
            else f"its declarations with --isa {name}.py"
        )
        raise ObjectError(
            f"object with words of {name} [{made.get(name, '?')}], which is not loaded: {error}; give {those}"
        ) from None


def check_parts(isa: str, made: Parts, known: Parts) -> None:
    """ObjectError unless the instructions of an object mean what they meant when it was made."""
    if made == known:
        return
    lacking = [name for name in made if name not in known]
    if lacking:
        loaded = [name for name in known if name not in made and name != isa]
        instead = f", and its words are instructions of {' and '.join(loaded)} here" if loaded else ""
        raise ObjectError(
            f"object with instructions of {' and '.join(f'{n} [{made[n]}]' for n in lacking)}, which is not"
            f" loaded{instead}; give its declarations with {' '.join(f'--isa {name}.py' for name in lacking)}"
        )
    for name in made:
        if made[name] != known[name]:
            what = "instructions" if name == isa else f"declarations of {name}"
            raise ObjectError(
                f"object made with {name} [{made[name]}], and the {what} that it uses are others:"
                f" {name} [{known[name]}]; assemble its source again"
            )
    more = " and ".join(f"{name} [{known[name]}]" for name in known if name not in made)
    raise ObjectError(
        f"object made without the instructions of {more}, which would give words of it another meaning;"
        " leave that --isa out, or assemble its source again with it"
    )


def _read_sections(data: bytes) -> tuple[Program, Parts]:
    """The program that the sections describe, whether or not its parts agree, and what it was made with."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    contents: dict[str, bytes] = {}
    labels: dict[str, dict[str, int]] = {}
    try:
        sections = list(ELFFile(io.BytesIO(data)).iter_sections())
        for section in sections:
            contents[section.name] = section.data()
            if isinstance(section, SymbolTableSection):
                _collect_labels(section, [s.name for s in sections], labels)
    except (ELFError, UnicodeDecodeError, struct.error):
        raise damaged("its ELF structure cannot be read") from None

    program, name, made = decode_resources(_resource_record(contents))
    isa = instruction_set(name, made)
    kernels = []
    for kernel in program.kernels:
        code = contents.pop(elf.TEXT_PREFIX + kernel.name, None)
        if code is None or len(code) % isa.word.size:
            raise damaged(f"the code of kernel {kernel.name[:40]!r} is missing or not a whole number of instructions")
        words = isa.word.split(code)
        table = contents.pop(elf.LINES_PREFIX + kernel.name, None)
        what = f"line table of kernel {kernel.name[:40]!r}"
        locations = () if table is None else decode_locations(table, len(words), what)
        record = contents.pop(elf.PRINTS_PREFIX + kernel.name, None)
        what = f"PRINTs of kernel {kernel.name[:40]!r}"
        prints = () if record is None else decode_prints(record, len(words), what)
        found = labels.get(elf.TEXT_PREFIX + kernel.name, {})
        kernels.append(evolve(kernel, words=words, labels=found, locations=locations, prints=prints, isa=isa))
    return evolve(program, kernels=tuple(kernels), constants=contents.get(elf.CONSTANTS_SECTION, b"")), made


def _collect_labels(table: Any, sections: list[str], labels: dict[str, dict[str, int]]) -> None:
    """Add the local symbols to ``labels``: name of the section they are in -> label -> byte address."""
    for symbol in table.iter_symbols():
        index = symbol["st_shndx"]
        if symbol["st_info"]["bind"] == "STB_LOCAL" and isinstance(index, int) and index < len(sections):
            labels.setdefault(sections[index], {})[symbol.name] = symbol["st_value"]


def _resource_record(contents: dict[str, bytes]) -> bytes:
    """The resource record out of the note, without its padding."""
    note = contents.get(elf.NOTE_SECTION, b"")
    if len(note) < elf.NOTE.size:
        raise damaged(f"it has no section {elf.NOTE_SECTION}")
    description = elf.NOTE.unpack_from(note)[1]
    return note[elf.NOTE.size : elf.NOTE.size - elf.NOTE_FIXED + description]
