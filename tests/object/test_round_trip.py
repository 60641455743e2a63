"""Disassembled programs assemble to the same bytes."""

import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.assembler import assemble
from dstc_isa.isa.codec import encode
from dstc_isa.isa.volta import VOLTA
from dstc_isa.object import disassemble, read_object, write_object
from dstc_isa.program import ConstantArray, Kernel, Parameter, Program, SharedArray
from tests.object.programs import prints
from tests.strategies import instructions, words

CODE = st.one_of(instructions().map(encode), words(), st.integers(0, (1 << 128) - 1))


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Programs as the assembler makes them: natural parameter offsets, names that source can write."""
    kernels = []
    for number in range(draw(st.integers(1, 2))):
        code = draw(st.lists(CODE, min_size=1, max_size=8))
        places = st.integers(0, len(code)).map(lambda index: index * VOLTA.word.size)
        labels = draw(st.dictionaries(st.sampled_from(["loop", "done_1", "L_0x10", "exit"]), places))
        rows = draw(st.integers(0, 64))
        kernels.append(
            Kernel(
                name=f"kernel_{number}",
                words=tuple(code),
                labels=labels,
                parameters=(Parameter("first", "f32", 0), Parameter("second", "ptr", 8))[: draw(st.integers(0, 2))],
                shared=(SharedArray("tile", 0, rows),) if rows else (),
                shared_bytes=rows,
                block=draw(st.none() | st.just((32, 2, 1))),
                prints=draw(prints(len(code))),
            )
        )
    constants = draw(st.binary(max_size=24))
    arrays = (ConstantArray("table", 0, len(constants)),) if constants else ()
    return Program(tuple(kernels), constants, arrays)


@pytest.mark.slow
@settings(max_examples=150)
@given(programs())
def test_disassembly_assembles_to_the_same_program(program: Program) -> None:
    text = disassemble(read_object(write_object(program)))
    assembly = assemble(text)
    again = assembly.program
    assert again is not None, (text, [d.render(False) for d in assembly.diagnostics])
    assert again.constants == program.constants
    assert [k.name for k in again.kernels] == [k.name for k in program.kernels]
    for after, before in zip(again.kernels, program.kernels, strict=True):
        assert after.words == before.words, text
        assert after.parameters == before.parameters
        assert after.shared == before.shared
        assert after.block == before.block
        assert [evolve(each, location=()) for each in after.prints] == [
            evolve(each, location=()) for each in before.prints
        ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hello.dasm", "spgemm.dasm"])
def test_the_commands_round_trip_a_shipped_program(name: str, tmp_path: Path) -> None:
    """Words and constants survive ``dstc-asm``, ``dstc-asm -d`` and ``dstc-asm`` again."""
    source = Path(__file__).resolve().parents[2] / "programs" / name

    def asm(*arguments: str) -> str:
        command = [sys.executable, "-m", "dstc_isa.cli.asm", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout

    asm(str(source), "-o", "first.dobj")
    (tmp_path / "again.dasm").write_text(asm("-d", "first.dobj"))
    asm("again.dasm", "-o", "second.dobj")
    first, second = (read_object((tmp_path / f"{n}.dobj").read_bytes()) for n in ("first", "second"))
    assert [k.words for k in first.kernels] == [k.words for k in second.kernels]
    assert first.constants == second.constants
