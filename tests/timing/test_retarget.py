"""A program assembled for one GPU and timed on another: as if its source had been assembled for it."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.assembler import assemble, program_from
from dstc_isa.gpu import Gpu, load_gpu
from dstc_isa.isa.volta.units import HMMA
from dstc_isa.object import read_object, write_object
from dstc_isa.program import Kernel, Program
from dstc_isa.program_files import program_directory
from dstc_isa.schedule.again import reschedule
from dstc_isa.timing.result import Timing
from dstc_isa.timing.retarget import OtherTargetWarning, scheduled_for
from dstc_isa.timing.run import time_kernel
from tests.schedule.test_schedule import BODIES, assembled
from tests.schedule.timetables import timetables

SLOW = load_gpu("v100-dstc", ["pipes.FMA.latency=12"])
LONG = load_gpu("v100-dstc", ["pipes.ALU.latency=40", "accumulation_buffer.skipped=slot"])
CHAIN = """
.kernel chain
.param .ptr x
.reg value
.reg.64 at
    MOV at.lo, x
    MOV at.hi, x+4
    MOV value, 1
.rept 20
    FFMA value, value, value, value
.endr
    STG.E [at], value
    EXIT
.endkernel
"""


def moved(kernel: Kernel, gpu: Gpu) -> Kernel:
    assert kernel.control is not None
    return reschedule(kernel, kernel.control, gpu).kernel


@pytest.mark.slow
@settings(max_examples=80)
@given(
    timetables(), timetables(), st.sampled_from([[], ["MOV R70, ."], ["BRX R0, L0"], ["B?:R-:W-:-:S03? NOP"]]), BODIES
)
def test_codes_are_those_of_the_source(here: list[str], there: list[str], more: list[str], body: list[str]) -> None:
    first, second = load_gpu("v100-dstc", here), load_gpu("v100-dstc", there)
    assert moved(assembled([*more, *body], first), second) == assembled([*more, *body], second)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hello", "encode", "gemm_sparse24", "spgemm_seq"])
def test_codes_of_shipped_programs_are_those_of_the_source(name: str) -> None:
    path = program_directory() / f"{name}.dasm"
    plain = read_object(write_object(program_from(path)))
    long = program_from(path, gpu=LONG)
    for there, back in ((LONG, load_gpu()), (SLOW, load_gpu())):
        for kernel in plain.kernels:
            assert moved(kernel, load_gpu()) == kernel
            assert moved(moved(kernel, there), back) == kernel
    assert tuple(moved(kernel, LONG) for kernel in plain.kernels) == long.kernels


def program(text: str, gpu: Gpu | None = None) -> Program:
    assembly = assemble(text, "chain.dasm", gpu=gpu)
    assert assembly.program is not None
    return assembly.program


def timed(built: Program, gpu: Gpu, told: list[str] | None = None) -> Timing:
    announce = None if told is None else told.append
    x = np.zeros(32, np.float32)
    return time_kernel(built, built.kernels[0], (1,), (32,), {"x": x}, gpu, announce=announce, check_hazards=True)[1]


@pytest.mark.parametrize("gpu", [SLOW, LONG])
def test_an_object_takes_as_long_as_its_source(gpu: Gpu) -> None:
    kept = read_object(write_object(program(CHAIN)))
    told: list[str] = []
    timing = timed(kept, gpu, told)
    assert timing.cycles == timed(program(CHAIN, gpu), gpu).cycles
    assert timing.hazards == []
    assert timing.kernel == program(CHAIN, gpu).kernels[0]
    (line,) = [text for text in told if "kernel chain" in text]
    assert f"made for {load_gpu().target}" in line
    assert f"for {gpu.target}" in line


def test_nothing_is_told_on_the_gpu_it_was_made_for() -> None:
    told: list[str] = []
    built = program(CHAIN)
    with warnings.catch_warnings(action="error"):
        assert (
            scheduled_for(built, built.kernels[0], load_gpu("v100-dstc", ["sm.count=2"]), told.append)
            is built.kernels[0]
        )
        assert scheduled_for(built, built.kernels[0], load_gpu("v100")) is built.kernels[0]
    assert told == []


@pytest.mark.parametrize(
    ("text", "which"),
    [
        (CHAIN.replace(".reg value", ".control manual\n.reg value"), "its control codes were written by hand"),
        (CHAIN.replace("    MOV value", "B------:R-:W-:-:S04 MOV value"), "the control codes of 1 instructions were"),
    ],
)
def test_written_codes_stay_and_both_gpus_are_named(text: str, which: str) -> None:
    built = read_object(write_object(program(text)))
    with pytest.warns(OtherTargetWarning) as caught:
        kernel = scheduled_for(built, built.kernels[0], SLOW)
    (message,) = [str(each.message) for each in caught]
    assert which in message
    assert str(built.target) in message
    assert str(SLOW.target) in message
    assert kernel.words == program(text, SLOW).kernels[0].words
    assert ("hazards there" in message) == ("manual" in text)


def test_names_tell_what_was_changed(tmp_path: Path) -> None:
    assert SLOW.target.name == "v100-dstc pipes.FMA.latency=12"
    assert load_gpu("v100-dstc", ["sm.count=3"]).target == load_gpu().target
    assert load_gpu("v100").target.digest == load_gpu().target.digest != SLOW.target.digest


def test_memory_counts_where_it_is_faster_than_what_came_before() -> None:
    """HMMA has the longest of the fixed latencies."""
    longest = load_gpu().pipes[HMMA].latency
    for key in ("shared.latency", "l1.latency", "l2.atomic_latency"):
        assert load_gpu("v100-dstc", [f"{key}={longest}"]).target == load_gpu().target
        fast = load_gpu("v100-dstc", [f"{key}={longest - 1}"]).target
        assert fast.name == f"v100-dstc {key}={longest - 1}"
        assert fast.digest != load_gpu().target.digest
