"""Load and store unit, shared memory, caches and DRAM against hand calculation and a model of bank conflicts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.timing.reasons import Reason
from tests.timing.kernels import LOAD_OWN, cycles, timed

END = 1
SHARED = ".shared cells, 8192, 128"


def passes(addresses: list[int | None], width: int) -> tuple[int, int]:
    """Wavefronts of a shared memory access, and those of it that bank conflicts add; lanes with None do not execute.

    Per group of lanes that has an executing one: the most distinct words that one bank must give.
    """
    if len({address for address in addresses if address is not None}) == 1:
        return 1, 0
    lanes = 32 * 4 // max(width, 4)
    groups = []
    for first in range(0, 32, lanes):
        banks: dict[int, set[int]] = {}
        for address in addresses[first : first + lanes]:
            for word in () if address is None else range(address // 4, (address + width - 1) // 4 + 1):
                banks.setdefault(word % 32, set()).add(word)
        groups += [max(len(words) for words in banks.values())] if banks else []
    return sum(groups), sum(groups) - len(groups)


@settings(max_examples=40)
@given(st.sampled_from([(1, ".U8"), (2, ".U16"), (4, ""), (8, ".64"), (16, ".128")]), st.data())
def test_bank_conflicts(size: tuple[int, str], data: st.DataObject) -> None:
    width, suffix = size
    addresses = data.draw(st.lists(st.integers(0, 8192 // width - 1), min_size=32, max_size=32))
    places = np.array(addresses, np.uint32) * width
    mask = data.draw(st.one_of(st.just(2**32 - 1), st.integers(1, 2**32 - 1), st.integers(0, 31).map(lambda n: 1 << n)))
    body = [
        SHARED,
        "S2R R0, SR_LANEID",
        f"MOV R10, 0x{mask:x}",
        "SHF.R.U32 R10, R10, R0, RZ",
        "LOP3.LUT R10, R10, 1, RZ, 0xc0",
        "ISETP.NE.AND P0, PT, R10, 0, PT",
        "MOV R1, 4",
        "IMAD.WIDE.U32 R2, R0, R1, places",
        "LDG.E R4, [R2]",
        f"@P0 LDS{suffix} R8, [R4]",
    ]
    found = timed(body, places=places)
    executing = [int(place) if mask >> lane & 1 else None for lane, place in enumerate(places)]
    wavefronts, conflicts = passes(executing, width)
    assert found.counters["bank_conflicts"] == conflicts
    assert found.counters["wavefronts"] == wavefronts + 1


@pytest.mark.parametrize("links", [1, 8])
def test_shared_latency(links: int) -> None:
    body = [SHARED, "MOV R0, 0", *["LDS R0, [R0]"] * links]
    found = timed(body)
    assert found.cycles == 4 + (links - 1) * 27 + 1 + END
    assert found.stalls[:, Reason.SHORT_SCOREBOARD].sum() == (links - 1) * 25


def test_shared_bandwidth_is_a_wavefront_a_cycle() -> None:
    body = [SHARED, "S2R R0, SR_LANEID", "SHF.L.U32 R0, R0, 2, RZ", *[f"LDS R{4 + i % 8}, [R0]" for i in range(200)]]
    found = timed(body, block=512)
    assert found.counters["wavefronts"] == 200 * 16
    assert 3200 <= found.cycles <= 3400


def chase(footprint: int, stride: int, *settings: str) -> float:
    """Cycles a link of a chain of dependent loads that has been gone through before."""
    links = footprint // stride
    cells = np.zeros(footprint // 4, np.uint32)
    body = [
        "MOV R0, cells",
        "MOV R1, cells + 4",
        "MOV R4, R0",
        "MOV R5, R1",
        "S2R R8, SR_LANEID",
        "ISETP.NE.AND P0, PT, R8, 0, PT",
        "@P0 EXIT",
        "MOV R9, n",
        "again:",
        *["LDG.E R4, [R4]"] * 16,
        "IADD3 R9, R9, -1, RZ",
        "ISETP.NE.AND P1, PT, R9, 0, PT",
        "@P1 BRA again",
    ]
    base = 0x7F0000000000
    at = np.arange(0, footprint, stride)
    cells[at // 4] = (base + np.roll(at, -1)) & 0xFFFFFFFF
    first, second = (cycles(body, *settings, cells=cells, n=n * links // 16) for n in (2, 3))
    return (second - first) / links


@pytest.mark.parametrize(
    ("footprint", "small_l2", "latency"),
    [(8 << 10, (), 34), (512 << 10, (), 211), (512 << 10, ("l2.bytes=65536",), 313)],
    ids=["L1", "L2", "DRAM"],
)
def test_latency_of_each_level(footprint: int, small_l2: tuple[str, ...], latency: int) -> None:
    assert chase(footprint, 256 if footprint > 8 << 10 else 128, *small_l2) == pytest.approx(latency, rel=0.03)


def test_dram_bandwidth_bounds_a_copy() -> None:
    size = 1 << 20
    x = np.zeros(size, np.uint32)
    body = [
        *LOAD_OWN,
        "IADD3 R6, R6, 1, RZ",
        "STG.E [R4], R6",
    ]
    found = timed(body, grid=size // 256, block=256, x=x)
    assert (x == 1).all()
    assert found.dram_sectors == size // 8
    bound = size * 4 / (900e9 / 1530e6)
    assert bound < found.cycles < 1.6 * bound


def test_stores_drain_from_l2_while_no_load_wants_dram() -> None:
    size = 1 << 20
    out = np.zeros(size, np.uint32)
    body = [line.replace("x", "out") for line in LOAD_OWN[:-1]] + ["STG.E [R4], R0"]
    fits, small = (timed(body, f"l2.bytes={room}", grid=size // 256, block=256, out=out) for room in (8 << 20, 1 << 20))
    needed = size * 4 / (900e9 / 1530e6)
    assert fits.cycles < 0.4 * needed
    assert small.cycles == pytest.approx(0.75 * needed, rel=0.05)  # a quarter stays in L2
    assert fits.dram_sectors < size // 8
    assert small.dram_sectors >= (size - (1 << 18)) // 8


def test_scattered_loads_move_a_sector_a_lane() -> None:
    x = np.zeros(1 << 15, np.uint32)
    near, far = (
        timed(
            ["S2R R0, SR_LANEID", f"MOV R2, {stride}", "IMAD.WIDE.U32 R4, R0, R2, x", "LDG.E R6, [R4]"], x=x
        ).counters["l1_misses"]
        for stride in (4, 512)
    )
    assert (near, far) == (4, 32)


@pytest.mark.parametrize(("offset", "wait"), [(0, 34), (32, 34), (4096, 34)], ids=["none", "same line", "another line"])
def test_a_sector_that_is_there_does_not_wait_for_others_of_its_line(offset: int, wait: int) -> None:
    body = [
        "MOV R2, x",
        "MOV R3, x + 4",
        "LDG.E R4, [R2]",
        "IADD3 R5, R4, RZ, RZ",
        f"LDG.E R6, [R2 + {offset}]",
        "LDG.E R7, [R2]",
        "IADD3 R8, R7, RZ, RZ",
        "IADD3 R9, R6, RZ, RZ",
    ]
    found = timed(body, x=np.zeros(2048, np.uint32))
    waited = found.stalls[:, Reason.LONG_SCOREBOARD]
    assert waited[6] == pytest.approx(wait, abs=3)
    # A sector that is on its way is waited for, however often it is asked for.
    again = timed([*body[:2], "LDG.E R4, [R2]", "LDG.E R7, [R2]", "IADD3 R8, R7, RZ, RZ"], x=np.zeros(2048, np.uint32))
    assert again.stalls[:, Reason.LONG_SCOREBOARD][4] > 300


def test_the_line_of_l1_that_was_used_longest_ago_makes_room() -> None:
    """16 lines in one set: line 0 is used again before another one comes, so line 1 goes and not line 0."""
    small = ("sm.l1_and_shared_bytes=2048", "sm.shared_bytes=1024", "l1.ways=16")
    first = ["MOV R4, cells", "MOV R5, cells + 4"]
    lines = [*range(16), 0, 16, 0, 1]
    found = timed(
        [*first, *(f"LDG.E R8, [R4 + {128 * line}]" for line in lines)], *small, cells=np.zeros(1024, np.uint32)
    )
    assert found.counters["l1_hits"] == 2
    assert found.counters["l1_misses"] == len(lines) - 2


def test_the_line_of_l2_that_was_used_longest_ago_makes_room() -> None:
    """64 lines that are read in every turn stay in an L2 of 512, though 2,560 others go through it."""
    turns = 40
    body = [
        "S2R R0, SR_LANEID",
        "MOV R1, 128",
        "IMAD.WIDE.U32 R4, R0, R1, cells",
        "MOV R6, R4",
        "MOV R7, R5",
        f"MOV R9, {turns}",
        "MOV R2, 8192",
        "again:",
        "IMAD.WIDE.U32 R6, R2, 1, R6",
        *[f"LDG.E R{10 + i}, [R4 + {4096 * i}]" for i in range(2)],
        *[f"LDG.E R{12 + i}, [R6 + {4096 * i}]" for i in range(2)],
        "IADD3 R9, R9, -1, RZ",
        "ISETP.NE.AND P1, PT, R9, 0, PT",
        "@P1 BRA again",
    ]
    small = ("sm.l1_and_shared_bytes=2048", "sm.shared_bytes=1024", "l2.bytes=65536", "l2.ways=64")
    cells = np.zeros(8192 * (turns + 1) // 4, np.uint32)
    found = timed(body, *small, "model.epoch_cycles=64", cells=cells)
    assert found.dram_sectors == 64 * (turns + 1)


def test_the_end_waits_for_the_load_and_store_unit() -> None:
    """A store whose lanes all meet in one bank takes 32 passes, which go on behind the EXIT."""
    body = [".shared cells, 4096", "S2R R0, SR_LANEID", "SHF.L.U32 R0, R0, 7, RZ", "STS [R0], R0"]
    found = timed(body)
    assert found.counters["bank_conflicts"] == 31
    one = timed([line.replace("R0, 7, RZ", "R0, 2, RZ") for line in body])
    assert found.cycles == one.cycles + 31 - END


@pytest.mark.parametrize(("suffix", "size"), [("", 4), (".64", 8), (".128", 16)])
@pytest.mark.parametrize("lanes", [1, 8, 31, 32])
def test_one_address_is_one_wavefront(suffix: str, size: int, lanes: int) -> None:
    for access in (f"@P0 LDS{suffix} R8, [R4]", f"@P0 LDG.E{suffix} R8, [R2]"):
        body = [
            SHARED,
            "S2R R0, SR_LANEID",
            f"ISETP.LT.U32.AND P0, PT, R0, {lanes}, PT",
            f"MOV R4, {size}",
            "IMAD.WIDE.U32 R2, RZ, RZ, places",
            access,
        ]
        found = timed(body, places=np.zeros(64, np.uint32))
        assert found.counters["wavefronts"] == 1
        assert found.counters["bank_conflicts"] == 0


def test_lanes_of_an_atomic_take_turns_in_their_bank() -> None:
    for stride, turns in ((4, 1), (8, 2), (128, 32), (0, 32)):
        body = [SHARED, "S2R R0, SR_LANEID", f"IMAD R4, R0, {stride}, RZ", "ATOMS.ADD R8, [R4], R0"]
        assert timed(body).counters["wavefronts"] == turns
