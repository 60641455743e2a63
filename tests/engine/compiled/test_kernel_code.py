"""Code of a kernel is kept between launches, and what a launch brings along is its own."""

import numpy as np
import pytest
from attrs import evolve

from dstc_isa import LaunchError, Program, assemble, run_kernel
from dstc_isa.engine.compiled.kernel_code import code_of

TEXT = """.kernel k
.param .ptr.u32 out
.param .u32 factor
.reg lane, four
.reg.64 place
    S2R lane, SR_LANEID
    MOV four, 4
    IMAD.WIDE.U32 place, lane, four, out
    IMAD lane, lane, factor, RZ
    IADD3 lane, lane, c[0x3][0x4], RZ
    STG.E [place], lane
    EXIT
.endkernel
"""


def programs(*constants: bytes) -> list[Program]:
    made = assemble(TEXT).program
    assert made is not None
    return [evolve(made, constants=data) for data in constants]


def outcome(program: Program, factor: int) -> list[int]:
    out = np.zeros(32, np.uint32)
    run_kernel(program, program.kernels[0], (1,), (32,), {"out": out, "factor": factor})
    return out.tolist()


def test_constants_are_those_of_the_launch() -> None:
    first, second, short = programs(bytes(4) + b"\x05\0\0\0", bytes(4) + b"\x09\0\0\0", bytes(4))
    for program, added in ((first, 5), (second, 9), (first, 5)):
        for factor in (3, 7, added):
            assert outcome(program, factor) == [lane * factor + added for lane in range(32)]
        with pytest.raises(LaunchError, match=r"c\[0x3\]\[0x4\] is outside bank 3, which has 4 bytes"):
            outcome(short, 1)


def test_code_is_kept_for_kernels_that_differ_in_nothing_that_it_tells() -> None:
    kernel = programs(b"")[0].kernels[0]
    assert code_of(kernel) is code_of(evolve(kernel, name="other", registers=99))
    wider = code_of(evolve(kernel, shared_bytes=64))
    assert (wider.rows["shared_end"] == 64).all()
    assert (code_of(kernel).rows["shared_end"] == 0).all()
    with pytest.raises(ValueError, match="read-only"):
        wider.rows["guard"] = 0
