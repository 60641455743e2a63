"""Whole kernels on both engines against NumPy: memory, barriers, grids, atomics, random straight-line programs."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.engine.execution import Execution
from dstc_isa.isa.volta import VOLTA
from dstc_isa.program import Kernel, Program
from tests.engine import cases
from tests.engine.build import build
from tests.engine.kernels import both, per_thread, program, run
from tests.models.families import apply
from tests.models.memory import BYTES
from tests.models.state import name_of

FAMILIES = ("integer", "logic", "predicate", "float", "half", "convert")
COMPUTING = [d for d in VOLTA.declarations if d.family in FAMILIES and not d.unmodelled]
EXACT = [d for d in COMPUTING if name_of(d) != "mufu"]
RNG = np.random.default_rng(11)


@settings(max_examples=30)
@given(st.data())
def test_straight_line_programs(data: st.DataObject) -> None:
    """Guarded arithmetic one after the other: the model and both engines end in one state."""
    first = data.draw(cases.cases(EXACT[0]))
    chosen = data.draw(st.lists(st.sampled_from(EXACT), min_size=1, max_size=20))
    body = [data.draw(cases.cases(declaration)).instruction for declaration in chosen]
    state = cases.model_state(first)
    for instruction in body:
        guard = instruction.guard
        held = [guard.index == 7 or state.predicates[guard.index][lane] for lane in range(32)]
        state.mask = sum(1 << lane for lane, value in enumerate(held) if value != guard.negate)
        if state.mask:
            apply(instruction, state)
    expected = cases.model_outcome(state)
    cases.assert_same(cases.run_compiled(first, body), expected, first)
    cases.assert_same(cases.run_compiled(first, body, reference=True), expected, first)


@pytest.mark.parametrize("size", [s for s in BYTES if s not in ("64", "128")])
@pytest.mark.parametrize("space", ["G", "S", "C"])
def test_loads_of_every_width_extend(size: str, space: str) -> None:
    """Scattered, consecutive and equal addresses; also a warp of which only some lanes run."""
    width = BYTES[size]
    data = RNG.integers(0, 256, 128 * width, np.uint8)
    index = np.concatenate([RNG.integers(0, 128, 32), np.arange(32), np.full(32, 5), np.arange(19)]).astype(np.uint32)
    suffix = "" if size == "32" else f".{size}"
    load = {
        "G": f"LDG.E{suffix} value, [place]",
        "S": f"LDS{suffix} value, [at]",
        "C": f"LDC{suffix} value, c[0x3][at]",
    }
    text = f"""
.kernel test
.param .ptr data
.param .ptr index
.param .ptr out
.shared buffer, {128 * width}
    .reg thread, value, size, i, at
    .reg.64 place
    .pred p
    S2R thread, SR_TID.X
    MOV size, 1
    MOV i, thread
copy:
    ISETP.GE.U32.AND p, PT, i, {128 * width}, PT
    @p BRA copied
    IMAD.WIDE.U32 place, i, size, data
    LDG.E.U8 value, [place]
    STS.U8 [i], value
    IADD3 i, i, 115, RZ
    BRA copy
copied:
    BAR.SYNC 0
    MOV size, 4
    IMAD.WIDE.U32 place, thread, size, index
    LDG.E i, [place]
    MOV size, {width}
    IMAD at, i, size, RZ
    IMAD.WIDE.U32 place, i, size, data
    {load[space]}
    MOV size, 4
    IMAD.WIDE.U32 place, thread, size, out
    STG.E [place], value
    EXIT
.endkernel
"""
    made = evolve(program(text), constants=data.tobytes())
    found = both(made, (1,), (115,), data=data, index=index, out=np.zeros(115, np.uint32))["out"]
    kind = {"U8": "u1", "S8": "i1", "U16": "<u2", "S16": "<i2", "32": "<u4"}[size]
    np.testing.assert_array_equal(found, data.view(kind)[index].astype(np.int64).astype(np.uint32))


@pytest.mark.parametrize("threads", [1, 33, 100, 256])
def test_reduction_through_shared_memory(threads: int) -> None:
    """A tree of barriers over several warps, the last one partial."""
    values = RNG.integers(0, 2**32, (3, threads), np.uint32)
    text = """
.kernel test
.param .ptr values
.param .ptr out
.shared sums, 1024
    .reg thread, cta, value, other, index, half, at, size
    .reg.64 place
    .pred p
    S2R thread, SR_TID.X
    S2R cta, SR_CTAID.X
    S2R size, SR_NTID.X
    MOV other, 4
    IMAD index, cta, size, thread
    IMAD.WIDE.U32 place, index, other, values
    LDG.E value, [place]
    SHF.L.U32 at, thread, 2, RZ
    STS [at], value
    MOV half, 128
level:
    BAR.SYNC 0
    IADD3 index, thread, half, RZ
    ISETP.LT.U32.AND p, PT, thread, half, PT
    ISETP.LT.U32.AND p, PT, index, size, p
    @p LEA other, half, at, 2
    @p LDS other, [other]
    @p IADD3 value, value, other, RZ
    @p STS [at], value
    SHF.R.U32.HI half, RZ, 1, half
    ISETP.NE.AND p, PT, half, 0, PT
    @p BRA level
    ISETP.EQ.AND p, PT, thread, 0, PT
    MOV other, 4
    IMAD.WIDE.U32 place, cta, other, out
    @p STG.E [place], value
    EXIT
.endkernel
"""
    found = both(text, (3,), (threads,), values=values, out=np.zeros(3, np.uint32))["out"]
    np.testing.assert_array_equal(found, values.sum(axis=1, dtype=np.uint32))


def test_named_barriers_with_counts() -> None:
    """Two halves of a CTA each meet at a barrier of their own, at different times."""
    text = """
    .shared mail, 512
    .reg at
    ISETP.LT.U32.AND p, PT, thread, 64, PT
    SHF.L.U32 at, thread, 2, RZ
    STS [at], thread
    LOP3.LUT at, at, 0x80, RZ, 0x3c
    @p BRA low
    BAR.SYNC 1, 64
    LDS value, [at]
    BRA done
