"""The codes that shipped kernels have written by hand hold on every GPU."""

import pytest
from hypothesis import given, settings

from dstc_isa.assembler import assemble_file
from dstc_isa.gpu import load_gpu
from dstc_isa.program_files import program_directory
from tests.schedule.timetables import timetables

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["gemm_dense.dasm", "gemm_sparse24.dasm", "spgemm.dasm"])
@settings(deadline=None, max_examples=5)
@given(timetables())
def test_no_written_code_leaves_a_hazard(name: str, timetable: list[str]) -> None:
    assembly = assemble_file(program_directory() / name, gpu=load_gpu("v100-dstc", timetable))
    assert assembly.program is not None
    assert [str(found) for found in assembly.diagnostics] == []
