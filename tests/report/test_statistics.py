import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.assembler import assemble
from dstc_isa.engine.execution import Execution
from dstc_isa.engine.run import run_kernel
from dstc_isa.isa.codec import encode
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.text import format_instruction
from dstc_isa.program import Kernel
from dstc_isa.report.mnemonic import mnemonic_of
from dstc_isa.report.statistics import RunStatistics, statistics
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
        "ISETP.LT.AND.U32": warps,
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
    name = mnemonic_of(word)
    assert name.startswith(instruction.declaration.mnemonic)
    assert name in format_instruction(instruction, control=False).split()


def test_word_that_is_no_instruction() -> None:
    assert mnemonic_of(0xFFF) == "undefined"


def test_rate_of_a_run_without_time() -> None:
    assert RunStatistics("k", 0, 0.0, 1, {}, {}).warp_instructions_per_s == 0.0
