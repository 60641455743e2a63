import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.assembler import assemble
from dstc_isa.engine.execution import Execution
from dstc_isa.engine.run import run_kernel
from dstc_isa.gpu import load_gpu
from dstc_isa.isa.codec import encode
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.text import format_instruction
from dstc_isa.isa.volta import VOLTA
from dstc_isa.program import Kernel
from dstc_isa.report.mnemonic import mnemonic_of
from dstc_isa.report.statistics import RunStatistics, statistics
from dstc_isa.timing.blocks import counter_names
from dstc_isa.timing.model_records import COUNTERS
from dstc_isa.timing.occupancy import Occupancy
from dstc_isa.timing.reasons import Reason, reasons
from dstc_isa.timing.result import Timing
from dstc_isa.timing.run import time_kernel
from tests.strategies import instructions, words

LOOP = """
.kernel loop
.reg n, lane
.pred go, low
    MOV n, 5
    S2R lane, SR_LANEID
    ISETP.LT.U32.AND low, PT, lane, 0, PT
again:
    IADD3 n, n, -1, RZ
    @low IADD3 lane, lane, 1, RZ
    ISETP.GT.AND go, PT, n, 0, PT
    @go BRA again
    EXIT
.endkernel
"""


def test_counts_of_a_loop() -> None:
    program = assemble(LOOP).program
    assert program is not None
    kernel = program.kernels[0]
    _, execution = run_kernel(program, kernel, (3,), (64,), {})
    run = statistics(kernel, execution)
    warps = 6
    assert run.histogram == {
        "IADD3": 10 * warps,
        "ISETP.GT.AND": 5 * warps,
        "BRA": 5 * warps,
        "MOV": warps,
        "S2R": warps,
        "ISETP.LT.U32.AND": warps,
        "EXIT": warps,
    }
    assert run.skipped == {"IADD3": 5 * warps, "BRA": warps}
    assert run.warp_instructions == 24 * warps
    assert (run.executed("IADD3"), run.executed("BRA"), run.executed("FFMA")) == (5 * warps, 4 * warps, 0)


@given(st.data())
def test_histogram_accounts_for_every_instruction(data: st.DataObject) -> None:
    code = tuple(data.draw(st.lists(words(), min_size=1, max_size=8)))
    issued = np.array(data.draw(st.lists(st.integers(0, 100), min_size=len(code), max_size=len(code))), np.int64)
    skipped = np.array([data.draw(st.integers(0, int(count))) for count in issued], np.int64)
    run = statistics(Kernel("k", code), Execution(issued, skipped, 0.5, 2))
    assert run.warp_instructions == issued.sum() == sum(run.histogram.values())
    assert sum(run.skipped.values()) == skipped.sum()
    assert sum(run.executed(name) for name in run.histogram) == (issued - skipped).sum()
    assert list(run.histogram.values()) == sorted(run.histogram.values(), reverse=True)
    assert 0 not in run.histogram.values()
    assert run.warp_instructions_per_s == 2 * issued.sum()
    data_back = json.loads(json.dumps(run.as_json()))
    assert data_back["histogram"] == run.histogram
    assert data_back["skipped"] == run.skipped
    assert data_back["warp_instructions_per_s"] == run.warp_instructions_per_s


@given(instructions())
def test_mnemonic_is_the_one_of_the_text(instruction: Instruction) -> None:
    word = encode(instruction)
    name = mnemonic_of(VOLTA, word)
    assert name.startswith(instruction.declaration.mnemonic)
    assert name in format_instruction(instruction, control=False).split()


def test_word_that_is_no_instruction() -> None:
    assert mnemonic_of(VOLTA, 0xFFF) == "undefined"


def test_rate_of_a_run_without_time() -> None:
    assert RunStatistics("k", 0, 0.0, 1, {}, {}).warp_instructions_per_s == 0.0


