"""Hazards found at run time: against the model that walks a path, and never where the assembler filled in the codes."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.assembler import assemble
from dstc_isa.dense.gemm import gemm_dense
from dstc_isa.dense.launch import GemmResult
from dstc_isa.dense.structured import gemm_sparse24
from dstc_isa.gpu import Gpu, load_gpu
from dstc_isa.isa.codec import decode
from dstc_isa.isa.volta import VOLTA
from dstc_isa.program import Kernel
from dstc_isa.report.hazards import hazard_reports
from dstc_isa.sparse.random_matrix import random_matrix
from dstc_isa.sparse.spgemm import spgemm
from dstc_isa.text.hazard_text import hazard_text
from dstc_isa.timing.hazard_watch import Found
from dstc_isa.timing.run import time_kernel
from tests.models.hazards import Walk
from tests.schedule.timetables import timetables
from tests.timing.kernels import gpu

GPU = gpu("sm.count=2")
SAFE = "B012345:R0:W0:-:S15 "
START = [
    *[SAFE + line for line in ("S2R R20, SR_TID.X", "MOV R21, 4", "IMAD.WIDE.U32 R22, R20, R21, x")],
    *[SAFE + line for line in ("SHF.L.U32 R20, R20, 2, RZ", "ISETP.LT.AND P0, PT, R20, 40, PT", "NOP")],
]
"""R20 and R22 are addresses of a lane's word in shared and in global memory; P0 holds in some lanes."""

registers = st.sampled_from([f"R{i}" for i in range(5)])
FIXED = st.one_of(
    st.builds("IADD3 {}, {}, {}, RZ".format, registers, registers, registers),
    st.builds("FFMA {}, {}, {}, RZ".format, registers, registers, registers),
    st.builds("HFMA2 {}, {}, {}, RZ".format, registers, registers, registers),
    st.builds("ISETP.LT.AND {}, PT, {}, {}, PT".format, st.sampled_from(["P0", "P1"]), registers, registers),
    st.builds("IMAD {}, {}, {}, RZ".format, registers, registers, registers),
)
VARIABLE = st.one_of(
    st.builds("POPC {}, {}".format, registers, registers),
    st.builds("LDS {}, [R20]".format, registers),
    st.builds("LDG.E {}, [R22]".format, registers),
    st.builds("SHFL.BFLY PT, {}, {}, 1, 0x1f".format, registers, registers),
    st.builds("OHMMA.8161.F32 R40, {}.H0, {}.H1, {}, 0, 1".format, registers, registers, registers),
    st.builds("MOV {}, R41".format, registers),
)
STORES = st.one_of(
    st.builds("STS [R20], {}".format, registers),
    st.builds("STG.E [R22], {}".format, registers),
)
boards = st.sampled_from("-----012345")
waits = st.sets(st.integers(0, 5), max_size=2).map(lambda on: "".join(str(i) if i in on else "-" for i in range(6)))
stalls = st.integers(1, 7)
QUIET = st.builds("B------:R-:W-:-:S{:02} {}".format, stalls, FIXED)
CODED = st.one_of(
    st.builds("B{}:R-:W-:-:S{:02} {}".format, waits, stalls, FIXED),
    st.builds("B{}:R{}:W{}:-:S{:02} {}".format, waits, boards, boards, stalls, VARIABLE),
    st.builds("B{}:R{}:W-:-:S{:02} {}".format, waits, boards, stalls, STORES),
)


def run(lines: list[str], machine: Gpu = GPU, block: int = 32, grid: int = 1) -> tuple[Kernel, list[Found]]:
    text = "\n".join([".kernel k", ".param .ptr x", ".shared cells, 4096, 128", *lines, "EXIT", ".endkernel"])
    program = assemble(text, "k.dasm", gpu=machine).program
    assert program is not None
    kernel = program.kernels[0]
    x = np.arange(1024, dtype=np.uint32)
    _, timing = time_kernel(program, kernel, (grid,), (block,), {"x": x}, machine, check_hazards=True)
    assert timing.hazards is not None
    return kernel, timing.hazards


def walked(kernel: Kernel) -> list[str]:
    walk = Walk(GPU)
    for index, word in enumerate(kernel.words):
        walk.step(index, decode(VOLTA, word), True)
    return walk.found


def consumers(found: list[str]) -> set[int]:
    return {int(text.partition(":")[0]) for text in found}


@settings(max_examples=100)
@given(st.lists(QUIET, min_size=2, max_size=25))
def test_fixed_latencies_are_found_exactly_where_the_model_finds_them(body: list[str]) -> None:
    kernel, found = run([*START, *body])
    assert {f.hazard.consumer for f in found} == consumers(walked(kernel))


@settings(max_examples=150)
@given(st.lists(CODED, min_size=2, max_size=25))
def test_missing_waits_are_found_exactly_where_the_model_finds_them(body: list[str]) -> None:
    kernel, found = run([*START, *body])
    expected = walked(kernel)
    untold = [text for text in expected if "wait" in text.replace("waits", "") or "overwrites a source" in text]
    assert {f.hazard.consumer for f in found if not f.hazard.missing} <= consumers(untold)
    assert {f.hazard.consumer for f in found} >= consumers(untold)
    assert {f.hazard.consumer for f in found} <= consumers(expected)


