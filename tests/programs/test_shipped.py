from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.assembler import assemble, assemble_file
from dstc_isa.engine.run import run_kernel
from dstc_isa.object import disassemble, read_object, write_object
from dstc_isa.object.shipped import load_shipped
from dstc_isa.program_files import program_directory

SOURCES = sorted(program_directory().glob("*.dasm"))


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_assembles_without_a_finding(source: Path) -> None:
    assembly = assemble_file(source)
    assert assembly.diagnostics == []
    assert assembly.program is not None


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_survives_object_and_disassembly(source: Path) -> None:
    data = write_object(load_shipped(source.name))
    again = assemble(disassemble(read_object(data)))
    assert again.program is not None
    assert [kernel.words for kernel in again.program.kernels] == [
        kernel.words for kernel in load_shipped(source.name).kernels
    ]


def test_the_macro_library_is_found_from_any_source() -> None:
    assembly = assemble('.include "spwmma.dasm"\n.kernel k\nEXIT\n.endkernel\n')
    assert assembly.program is not None


@settings(max_examples=20)
@given(
    n=st.integers(0, 300), a=st.integers(-100, 100), block=st.sampled_from([1, 32, 50, 128]), seed=st.integers(0, 99)
)
def test_saxpy(n: int, a: int, block: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    x, y = generator.integers(-1000, 1000, (2, 300)).astype(np.float32)
    expected = np.where(np.arange(300) < n, a * x + y, y)
    program = load_shipped("hello.dasm")
    grid = max(1, -(-n // block))
    run_kernel(program, program.kernel("saxpy"), (grid,), (block,), {"x": x, "y": y, "a": float(a), "n": n})
    np.testing.assert_array_equal(y, expected)
