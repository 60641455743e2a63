from pathlib import Path

import pytest

from dstc_isa.assembler import AssemblyError, assemble_file
from dstc_isa.diagnostics import Diagnostic
from dstc_isa.object import ObjectError, write_object
from dstc_isa.object.load import load_file

TEXT = """.include "more.dasm"
.kernel first
.param .u32 n
.reg value
again:
    MOV value, n
    STEP value
    BRA again
.endkernel
"""
MACRO = ".macro STEP r\n    IADD3 r, r, 1, RZ\n.endm\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "more.dasm").write_text(MACRO)
    path = tmp_path / "first.dasm"
    path.write_text(TEXT)
    return path


def test_source_and_object_are_the_same_program(source: Path, tmp_path: Path) -> None:
    include = [tmp_path / "include"]
    assembled = assemble_file(source, include).program
    assert assembled is not None
    stored = tmp_path / "first.dobj"
    stored.write_bytes(write_object(assembled))
    loaded = load_file(source, include)
    assert loaded == load_file(stored)
    kernel = loaded.kernel("first")
    assert kernel.words == assembled.kernels[0].words
    assert kernel.place(0) == f"{source}:6"
    assert kernel.place(1) == f"{tmp_path / 'include' / 'more.dasm'}:2 (in macro STEP), from {source}:7"
    assert [(p.name, p.type) for p in kernel.parameters] == [("n", "u32")]


def test_warnings_are_passed_on(source: Path, tmp_path: Path) -> None:
    found: list[Diagnostic] = []
    load_file(source, [tmp_path / "include"], found.extend)
    assert [d.severity for d in found] == ["warning"]
    calls: list[list[Diagnostic]] = []
    clean = tmp_path / "clean.dasm"
    clean.write_text(".kernel k\n    EXIT\n.endkernel\n")
    load_file(clean, (), calls.append)
    assert calls == []


def test_errors_of_a_source(source: Path) -> None:
    with pytest.raises(AssemblyError, match=r"more\.dasm") as caught:
        load_file(source)
    assert all(d.file == str(source) for d in caught.value.diagnostics)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(AssemblyError, match="cannot read the file"):
        load_file(tmp_path / "none.dasm")
    with pytest.raises(ObjectError, match="No such file"):
        load_file(tmp_path / "none.dobj")


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"text", bytes(1000)])
def test_foreign_file(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "foreign.dobj"
    path.write_bytes(data)
    with pytest.raises(ObjectError):
        load_file(path)