PARTS = {"": range(32), "@P4 ": range(10), "@!P4 ": range(10, 32), "@P5 ": range(20, 32), "@!P5 ": range(20)}
"""Guards and the lanes in which they hold behind PARTING."""

PARTING = [
    SAFE + f"ISETP.{test}.U32.AND P{4 + i}, PT, R24, {lane}, PT"
    for i, (test, lane) in enumerate([("LT", 10), ("GE", 20)])
]


@settings(max_examples=100)
@given(st.lists(st.tuples(st.sampled_from([*PARTS]), QUIET), min_size=2, max_size=20))
def test_each_lane_has_the_hazards_of_what_it_executed_itself(body: list[tuple[str, str]]) -> None:
    """A result is under way in the lanes that executed it, whatever others have written since."""
    lines = [f"{code[:20]}{guard}{code[20:]}" for guard, code in body]
    start = [*START, SAFE + "S2R R24, SR_LANEID", *PARTING, SAFE + "NOP"]
    kernel, found = run([*start, *lines])
    expected = set()
    for lane in (0, 15, 25):
        walk = Walk(GPU)
        for index, word in enumerate(kernel.words):
            guard = body[index - len(start)][0] if len(start) <= index < len(start) + len(body) else ""
            walk.step(index, decode(VOLTA, word), lane in PARTS[guard], issues=True)
        expected |= consumers(walk.found)
    assert {f.hazard.consumer for f in found} == expected


@pytest.mark.parametrize("latency", [6, 15, 1000])
@pytest.mark.parametrize("second", ["NOP", "@!P0 MOV R1, R4"])
def test_a_write_in_other_lanes_does_not_end_a_result(latency: int, second: str) -> None:
    machine = gpu("sm.count=2", f"pipes.FP16.latency={latency}")
    lines = [*START, "B------:R-:W-:-:S01 @P0 HADD2 R1, R4, R4", f"B------:R-:W-:-:S04 {second}"]
    lines += ["B------:R-:W-:-:S15 IADD3 R2, R1, R4, RZ"]
    kernel, found = run(lines, machine)
    (report,) = hazard_reports(kernel, found)
    assert report.message.startswith("RAW hazard: IADD3 reads R1 before HADD2")
    assert report.missing == latency - 5


@pytest.mark.parametrize("setting", ["to.ALU=16", "to.FMA=40", "to.guard=1000", "accumulate=17", "latency=15"])
def test_a_wait_for_a_fixed_latency_is_as_long_as_the_longest(setting: str) -> None:
    """Where an instruction's own address is taken no NOP can be put in: a scoreboard stands for its latencies."""
    machine = gpu("sm.count=2", f"pipes.ALU.{setting}")
    users = [
        "IADD3 R2, R1, R1, RZ",
        "IMAD R3, R2, R2, RZ",
        "ISETP.LT.AND P1, PT, R3, R2, PT",
        "@P1 BRA away",
        "away: NOP",
    ]
    kernel, found = run([*START, "MOV R0, .", "IADD3 R1, R0, R0, RZ", *users], machine)
    assert found == []
    assert any(decode(VOLTA, word).control.wait for word in kernel.words)


guards = st.sampled_from(["", "", "@P0 ", "@!P1 "])


@settings(max_examples=80)
@given(
    st.lists(st.builds("{}{}".format, guards, st.one_of(FIXED, VARIABLE, STORES)), min_size=1, max_size=30),
    st.sampled_from([32, 128]),
    st.sampled_from(["none", "slot"]),
)
def test_filled_in_codes_leave_none(body: list[str], block: int, skipped: str) -> None:
    machine = gpu("sm.count=2", f"accumulation_buffer.skipped={skipped}")
    plain = [line for line in body if not (line.startswith("@") and "OHMMA" in line and block > 32)]
    assert run([line.removeprefix(SAFE) for line in START] + uniform(plain), machine, block, 3)[1] == []


@settings(max_examples=60)
@given(
    timetables("sm.count=2"),
    st.lists(st.builds("{}{}".format, guards, st.one_of(FIXED, VARIABLE, STORES)), min_size=1, max_size=20),
    st.sampled_from(["", "MOV R60, ."]),
)
def test_nor_for_any_gpu_that_the_schema_allows(timetable: list[str], body: list[str], fixes: str) -> None:
    machine = load_gpu("v100-dstc", timetable)
    plain = [line for line in body if not (line.startswith("@") and "OHMMA" in line)]
    assert run([fixes, *[line.removeprefix(SAFE) for line in START], *plain], machine)[1] == []


def uniform(body: list[str]) -> list[str]:
    """Outer products need all lanes: their guard is one that holds in all or in none."""
    return [line.replace("@P0 ", "@P6 ").replace("@!P1 ", "@!P6 ") if "OHMMA" in line else line for line in body]


