"""The listing shows address, word, text and source of every instruction."""

from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given, settings

from dstc_isa.object.listing import listing, read_sources
from dstc_isa.printable import printable
from dstc_isa.program import Frame, Kernel, Program
from tests.object.programs import plain, programs, sample


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(programs())
def test_every_word_is_listed_with_its_place(program: Program) -> None:
    lines = listing(program, {}).splitlines()
    assert all(line.isprintable() for line in lines)
    for kernel in program.kernels:
        for index, word in enumerate(kernel.words):
            start = f"  0x{index * 16:04x}  {word:032x}  "
            found = [line for line in lines if line.startswith(start)]
            assert any(printable(kernel.place(index)).rstrip() in line for line in found)


def test_source_lines_are_shown() -> None:
    text = listing(sample(), {"axpy.dasm": [".kernel axpy", "", "\tstep 1"], "inc.dasm": [".macro step", "bra start"]})
    word = sample().kernels[0].words[1]
    assert f"  0x0010  {word:032x}  BRA start ;" in text
    assert "inc.dasm:2 (in macro step), from axpy.dasm:3  | bra start\n" in text
    assert "axpy.dasm:3  | step 1\n" in text
    assert "kernel axpy: 4 instructions, 24 registers, 136 bytes of shared memory, block size 32 x 2 x 1\n" in text
    assert "  parameter x .ptr.f16x2 at byte 8\n" in text
    assert "start:\n" in text


def test_sources_are_read_from_files_that_exist(tmp_path: Path) -> None:
    source = tmp_path / "k.dasm"
    source.write_text("first\nexit \u2028now\n", encoding="utf-8")
    places = (Frame(str(source), 2), Frame(str(tmp_path), 1), Frame("no\0file", 1), Frame(str(tmp_path / "gone"), 1))
    kernel = Kernel("k", (plain("EXIT"),) * len(places), locations=tuple((place,) for place in places))
    program = Program((kernel,))
    assert read_sources(program) == {str(source): ["first", "exit \u2028now", ""]}
    assert "k.dasm:2  | exit \\u2028now\n" in listing(program)


def test_kernel_without_line_table() -> None:
    kernel = evolve(sample().kernels[0], locations=())
    assert "unknown source" in listing(Program((kernel,)))
