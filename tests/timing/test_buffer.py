"""The accumulation buffer: banks, window, resident tiles."""

import numpy as np
import pytest

from dstc_isa.isa.volta import VOLTA
from dstc_isa.timing.reasons import Reason, number_of
from dstc_isa.units.outer.unit import BUFFER
from tests.timing.kernels import timed

DENSE = [f"OHMMA.8161.F32 R40, R0.H0, R1.H0, {quarter}, {half}" for half in range(2) for quarter in range(4)]
ACCUMULATION = number_of(VOLTA, BUFFER.holds, Reason.PIPE_BUSY)
TENSOR_SCOREBOARD = number_of(VOLTA, BUFFER.awaits, Reason.SHORT_SCOREBOARD)
WIDE = ("accumulation_buffer.fill_cycles=0", "accumulation_buffer.spill_cycles=0")


@pytest.mark.parametrize(("banks", "cycles_each"), [(8, 1), (4, 2), (2, 4), (1, 8), (16, 1), (32, 1)])
def test_rows_per_cycle_bound_a_dense_stream(banks: int, cycles_each: int) -> None:
    found = timed(DENSE * 8, f"accumulation_buffer.banks={banks}", *WIDE)
    window = 8
    expected = 64 * cycles_each
    assert expected - window - 8 <= found.cycles - 2 <= expected
    assert found.counters["merged_rows"] == 64 * 8


def places(rows: list[int]) -> list[str]:
    """Code that puts a bitmap with these rows and all columns into R2."""
    mask = sum(1 << row for row in rows)
    return [f"MOV R0, {mask:#x}", "MOV R1, 0xffffffff", "BOHMMA.32321 R2, R0, R1"]


def test_rows_of_one_bank_take_turns() -> None:
    stream = ["OHMMA.8161.F32 R40, R0.H0, R1.H0, R2, 0, 0"] * 64
    spread, clash = (timed([*places(rows), *stream], *WIDE).cycles for rows in ([0, 9, 18, 27], [3, 11, 19, 27]))
    assert spread < 64 + 40
    assert 64 * 4 - 16 <= clash <= 64 * 4 + 40


def test_tiles_are_filled_and_spilled() -> None:
    stream = [f"OHMMA.8161.F32 R{tile}, R0.H0, R1.H0, 0, 0" for tile in (40, 80, 120)] * 4
    enough = timed(stream, "accumulation_buffer.tiles=3")
    assert (enough.counters["fills"], enough.counters["spills"]) == (3, 0)
    thrash = timed(stream, "accumulation_buffer.tiles=2")
    assert (thrash.counters["fills"], thrash.counters["spills"]) == (12, 10)
    assert thrash.cycles >= enough.cycles + 9 * 16 + 10 * 16 - 32
    assert thrash.stalls[:, ACCUMULATION].sum() > 0


def bitmaps(rows: int, columns: int) -> list[str]:
    """Code that gives all 32 steps a column of A with so many values and a row of B with so many."""
    return [f"MOV R32, {(1 << rows) - 1:#x}", f"MOV R34, {(1 << columns) - 1:#x}"]


WINDOW = "SPWMMA.323232.F32.WINDOW R40, R0, R0, R32, R34"