def test_skipped_outer_products_take_no_time_for_the_assembler() -> None:
    outer = "OHMMA.8161.F32 R40, R0.H0, R1.H0, R2, 0, 0"
    assert run(["ISETP.LT.AND P0, PT, RZ, RZ, PT", *[f"@P1 {outer}"] * 4, f"@P0 {outer}"])[1] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("density", "slower"),
    [
        (0.05, []),
        (0.6, []),
        (0.3, ["pipes.ALU.latency=40"]),
        (0.3, ["pipes.ALU.latency=0"]),
        (0.3, ["pipes.BOHMMA.latency=0"]),
        (0.3, ["pipes.IMAD.latency=1000", "pipes.BOHMMA.latency=16", "pipes.ALU.initiation=256"]),
    ],
)
def test_shipped_kernels_have_none(density: float, slower: list[str]) -> None:
    a, b = random_matrix(100, 90, density, 1), random_matrix(90, 130, density, 2)
    result = spgemm(a, b, gpu=gpu("sm.count=2", *slower), check_hazards=True)
    assert result.report.run.timing is not None
    assert result.report.run.timing.hazards == []
    assert result.c.tobytes() == spgemm(a, b, gpu=None).c.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("multiply", [gemm_dense, gemm_sparse24])
@pytest.mark.parametrize(
    "slower", [["accumulate=300"], ["latency=300", "accumulate=144"], ["latency=0", "accumulate=0"]]
)
def test_dense_kernels_have_none(multiply: Callable[..., GemmResult], slower: list[str]) -> None:
    a, b = random_matrix(64, 64, 1, 1), random_matrix(64, 64, 1, 2)
    a[:, 2::4] = a[:, 3::4] = 0
    settings = [f"pipes.HMMA.{setting}" for setting in slower]
    result = multiply(a, b, gpu=gpu("sm.count=2", *settings), check_hazards=True)
    assert result.run.timing is not None
    assert result.run.timing.hazards == []


def test_a_report_names_both_lines() -> None:
    kernel, found = run(["B------:R-:W-:-:S02 FFMA R0, R1, R1, R1", "IADD3 R2, R0, R0, RZ"], block=64, grid=3)
    text = hazard_text(hazard_reports(kernel, found))
    assert text.splitlines() == [
        "k.dasm:5: RAW hazard: IADD3 reads R0 before FFMA at k.dasm:4 has its result",
        "  CTA 0, warp 0, cycle 2: expected 2 more cycles of stall between them",
        "1 hazard in the kernel's control codes",
    ]


@pytest.mark.parametrize(
    ("lines", "message", "mend"),
    [
        (["W- POPC R0, R1", "W- MOV R2, R0"], "RAW hazard: MOV reads R0", "a scoreboard on the one that writes"),
        (["W3 POPC R0, R1", "W- MOV R2, R0"], "RAW hazard: MOV reads R0", "a wait for its scoreboard"),
        (["W- STS [R1], R0", "W- MOV R1, R2"], "WAR hazard: MOV overwrites R1", "a scoreboard on the one that reads"),
        (["W- IMAD R0, R1, R1, RZ", "W- IADD3 R0, R1, R1, RZ"], "WAW hazard: IADD3 writes R0", "1 more cycle of"),
    ],
)
def test_kinds(lines: list[str], message: str, mend: str) -> None:
    kernel, found = run([f"B------:R-:{line[:2]}:-:S01 {line[3:]}" for line in lines])
    (report,) = hazard_reports(kernel, found)
    assert report.message.startswith(message)
    assert report.mend.startswith(mend)


def test_a_wait_that_comes_too_soon() -> None:
    lines = ["B------:R-:W3:-:S01 POPC R0, R1", "B---3--:R-:W-:-:S01 MOV R2, R0"]
    kernel, found = run(lines)
    (report,) = hazard_reports(kernel, found)
    assert report.message == "WAIT hazard: MOV waits for scoreboard 3 before POPC at k.dasm:4 can have set it"
    assert report.missing == 1
    assert run([lines[0].replace("S01", "S02"), lines[1]])[1] == []


def test_a_guard_that_holds_in_no_lane_reads_and_writes_nothing() -> None:
    producer = "B------:R-:W-:-:S01 FFMA R0, R1, R1, R1"
    assert run([producer, "B------:R-:W-:-:S01 @P3 MOV R2, R0"])[1] == []
    assert run(["B------:R-:W-:-:S01 @P3 FFMA R0, R1, R1, R1", "B------:R-:W-:-:S01 MOV R2, R0"])[1] == []
    assert len(run([producer, "B------:R-:W-:-:S01 @!P3 MOV R2, R0"])[1]) == 1


def test_many_hazards_are_cut_short() -> None:
    kernel, found = run(["B------:R-:W-:-:S01 FFMA R0, R0, R0, R0"] * 30)
    assert len(found) == 29
    assert "and 9 more" in hazard_text(hazard_reports(kernel, found))