low:
    BAR.SYNC 2, 64
    LDS value, [at]
    BAR.SYNC 2, 64
done:
"""
    assert per_thread(text, 128) == [thread ^ 32 for thread in range(128)]


def test_coordinates_of_three_dimensions() -> None:
    names = [f"{n}.{axis}" for n in ("TID", "CTAID", "NTID", "NCTAID") for axis in "XYZ"] + ["LANEID", "WARPID"]
    reads = "".join(f"    S2R value, SR_{name}\n    STG.E [place + {4 * i}], value\n" for i, name in enumerate(names))
    text = f"""
.kernel test
.param .ptr out
    .reg value, x, y, z, linear, size, cta, thread
    .reg.64 place
    S2R x, SR_TID.X
    S2R y, SR_TID.Y
    S2R z, SR_TID.Z
    IMAD thread, z, c[0x0][0x4], y
    IMAD thread, thread, c[0x0][0x0], x
    S2R x, SR_CTAID.X
    S2R y, SR_CTAID.Y
    S2R z, SR_CTAID.Z
    IMAD cta, z, c[0x0][0x10], y
    IMAD cta, cta, c[0x0][0xc], x
    MOV size, {5 * 3 * 4}
    IMAD linear, cta, size, thread
    MOV size, {4 * len(names)}
    IMAD.WIDE.U32 place, linear, size, out
{reads}    EXIT
.endkernel
"""
    block, grid = (5, 3, 4), (2, 3, 2)
    out = both(text, grid, block, out=np.zeros((12, 60, len(names)), np.uint32))["out"]
    for cta in range(12):
        for thread in range(60):
            tid = (thread % 5, thread // 5 % 3, thread // 15)
            place = (cta % 2, cta // 2 % 3, cta // 6)
            assert out[cta, thread].tolist() == [*tid, *place, *block, *grid, thread % 32, thread // 32]


@pytest.mark.parametrize("space", ["G", "S"])
@pytest.mark.parametrize("operation", ["ADD", "MIN.S32", "MAX", "XOR", "ADD.F32"])
def test_contended_atomics(space: str, operation: str) -> None:
    """All threads of several warps on one word, in thread order within a CTA."""
    text = f"""
.kernel test
.param .ptr data
.param .ptr word
.shared cell, 4
    .reg thread, value, four, old
    .reg.64 place
    .pred p
    S2R thread, SR_TID.X
    MOV four, 4
    IMAD.WIDE.U32 place, thread, four, data
    LDG.E value, [place]
    MOV place.lo, word
    MOV place.hi, word + 4
    LDG.E old, [place]
    ISETP.EQ.AND p, PT, thread, 0, PT
    @p STS [cell], old
    BAR.SYNC 0
    ATOMG.E.{operation} old, [place], value
    ATOMS.{operation} old, [cell], value
    BAR.SYNC 0
    LDS old, [cell]
    {"" if space == "G" else "@p STG.E [place], old"}
    EXIT
.endkernel
"""
    kind = np.float32 if operation.endswith("F32") else np.int32 if "S32" in operation else np.uint32
    data = RNG.normal(0, 100, 70).astype(np.float32) if kind is np.float32 else RNG.integers(0, 2**32, 70, np.uint32)
    word = np.ones(1, np.uint32)
    expected = word.view(kind)[0]
    for value in data.view(kind):
        with np.errstate(over="ignore"):
            step = {"ADD": np.add, "MIN": np.minimum, "MAX": np.maximum, "XOR": np.bitwise_xor}
            expected = step[operation.split(".", maxsplit=1)[0]](expected, value)
    assert both(text, (1,), (70,), data=data, word=word)["word"].view(kind)[0] == expected


def test_clock_counts_issued_instructions() -> None:
    text = """
    .reg.64 clock
    CS2R clock, SR_CLOCKLO
    NOP
    CS2R place, SR_CLOCKLO
    IADD3 value, place.lo, -clock.lo, RZ
    MOV other, 4
    IMAD.WIDE.U32 place, thread, other, out
"""
    assert per_thread(text) == [2] * 32


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_results_and_counts_do_not_depend_on_host_threads(threads: int) -> None:
    text = """
.kernel test
.param .ptr out
    .reg value, cta, four, i
    .reg.64 place
    .pred p
    S2R cta, SR_CTAID.X
    MOV four, 4
    IMAD.WIDE.U32 place, cta, four, out
    MOV i, cta
    MOV value, 0
again:
    IADD3 value, value, i, RZ
    IADD3 i, i, -1, RZ
    ISETP.GT.AND p, PT, i, 0, PT
    @p BRA again
    STG.E [place], value
    RED.E.ADD [place], four
    EXIT
.endkernel
"""
    one, first = run(text, (97,), (64,), out=np.zeros(97, np.uint32), threads=1)
    many, other = run(text, (97,), (64,), out=np.zeros(97, np.uint32), threads=threads)
    assert isinstance(first, Execution)
    assert isinstance(other, Execution)
    np.testing.assert_array_equal(many["out"], one["out"])
    np.testing.assert_array_equal(other.issued, first.issued)
    np.testing.assert_array_equal(other.skipped, first.skipped)
    assert other.threads == threads
    assert first.warp_instructions == int(first.issued.sum())


def test_a_kernel_without_parameters_runs() -> None:
    kernel = Kernel("empty", (build("EXIT"),))
    assert both(Program((kernel,)), (2,), (33,)) == {}