def test_counts_of_a_timed_kernel_by_hand() -> None:
    """One warp loads 32 words of each of four lines: 16 sectors of 32 bytes, and 4 sectors are stored."""
    lines = [f"    LDG.E value, [there + {128 * i}]\n    IADD3 total, total, value, RZ\n" for i in range(4)]
    text = f"""
.kernel k
.param .ptr cells
.param .ptr out
.reg lane, four, value, total
.reg.64 there, place
    S2R lane, SR_LANEID
    MOV four, 4
    IMAD.WIDE.U32 there, lane, four, cells
    IMAD.WIDE.U32 place, lane, four, out
    MOV total, 0
{"".join(lines)}
    STG.E [place], total
    EXIT
.endkernel
"""
    program = assemble(text).program
    assert program is not None
    cells, out = np.arange(128, dtype=np.uint32), np.zeros(32, np.uint32)
    _, timing = time_kernel(program, program.kernels[0], (1,), (32,), {"cells": cells, "out": out}, load_gpu())
    timed = statistics(program.kernels[0], timing.execution, timing).timing
    assert timed is not None
    assert timed.dram_bytes == (16 + 4) * 32
    assert (timed.counters["l1_misses"], timed.counters["l1_hits"]) == (16, 0)
    assert (timed.counters["ctas_done"], timed.issue_slots) == (1, 5 + 8 + 2)
    assert timed.longest_wait[0] == "long_scoreboard"
    assert timed.longest_wait[1] == timed.stalls["long_scoreboard"] / timed.warp_cycles > 0.5
    assert timed.warp_cycles == timed.issue_slots + sum(timed.stalls.values())


def test_sums_of_a_timed_launch() -> None:
    issued, stalls = np.array([6, 4]), np.zeros((2, len(reasons(VOLTA))), np.int64)
    stalls[0, Reason.BARRIER], stalls[1, Reason.BARRIER], stalls[1, Reason.LONG_SCOREBOARD] = 5, 7, 8
    gpu, none = load_gpu(), np.zeros(2, np.int64)
    kernel = Kernel("k", (0, 0))
    counters = dict.fromkeys([*COUNTERS, *counter_names(VOLTA)], 0) | {"warp_cycles": 30, "ctas_done": 3}
    timing = Timing(
        gpu=gpu,
        execution=Execution(issued, none, 0.5, 1),
        cycles=2 * round(gpu.clock_mhz),
        issued=issued,
        stalls=stalls,
        free=np.array([0, 1]),
        counters=counters,
        port_busy={},
        sms=3,
        dram_sectors=10,
        occupancy=Occupancy(2, "warp slots", 0, 4),
    )
    timed = statistics(kernel, timing.execution, timing).timing
    assert timed is not None
    assert (timed.dram_bytes, timed.ctas, timed.issue_slots) == (10 * 32, 3, 9)
    assert timed.microseconds == timing.cycles / gpu.clock_mhz
    assert {name: count for name, count in timed.stalls.items() if count} == {"barrier": 12, "long_scoreboard": 8}
    assert [(each.issued, each.stalled) for each in timed.instructions] == [(6, 5), (4, 15)]
    assert timed.longest_wait == ("barrier", 12 / 30)
    assert timed.achieved_occupancy == 30 / (timing.cycles * 3 * timed.warp_slots)


def test_the_longest_wait_is_not_for_other_warps_turns() -> None:
    """Sixteen warps of a sub-core want an issue slot each cycle; what little else they wait for is named."""
    body = "\n".join([*["@P0 NOP"] * 200, "EXIT"])
    program = assemble(f".kernel k\n{body}\n.endkernel").program
    assert program is not None
    _, timing = time_kernel(program, program.kernels[0], (1,), (1024,), {}, load_gpu())
    timed = statistics(program.kernels[0], timing.execution, timing).timing
    assert timed is not None
    assert max(timed.stalls, key=lambda name: timed.stalls[name]) == "not_selected"
    assert timed.longest_wait[0] == max(
        (name for name in timed.stalls if name != "not_selected"), key=lambda name: timed.stalls[name]
    )
