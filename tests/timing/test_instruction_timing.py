"""Register reads that do not fit the initiation interval, against a count by hand."""

import numpy as np
import pytest
from hypothesis import given

from dstc_isa.gpu import load_gpu
from dstc_isa.isa.codec import decode
from dstc_isa.isa.control import Control
from dstc_isa.isa.volta import VOLTA
from dstc_isa.timing.instruction_timing import KEPT, extra_reads, kept_rows, port_numbers, timing_rows
from dstc_isa.timing.model_records import INSTRUCTION_TIMING, NO_COST, NO_PORT, Gate
from dstc_isa.timing.reasons import Reason, number_of
from dstc_isa.units.outer.unit import BUFFER, OHMMA
from tests.assembler.build import in_kernel, program
from tests.strategies import instructions

GPU = load_gpu()


def rows_of(*lines: str) -> list[dict[str, int]]:
    words = program(in_kernel("\n".join([".control manual", *lines]))).kernels[0].words
    rows = timing_rows([decode(VOLTA, word) for word in words], GPU)
    return [dict(zip(INSTRUCTION_TIMING.fields, row.item(), strict=True)) for row in rows]


@pytest.mark.parametrize(
    ("lines", "extra"),
    [
        (["FFMA R0, R2, R4, R6"], 1),
        (["FFMA R0, R2, R4, R7"], 0),
        (["FFMA R0, R2, R2, R2"], 0),
        (["FFMA R0, R1, R2.reuse, R3", "FFMA R0, R4, R2, R6"], 0),
        (["FFMA R0, R2.reuse, R1, R3", "FFMA R0, R4, R2, R6"], 1),
        (["HMMA.884.F32.F32.STEP0 R8, R0.ROW, R2.COL, R8"], 1),
        (["HMMA.884.F32.F32.STEP0 R8, R0.reuse.ROW, R2.COL, R8", "HMMA.884.F32.F32.STEP0 R8, R0.ROW, R4.COL, R8"], 0),
        (["OHMMA.8161.F32 R40, R0.H0, R1.H0, R2, 0, 0"], 1),
        (["OHMMA.8161.F32 R40, R0.H0, R2.H0, R4, 0, 0"], 2),
        (["SPWMMA.643232.F32.PACKED R100, R0, R32, R48, R50"], 25),
        (["SPWMMA.643232.F32.WINDOW R100, R0, R32, R48, R50"], 25),
        (["SPWMMA.643232.F32.WINDOW.SHORT R100, R0, R16, R32, R34"], 17),
        (["SPWMMA.643232.F32.WINDOW.WIDE R100, R0, R16, R40, R42"], 21),
    ],
)
def test_register_reads(lines: list[str], extra: int) -> None:
    code = [decode(VOLTA, word) for word in program(in_kernel("\n".join([".control manual", *lines]))).kernels[0].words]
    assert extra_reads(code[-1], code[-2] if len(code) > 1 else None, GPU) == extra


def test_the_reuse_cache_outlives_instructions_without_registers() -> None:
    first, pair = "FFMA R0, R1, R2.reuse, R3", "FFMA R0, R4, R2, R6"
    assert rows_of(first, "PLOP3.LUT P0, PT, P1, P2, PT, 0x80, 0x0", pair)[2]["initiation"] == 2
    assert rows_of(first, "MOV R7, R8", pair)[2]["initiation"] == 3
    assert rows_of(first, "LDS R7, [R8]", pair)[2]["initiation"] == 3


def test_rows() -> None:
    load, outer, branch, end = rows_of(
        "B01----:R4:W2:Y:S07 LDG.E R0, [R2]", "OHMMA.8161.F32 R40, R0.H0, R1.H0, 0, 0", "EXIT"
    )
    ports = port_numbers(GPU)
    assert load["port"] == ports["lsu"]
    assert (load["stall"], load["wait"], load["write"], load["read"], load["yields"]) == (7, 3, 2, 4, 1)
    assert (load["gate"], load["cost"]) == (Gate.MEMORY, NO_COST)
    assert (outer["gate"], outer["accumulator"], outer["accumulators"]) == (Gate.NONE, 40, 32)
    assert outer["reason"] == number_of(VOLTA, BUFFER.awaits, Reason.SHORT_SCOREBOARD)
    assert VOLTA.units[outer["cost"]] is OHMMA
    assert branch["port"] == ports["branch"]
    assert end["port"] == NO_PORT


@given(instructions())
def test_every_instruction_has_a_row(instruction):
    (row, _) = timing_rows([instruction], GPU)
    control: Control = instruction.control
    assert row["stall"] == max(1, control.stall)
    assert (row["wait"], row["write"], row["read"]) == (control.wait, control.write, control.read)
    assert row["initiation"] >= GPU.pipes[instruction.declaration.unit].initiation
    assert 0 <= row["port"] < NO_PORT


def test_rows_that_are_kept_are_those_of_the_words_and_the_gpu() -> None:
    gpus = [GPU, load_gpu(), load_gpu(settings=["pipes.FMA.latency=9"]), load_gpu(settings=["register_file.banks=4"])]
    codes = [program(in_kernel(f"FFMA R0, R2, R4, R{n}")).kernels[0].words for n in range(KEPT)]
    for words in [*codes, *codes]:
        decoded = [decode(VOLTA, word) for word in words]
        for gpu in gpus:
            np.testing.assert_array_equal(kept_rows(words, decoded, gpu), timing_rows(decoded, gpu))
