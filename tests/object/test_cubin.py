"""Cubins: kernels, labels and source lines out of them, and nothing but a CubinError out of damaged ones."""

import io
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.assembler import assemble
from dstc_isa.cli.asm import main
from dstc_isa.listing.cubin_file import CubinError, is_cubin, read_cubin
from dstc_isa.object import disassemble, program_of
from dstc_isa.program import Frame
from tests.object.cubins import Function, cubin

SOURCE = """
.kernel k
    MOV R2, c[0x0][0x160]
again:
    IADD3 R2, R2, -0x1, RZ
    ISETP.NE.AND P0, PT, R2, RZ, PT
    @P0 BRA again
    EXIT
.endkernel
"""


def words_of(source: str) -> tuple[int, ...]:
    program = assemble(source).program
    assert program is not None
    return program.kernels[0].words


WORDS = words_of(SOURCE)
FILES = ("a.cu", "/other/b.cuh")
BOTH = cubin(
    {
        "first": Function(WORDS, 12, 256, {"$first$helper": 0x20}, {0: (1, 7), 0x10: (2, 300), 0x30: (1, 9)}),
        "second": Function(WORDS[::-1], 40, lines={0x20: (1, 11)}),
        "third": Function(WORDS[:1]),
    },
    FILES,
)


def test_the_file_that_tests_make_is_one_that_others_read() -> None:
    sections = {section.name: section for section in ELFFile(io.BytesIO(BOTH)).iter_sections()}
    assert sections[".text.first"].data() == b"".join(word.to_bytes(16, "little") for word in WORDS)
    assert sections[".nv.shared.first"]["sh_size"] == 256
    assert [s.name for s in sections[".symtab"].iter_symbols()][3] == "$first$helper"


def test_kernels_come_in_order_with_what_they_need() -> None:
    first, second, third = program_of(read_cubin(BOTH)).kernels
    assert [k.name for k in (first, second, third)] == ["first", "second", "third"]
    assert (first.words, second.words, third.words) == (WORDS, WORDS[::-1], WORDS[:1])
    assert (first.registers, second.registers, third.registers) == (12, 40, 8)
    assert (first.shared_bytes, second.shared_bytes) == (256, 0)
    assert first.labels == {"$first$helper": 0x20}


def test_instructions_have_the_source_line_of_the_last_address_before_them() -> None:
    first, second, third = program_of(read_cubin(BOTH)).kernels
    seven, header, nine = Frame("/folder/a.cu", 7), Frame("/other/b.cuh", 300), Frame("/folder/a.cu", 9)
    assert first.locations == ((seven,), (header,), (header,), (nine,), (nine,))
    assert second.locations == (
        (),
        (),
        (Frame("/folder/a.cu", 11),),
        (Frame("/folder/a.cu", 11),),
        (Frame("/folder/a.cu", 11),),
    )
    assert third.locations == ()


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.integers(0, 40).map(lambda index: 16 * index),
        st.tuples(st.sampled_from([1, 2]), st.integers(1, 100000)),
        min_size=1,
        max_size=20,
    )
)
def test_any_line_table_is_read(lines: dict[int, tuple[int, int]]) -> None:
    (kernel,) = program_of(read_cubin(cubin({"k": Function(WORDS[:1] * 41, lines=lines)}, FILES))).kernels
    names = ("/folder/a.cu", "/other/b.cuh")
    for index in range(41):
        before = [address for address in lines if address <= 16 * index]
        file, line = lines[max(before)] if before else (0, 0)
        assert kernel.locations[index] == ((Frame(names[file - 1], line),) if before else ())


def test_the_text_assembles_to_the_same_words() -> None:
    text = disassemble(program_of(read_cubin(BOTH)), sources=True)
    again = assemble(text).program
    assert again is not None
    assert [k.words for k in again.kernels] == [k.words for k in program_of(read_cubin(BOTH)).kernels]
    assert "    // /folder/a.cu:7\n" in text
    assert "$first$helper:\n" in text


def test_the_command_lists_a_cubin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "k.cubin"
    path.write_bytes(BOTH)
    assert main(["-d", str(path)]) == 0
    assert capsys.readouterr().out == disassemble(program_of(read_cubin(BOTH)), sources=True)


def test_the_command_lists_bare_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "k.bin"
    path.write_bytes(b"".join(word.to_bytes(16, "little") for word in WORDS))
    assert main(["-d", "--raw", str(path)]) == 0
    assert words_of(capsys.readouterr().out) == WORDS
    path.write_bytes(bytes(40))
    assert main(["-d", "--raw", str(path)]) == 1
    assert "the file has 40 bytes, no whole number of instructions of 16 bytes each" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["--raw", str(path)])
    assert "--raw goes with -d only" in capsys.readouterr().err


def test_another_architecture_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "k.cubin"
    path.write_bytes(cubin({"k": Function(WORDS)}, architecture=86))
    assert main(["-d", str(path)]) == 1
    assert "a cubin for sm_86; code for sm_70 is read here" in capsys.readouterr().err


def test_a_cubin_without_code_is_named() -> None:
    with pytest.raises(CubinError, match="without code"):
        read_cubin(cubin({}))


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(BOTH) - 1), st.integers(0, 255), st.integers(0, len(BOTH)))
def test_damaged_files_are_object_errors_or_cubins(place: int, value: int, length: int) -> None:
    changed = bytearray(BOTH)
    changed[place] = value
    for data in (bytes(changed), BOTH[:length]):
        if is_cubin(data):
            try:
                read_cubin(data)
            except CubinError:
                continue
