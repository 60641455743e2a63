"""Disassembly shows everything that decides the bytes, with labels where branches go."""

import re

import pytest
from attrs import evolve
from hypothesis import given, settings

from dstc_isa.isa.control import SCOREBOARDS
from dstc_isa.isa.volta import VOLTA
from dstc_isa.listing.kernel_lines import fresh
from dstc_isa.object.disassembly import constant_lines, declaration_lines, disassemble, kernel_text
from dstc_isa.program import ConstantArray, Kernel, Program, SharedArray
from tests.object.programs import branch, plain, programs, sample

SAMPLE = """\
.const pad_0x0, .u32, 0x3020100
.const table, .u32, 0x7060504, 0xb0a0908
.const pad_0xc, .u8, 0xc
.const odd, .u8, 0xd, 0xe
.const pad_0xf, .u8, 0xf

.kernel axpy
    .control manual
    .block 32, 2, 1
    .param .u32 n
    .param .ptr.f16x2 x
    .shared pad_0x0, 16, 1
    .shared tile, 64, 1
    .shared flags, 6, 64
    .shared pad_0x86, 2, 1
start:
    NOP ;
    BRA start ;
    .word 0x00000000000000000000000000000005
    EXIT ;
end:
.endkernel

.kernel nothing
    .control manual
.endkernel
"""


def test_sample() -> None:
    assert disassemble(sample()) == SAMPLE


def test_nothing() -> None:
    assert disassemble(Program(())) == ""


@settings(deadline=None, max_examples=50)
@given(programs())
def test_one_line_per_word_and_every_label_defined_once(program: Program) -> None:
    for kernel in program.kernels:
        text = kernel_text(kernel)
        assert len(text.instructions) == len(kernel.words)
        names = [name for here in text.labels.values() for name in here]
        assert len(names) == len(set(names))
        for name, address in kernel.labels.items():
            assert name in text.labels[address] or "." in name
        targets = {t for line in text.instructions for t in re.findall(r"\bL_0x[0-9a-f]+_*", line)}
        assert targets <= set(names)


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(programs())
def test_constants_cover_the_bank(program: Program) -> None:
    data = b""
    widths = {".u8": 1, ".u16": 2, ".u32": 4}
    for line in constant_lines(program):
        name, element, *values = line.removeprefix(".const ").split(", ")
        for array in program.constant_arrays:
            assert name != array.name or array.offset == len(data)
        assert len(data) % widths[element] == 0
        data += b"".join(int(value, 16).to_bytes(widths[element], "little") for value in values)
    assert data == program.constants


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(programs())
def test_shared_arrays_keep_their_offsets(program: Program) -> None:
    for kernel in program.kernels:
        end, placed = 0, {}
        for line in declaration_lines(kernel):
            if line.startswith(".shared"):
                name, size, alignment = line.removeprefix(".shared ").split(", ")
                start = -(-end // int(alignment)) * int(alignment)
                placed[name] = (start, int(size))
                end = start + int(size)
        assert end == kernel.shared_bytes
        for array in kernel.shared:
            assert placed[array.name] == (array.offset, array.size)


def test_generated_labels_avoid_declared_names() -> None:
    kernel = Kernel("k", (branch("BRA", 0), plain("EXIT")), labels={"L_0x10": 0})
    assert kernel_text(kernel).labels == {0: ["L_0x10"], 16: ["L_0x10_"]}
    kernel = evolve(kernel, labels={}, shared=(SharedArray("L_0x10", 0, 4),), shared_bytes=4)
    assert kernel_text(kernel).instructions[0] == "BRA L_0x10_ ;"
    taken = {"a", "a_"}
    assert fresh("a", taken) == "a__"
    assert "a__" in taken


def test_labels_that_source_cannot_write_are_renamed() -> None:
    kernel = Kernel("k", (branch("BRA", -16),), labels={"loop@1": 0, ".x": 16})
    text = kernel_text(kernel)
    assert text.labels == {0: ["L_0x0"], 16: ["L_0x10"]}
    assert text.instructions == ["BRA L_0x0 ;"]


def test_destinations_outside_the_kernel_are_counted_from_the_branch() -> None:
    kernel = Kernel("k", (branch("BRA", 32), branch("BRA", -64), branch("BRA", 4)))
    assert kernel_text(kernel).instructions == ["BRA L_0x30 ;", "BRA .-48 ;", "BRA .+20 ;"]


def test_scoreboards_that_no_prefix_writes_are_words() -> None:
    word = plain("NOP") & ~VOLTA.word.control.read.mask | VOLTA.word.control.read.insert(SCOREBOARDS)
    assert kernel_text(Kernel("k", (word,))).instructions == [f".word 0x{word:032x}"]


def test_arrays_without_bytes_are_left_out() -> None:
    assert constant_lines(Program((), b"a", (ConstantArray("none", 0, 0),))) == [".const pad_0x0, .u8, 0x61"]