@pytest.mark.parametrize(("rows", "columns"), [(32, 32), (32, 16), (9, 17), (8, 1), (1, 32)])
def test_a_sequenced_product_takes_a_cycle_a_group(rows: int, columns: int) -> None:
    stream = [WINDOW] * 4
    found = timed([*bitmaps(rows, columns), *stream], "accumulation_buffer.window=64", *WIDE)
    groups = -(-rows // 8) * -(-columns // 16)
    assert found.counters["ohmma"] == 4 * 32 * groups
    assert found.counters["merged_rows"] == 4 * 32 * rows * -(-columns // 16)
    # Of R0 to R15, R32, R34 and R35 ten have even numbers, and a bank delivers one a cycle.
    each = max(32 * groups, 10)
    assert 3 * each <= found.cycles <= 3 * each + 24  # the warp ends when the last one has issued
    assert found.port_busy["fp16"] == 4 * each


def test_a_sequenced_product_without_values_is_short() -> None:
    found = timed([*bitmaps(0, 32), *[WINDOW] * 4], *WIDE)
    assert (found.counters["ohmma"], found.counters["merged_rows"]) == (0, 0)
    assert found.cycles < 4 * 10 + 24


TALL = [f"SPWMMA.643232.F32.PACKED R{40 + 64 * tile}, R0, R0, R32, R34" for tile in (0, 1)]


def tall_bitmaps(low: int, high: int, columns: int) -> list[str]:
    """Code that gives all 32 steps these rows of A and a row of B with so many values."""
    return [f"MOV R32, {low:#x}", f"MOV R33, {high:#x}", f"MOV R34, {(1 << columns) - 1:#x}"]


@pytest.mark.parametrize(
    ("low", "high", "columns", "groups"),
    [
        (0xFFFFFFFF, 0xFFFFFFFF, 32, 16),
        (0x000000FF, 0xFF000000, 16, 2),
        (0x0000000F, 0x000000F0, 17, 2),
        (0x000007FF, 0x00FFF800, 1, 3),
        (0x00000000, 0x80000000, 32, 2),
    ],
)
def test_groups_of_a_tall_product_take_rows_of_both_halves(low: int, high: int, columns: int, groups: int) -> None:
    settings = ("accumulation_buffer.window=64", *WIDE)
    found = timed([*tall_bitmaps(low, high, columns), *[TALL[0]] * 4], *settings)
    assert found.counters["ohmma"] == 4 * 32 * groups
    rows = low.bit_count() + high.bit_count()
    assert found.counters["merged_rows"] == 4 * 32 * rows * -(-columns // 16)
    # R0 to R34 over two banks: 18 of them have even numbers.
    each = max(32 * groups, 18)
    assert 3 * each <= found.cycles <= 3 * each + 80
    assert found.port_busy["fp16"] == 4 * each


def test_rows_of_both_halves_share_a_bank() -> None:
    def cycles(low: int, high: int) -> int:
        return timed([*tall_bitmaps(low, high, 16), *[TALL[0]] * 4], *WIDE).cycles

    apart, together = cycles(0x0F, 0xF0), cycles(0x0F, 0x0F)
    assert 3 * 32 <= apart <= 3 * 32 + 24
    assert 3 * 64 - 16 <= together <= 3 * 64 + 24


def test_a_tall_product_is_two_tiles() -> None:
    stream = [*tall_bitmaps(1, 0, 1), *TALL * 3]
    enough = timed(stream, "accumulation_buffer.tiles=4")
    assert (enough.counters["fills"], enough.counters["spills"]) == (4, 0)
    thrash = timed(stream, "accumulation_buffer.tiles=3")
    assert (thrash.counters["fills"], thrash.counters["spills"]) == (12, 9)
    halves = [WINDOW, WINDOW.replace("R40", "R72")]
    shared = timed([*tall_bitmaps(1, 0, 1), *halves, TALL[0]])
    assert shared.counters["fills"] == 2


def test_both_tiles_of_a_tall_product_are_written_back() -> None:
    out = np.zeros(32, np.float32)

    def cycles(outer: str, spill: int) -> int:
        body = ["S2R R4, SR_LANEID", "MOV R5, 4", "IMAD.WIDE.U32 R6, R4, R5, out", outer, "STG.E [R6], R40"]
        return timed(body, f"accumulation_buffer.spill_cycles={spill}", out=out).cycles

    assert cycles(TALL[0], 116) - cycles(TALL[0], 16) == 200


def test_banks_hold_a_sequenced_product_up() -> None:
    stream = [WINDOW] * 4
    slow = timed([*bitmaps(32, 32), *stream], "accumulation_buffer.banks=4", *WIDE)
    assert 3 * 512 - 16 <= slow.cycles <= 3 * 512 + 24


def test_a_reader_waits_for_the_write_back() -> None:
    out = np.zeros(32, np.float32)
    body = [
        "S2R R4, SR_LANEID",
        "MOV R5, 4",
        "IMAD.WIDE.U32 R6, R4, R5, out",
        "OHMMA.8161.F32 R40, R0.H0, R1.H0, 0, 0",
        "STG.E [R6], R40",
    ]
    short, long = (timed(body, f"accumulation_buffer.spill_cycles={c}", out=out) for c in (16, 116))
    assert long.cycles == short.cycles + 100
    assert short.stalls[:, TENSOR_SCOREBOARD].sum() > 0
