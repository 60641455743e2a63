"""Endless loops are faults at once, and no loop that ends is one."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.engine.execution import Execution
from dstc_isa.engine.faults import KernelFault
from dstc_isa.isa.lanes import LANES
from dstc_isa.isa.warp import Fault
from tests.engine.kernels import both, fault, run
from tests.timing.kernels import LOAD_OWN, timed

HEAD = ".kernel k\n.param .ptr x\n.reg.64 at\n S2R R1, SR_TID.X\n MOV R6, 4\n IMAD.WIDE.U32 at, R1, R6, x\n"
TAIL = " STG.E [at], R2\n EXIT\n.endkernel\n"
MASK = 3
"""Values that a register of the random loops can have, so that lanes are soon where they were."""


def kernel(*body: str) -> str:
    return HEAD + "".join(f" {line}\n" for line in body) + TAIL


def words(count: int = LANES) -> np.ndarray[Any, Any]:
    return np.zeros(count, np.uint32)


def test_a_branch_to_itself_is_named() -> None:
    found = fault(kernel("l: BRA l"), x=words())
    assert found.record.kind is Fault.ENDLESS
    assert "after 1 instruction the warp is where it was" in str(found)
    assert "test.dasm:7" in str(found)


STEPS = st.lists(st.tuples(st.sampled_from(["add", "xor"]), *[st.integers(2, 4)] * 2, st.integers(0, MASK)), max_size=4)


def model(steps: list[tuple[str, int, int, int]], ends: int, lane: int) -> int | None:
    """What R2 of a lane is when R2 == ``ends`` at last, None if that never comes."""
    state = [lane & MASK, (lane >> 2) & MASK, 0]
    seen = set()
    while tuple(state) not in seen:
        seen.add(tuple(state))
        for name, target, source, constant in steps:
            value = state[source - 2]
            state[target - 2] = (value + constant if name == "add" else value ^ constant) & MASK
        if state[0] == ends:
            return state[0]
    return None


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(0, MASK))
def test_a_loop_is_endless_where_a_model_comes_to_a_state_again(
    steps: list[tuple[str, int, int, int]], ends: int
) -> None:
    body = ["LOP3.LUT R2, R1, 3, RZ, 0xc0", "SHF.R.U32.HI R3, RZ, 2, R1", "LOP3.LUT R3, R3, 3, RZ, 0xc0", "MOV R4, RZ"]
    body += ["again: NOP"]
    for name, target, source, constant in steps:
        text = (
            f"IADD3 R5, R{source}, {constant}, RZ" if name == "add" else f"LOP3.LUT R5, R{source}, {constant}, RZ, 0x3c"
        )
        body += [text, f"LOP3.LUT R{target}, R5, {MASK}, RZ, 0xc0"]
    body += [f"ISETP.NE.AND P0, PT, R2, {ends}, PT", "@P0 BRA again"]
    expected = [model(steps, ends, lane) for lane in range(LANES)]
    arguments, outcome = run(kernel(*body), x=words())
    if None in expected:
        assert isinstance(outcome, KernelFault)
        assert outcome.record.kind is Fault.ENDLESS
    else:
        assert isinstance(outcome, Execution)
        assert arguments["x"].tolist() == expected


LONG = ["MOV R2, RZ", "l: IADD3 R2, R2, 1, RZ", "ISETP.LT.U32.AND P0, PT, R2, c[0x0][0x168], PT", "@P0 BRA l"]


@pytest.mark.parametrize("count", [1000, 70_000, 400_000])
def test_a_loop_that_counts_is_none(count: int) -> None:
    text = kernel(*LONG).replace(".param .ptr x", ".param .ptr x\n.param .u32 n")
    arguments, outcome = run(text, x=words(), n=count)
    assert isinstance(outcome, Execution)
    assert arguments["x"].tolist() == [count] * LANES


def test_a_loop_that_reads_the_clock_is_none() -> None:
    body = ["l: CS2R R2, SR_CLOCKLO", "MOV R4, 9000", "ISETP.LT.U32.AND P0, PT, R2, R4, PT", "@P0 BRA l"]
    found = both(kernel(*body), x=words())
    assert found["x"].min() >= 9000


POLL = ["l: LDG.E R2, [at]", "ISETP.EQ.AND P0, PT, R2, 0, PT", "@P0 BRA l"]


@pytest.mark.slow
def test_who_waits_for_memory_that_nobody_can_change_is_named() -> None:
    found = fault(kernel(*POLL), x=words())
    assert found.record.kind is Fault.LIVELOCK
    assert "livelock: a loop waits for a change of memory at 0x7f0000000000 (128 bytes before the end of x" in str(
        found
    )


def test_who_waits_for_another_warp_goes_on() -> None:
    body = [
        "ISETP.LT.U32.AND P1, PT, R1, 32, PT",
        "@P1 BRA wait",
        "MOV R7, 20000",
        "count: IADD3 R7, R7, -1, RZ",
        "ISETP.GT.AND P0, PT, R7, 0, PT",
        "@P0 BRA count",
        "MOV R8, 1",
        "STS [RZ], R8",
        "wait: LDS R2, [RZ]",
        "ISETP.EQ.AND P0, PT, R2, 0, PT",
        "@P0 BRA wait",
    ]
    text = kernel(*body).replace(".reg.64", ".shared f, 8\n.reg.64")
    arguments, outcome = run(text, block=(64,), x=words(64))
    assert isinstance(outcome, Execution)
    assert arguments["x"].tolist() == [1] * 64


@pytest.mark.parametrize(("body", "kind"), [(["l: BRA l"], Fault.ENDLESS), (POLL, Fault.LIVELOCK)])
def test_in_time_too(body: list[str], kind: Fault) -> None:
    with pytest.raises(KernelFault) as caught:
        timed([*LOAD_OWN, *(line.replace("[at]", "[R4]") for line in body)], x=words())
    assert caught.value.record.kind is kind
