"""Pipes, ports, stalls and schedulers against schedules written out by hand.

An EXIT issues one cycle after the last instruction's stall and ends the kernel in that cycle.
"""

import pytest

from dstc_isa.timing.reasons import Reason
from tests.timing.kernels import cycles, timed

END = 1


def test_one_instruction_a_cycle() -> None:
    assert cycles(["NOP"] * 10) == 10 + END


@pytest.mark.parametrize(
    ("line", "initiation"),
    [
        ("IADD3 R{0}, R8, R8, RZ", 2),
        ("FFMA R{0}, R8, R9, R9", 2),
        ("IMAD R{0}, R8, R9, R9", 2),
        ("HFMA2 R{0}, R8, R9, R9", 2),
        ("MUFU.RCP R{0}, R8", 8),
        ("POPC R{0}, R8", 8),
        ("OHMMA.8161.F32 R{0}, R40.H0, R41.H0, 0, 0", 1),
    ],
)
def test_initiation_intervals(line: str, initiation: int) -> None:
    body = [line.format(2 * i) for i in range(4)]
    issues = [i * initiation for i in range(4)]
    found = timed(body, "accumulation_buffer.fill_cycles=0")
    assert found.cycles == issues[-1] + 1 + END
    assert found.stalls[:, Reason.PIPE_BUSY].sum() == 3 * (initiation - 1)


@pytest.mark.parametrize(
    ("line", "latency"),
    [("IADD3 R0, R0, R0, RZ", 4), ("FFMA R0, R0, R0, R0", 4), ("IMAD R0, R0, R0, R0", 5), ("HFMA2 R0, R0, R0, R0", 6)],
)
def test_fixed_latencies(line: str, latency: int) -> None:
    assert cycles([line] * 5) == 4 * latency + 1 + END
    assert timed([line] * 5).stalls[:, Reason.DEPENDENCY].sum() == 4 * (latency - 1)


@pytest.mark.parametrize(("line", "latency"), [("MUFU.RCP R0, R0", 21), ("POPC R0, R0", 10)])
def test_variable_latencies(line: str, latency: int) -> None:
    found = timed([line] * 5)
    assert found.cycles == 4 * latency + 1 + END
    stalled = 4 * (latency - 2)
    assert found.stalls[:, Reason.SHORT_SCOREBOARD].sum() == stalled


def test_ports_are_shared_or_not() -> None:
    assert cycles(["FFMA R0, R8, R8, R9", "IMAD R1, R8, R8, R9"] * 2) == 6 + 1 + END
    assert cycles(["FFMA R0, R8, R8, R9", "IADD3 R1, R8, R8, RZ"] * 2) == 3 + 1 + END
    assert cycles(["HFMA2 R0, R8, R8, R9", "HMMA.884.F32.F32.STEP0 R2, R10.ROW, R10.COL, R14"] * 2) == 6 + 1 + END


def test_register_banks() -> None:
    conflict, none = "FFMA R{}, R2, R4, R6", "FFMA R{}, R2, R4, R7"
    code = ".control manual"
    assert cycles([code, *[none.format(i) for i in (1, 3, 5)]]) == 4 + 1 + END
    assert cycles([code, *[conflict.format(i) for i in (1, 3, 5)]]) == 6 + 1 + END
    reused = "FFMA R{}, R2.reuse, R4, R6"
    assert cycles([code, *[reused.format(i) for i in (1, 3, 5)]]) == 5 + 1 + END


def test_steps_of_a_set_follow_every_two_cycles() -> None:
    steps = [f"HMMA.884.F32.F32.STEP{s} R{8 + 2 * s}, R0.ROW, R2.COL, R{8 + 2 * s}" for s in range(4)]
    first = 3  # A, B and C are six registers of two banks: a cycle more than two, until A and B are reused
    assert cycles(steps) == first + 2 * 2 + 1 + END
    assert cycles(steps * 2) == first + 2 * 6 + 1 + END


def test_a_taken_branch_costs_its_latency() -> None:
    assert cycles(["BRA next", "NOP", "next: NOP"], "pipes.BRANCH.latency=7") == 7 + 1 + END
    found = timed(["BRA next", "NOP", "next: NOP"], "pipes.BRANCH.latency=7")
    assert found.stalls[:, Reason.NO_INSTRUCTION].sum() == 6


def test_stall_count_and_wait_of_written_codes() -> None:
    code = [".control manual", "B------:R-:W-:-:S09 NOP", "B------:R-:W2:-:S02 POPC R0, R0", "B--2---:R-:W-:-:S01 NOP"]
    assert cycles(code) == 9 + 10 + 1 + END


def test_four_subcores_issue_side_by_side_and_two_warps_take_turns() -> None:
    body = ["NOP"] * 20
    assert cycles(body, block=128) == 20 + END
    assert cycles(body, block=256) == 2 * (20 + END)


@pytest.mark.parametrize("policy", ["gto", "lrr"])
def test_a_second_warp_fills_the_gaps_of_the_first(policy: str) -> None:
    body = ["FFMA R0, R0, R0, R0"] * 10
    alone, together = (cycles(body, f"scheduler.policy={policy}", block=block) for block in (32, 256))
    assert together <= alone + 4


def test_barrier() -> None:
    found = timed(["BAR.SYNC 0", "NOP"], "barrier.latency=30", block=128)
    assert found.cycles == 30 + 1 + END
    assert found.stalls[:, Reason.BARRIER].sum() == 4 * 29


def test_skipped_outer_products_cost_a_slot_or_nothing() -> None:
    body = ["ISETP.LT.AND P0, PT, RZ, RZ, PT", *["@P0 OHMMA.8161.F32 R40, R0.H0, R1.H0, 0, 0"] * 10]
    free, slot = (timed(body, f"accumulation_buffer.skipped={cost}") for cost in ("none", "slot"))
    assert slot.cycles == free.cycles + 10
    assert (free.free.sum(), slot.free.sum()) == (10, 0)


def test_ctas_wait_for_a_slot() -> None:
    body = ["NOP"] * 50
    many, one = (cycles(body, "sm.count=1", f"sm.ctas={slots}", grid=4) for slots in (4, 1))
    assert many == 50 + END
    assert one == 4 * (50 + END)


def test_of_warps_that_are_ready_the_oldest_goes_first() -> None:
    """Three warps want half of the issue slots each, so one of them hardly gets any: the youngest.

    The first CTA ends at once, and its place, the first one, goes to the fourth.
    """
    count = 200
    paths = [[f"path{i}:", *["B------:R-:W-:-:S02 NOP"] * count, "EXIT"] for i in (1, 2, 3)]
    body = [
        ".control manual",
        "B------:R-:W0:-:S02 S2R R0, SR_CTAID.X",
        "B0-----:R-:W-:-:S13 ISETP.EQ.AND P0, PT, R0, 0, PT",
        "B------:R-:W-:-:S13 ISETP.EQ.AND P1, PT, R0, 1, PT",
        "B------:R-:W-:-:S13 ISETP.EQ.AND P2, PT, R0, 2, PT",
        "@P0 EXIT",
        "@P1 BRA path1",
        "@P2 BRA path2",
        "BRA path3",
        *[line for path in paths for line in path],
    ]
    found = timed(body, "sm.count=1", "sm.subcores=1", "sm.ctas=3", grid=4)
    head = 8
    lost = [int(found.stalls[head + i * (count + 1) :][:count, Reason.NOT_SELECTED].sum()) for i in range(3)]
    assert lost[0] + lost[1] < count // 4
    assert found.stalls[:head, Reason.NOT_SELECTED].sum() > count
