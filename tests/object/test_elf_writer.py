"""Objects are deterministic ELF files that other tools read without a word."""

import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings

from dstc_isa.object import read_object, write_object
from dstc_isa.object.elf_writer import code_bytes
from dstc_isa.program import Frame, Kernel, Program
from tests.object.programs import plain, programs, sample


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(programs())
def test_written_programs_read_back_equal(program: Program) -> None:
    assert read_object(write_object(program)) == program


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(programs())
def test_equal_programs_give_equal_bytes(program: Program) -> None:
    kernels = tuple(evolve(k, labels=dict(reversed(k.labels.items()))) for k in program.kernels)
    assert write_object(evolve(program, kernels=kernels)) == write_object(program)


def test_sections_and_symbols() -> None:
    program = sample()
    file = ELFFile(io.BytesIO(write_object(program)))
    names = [section.name for section in file.iter_sections()]
    assert names == [
        *("", ".note.dstc", ".dstc.constants", ".text.axpy", ".text.nothing"),
        *(".dstc.lines.axpy", ".symtab", ".strtab", ".shstrtab"),
    ]
    assert file.get_section_by_name(".text.axpy").data() == code_bytes(program.kernels[0])
    assert file.get_section_by_name(".dstc.constants").data() == program.constants
    symbols = [
        (s.name, s["st_value"], s["st_size"], s["st_info"]["type"], s["st_info"]["bind"], s["st_shndx"])
        for s in file.get_section_by_name(".symtab").iter_symbols()
    ]
    assert symbols[1:] == [
        ("start", 0, 0, "STT_NOTYPE", "STB_LOCAL", 3),
        ("end", 64, 0, "STT_NOTYPE", "STB_LOCAL", 3),
        ("axpy", 0, 64, "STT_FUNC", "STB_GLOBAL", 3),
        ("nothing", 0, 0, "STT_FUNC", "STB_GLOBAL", 4),
    ]


def test_many_similar_locations_stay_compact() -> None:
    locations = tuple((Frame("loop.dasm", 10 + i % 4, "body"), Frame("loop.dasm", 100 + i)) for i in range(1000))
    kernel = Kernel("k", (plain("NOP"),) * 1000, locations=locations)
    bare = write_object(Program((evolve(kernel, locations=()),)))
    assert len(write_object(Program((kernel,)))) - len(bare) < 10 * 1000


@pytest.mark.parametrize("command", [["readelf", "-a", "-W"], ["objdump", "-h"]], ids=["readelf", "objdump"])
@pytest.mark.parametrize("program", [sample(), Program(()), Program((Kernel("k", (plain("EXIT"),)),))])
def test_binutils_reads_it_silently(command: list[str], program: Program, tmp_path: Path) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    path = tmp_path / "program.dobj"
    path.write_bytes(write_object(program))
    result = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert "arning" not in result.stdout
    for kernel in program.kernels:
        assert f".text.{kernel.name}" in result.stdout


def test_import_leaves_heavy_modules_out() -> None:
    code = "import sys, dstc_isa.object; print([m for m in ('numba', 'scipy', 'elftools') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
