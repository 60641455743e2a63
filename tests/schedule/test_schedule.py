"""Filled-in control codes against a model that walks along random paths."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.assembler import assemble
from dstc_isa.diagnostics import render
from dstc_isa.gpu import Gpu, load_gpu
from dstc_isa.isa.codec import decode
from dstc_isa.isa.values import PT, Target
from dstc_isa.isa.volta import VOLTA
from dstc_isa.program import Kernel
from tests.assembler.build import in_kernel
from tests.models.hazards import Walk
from tests.schedule.timetables import timetables

GPU = load_gpu()
SLOW = load_gpu("v100-dstc", ["pipes.FMA.latency=9", "pipes.ALU.latency=7", "pipes.ALU.initiation=1"])
registers = st.sampled_from([f"R{i}" for i in range(6)])
pairs = st.sampled_from(["R0", "R2", "R4"])
tiles = st.sampled_from(["R40", "R41", "R80"])
predicates = st.sampled_from(["P0", "P1"])

LINES = st.one_of(
    st.builds("IADD3 {}, {}, {}, {}".format, registers, registers, registers, registers),
    st.builds("FFMA {}, {}, {}, {}".format, registers, registers, registers, registers),
    st.builds("IMAD {}, {}, {}, {}".format, registers, registers, registers, registers),
    st.builds("HFMA2 {}, {}, {}, {}".format, registers, registers, registers, registers),
    st.builds("POPC {}, {}".format, registers, registers),
    st.builds("MUFU.RCP {}, {}".format, registers, registers),
    st.builds("ISETP.LT.AND {}, PT, {}, {}, PT".format, predicates, registers, registers),
    st.builds("LDS {}, [{}]".format, registers, registers),
    st.builds("LDS.64 {}, [{}]".format, pairs, registers),
    st.builds("STS [{}], {}".format, registers, registers),
    st.builds("LDG.E {}, [{}]".format, registers, pairs),
    st.builds("LDC {}, c[3][{}]".format, registers, registers),
    st.builds("ATOMS.ADD {}, [{}], {}".format, registers, registers, registers),
    st.builds("ATOMG.E.ADD {}, [{}], {}".format, registers, pairs, registers),
    st.builds("SHFL.BFLY PT, {}, {}, 1, 0x1f".format, registers, registers),
    st.builds("STG.E [{}], {}".format, pairs, registers),
    st.builds("BOHMMA.32321 {}, {}, {}".format, registers, registers, registers),
    st.builds("BOHMMA.32321 {}, PR, {}, {}, 3, 4".format, registers, registers, registers),
    st.builds("R2P PR, {}, 0x3".format, registers),
    st.builds("P2R {}, PR, RZ, 0x3".format, registers),
    st.builds("SPWMMA.323232.F32.WINDOW {}, {}, {}, R2, R4".format, tiles, pairs, pairs),
    st.builds("SPWMMA.643232.F32.PACKED {}, R0, R0, {}, R2".format, st.sampled_from(["R40", "R104"]), pairs),
    st.builds("OHMMA.8161.F32 {}, {}.H0, {}.H1, {}, 0, 1".format, tiles, registers, registers, registers),
    st.builds("HMMA.884.F32.F32.STEP0 {}, {}.ROW, {}.COL, {}".format, pairs, pairs, pairs, pairs),
    st.builds("MOV {}, {}".format, st.sampled_from(["R40", "R60", "R90"]), registers),
    st.builds("IADD3 {}, R45, R85, R100".format, registers),
)
STATEMENTS = st.builds("{}{}".format, st.sampled_from(["", "", "@P0 ", "@!P1 "]), LINES)
BRANCHES = st.builds("{}BRA L{}".format, st.sampled_from(["@P0 ", "@!P1 "]), st.integers(0, 3))
BODIES = st.lists(st.one_of(*[STATEMENTS] * 8, BRANCHES), min_size=4, max_size=30)


def assembled(body: list[str], gpu: Gpu = GPU) -> Kernel:
    every = max(1, len(body) // 4)
    lines = []
    for index, line in enumerate(body):
        if index % every == 0 and index // every < 4:
            lines.append(f"L{index // every}:")
        lines.append(line)
    lines += [f"L{i}:" for i in range(4) if f"L{i}:" not in lines]
    return plain(lines, gpu)


def plain(lines: list[str], gpu: Gpu = GPU) -> Kernel:
    assembly = assemble(in_kernel("\n".join([*lines, "EXIT"])), gpu=gpu)
    assert assembly.program is not None, render(assembly.diagnostics)
    assert not [d for d in assembly.diagnostics if "hazard" in d.message]
    return assembly.program.kernels[0]


def hazards(data: st.DataObject, kernel: Kernel, gpu: Gpu = GPU, steps: int = 80) -> list[str]:
    walk = Walk(gpu)
    code = [decode(VOLTA, word) for word in kernel.words]
    pc = 0
    for _ in range(steps):
        if pc >= len(code):
            break
        instruction = code[pc]
        executes = instruction.guard.index == PT or data.draw(st.booleans(), "guard")
        walk.step(pc, instruction, executes)
        pc += 1
        if executes and instruction.operands and isinstance(instruction.operands[-1], Target):
            pc += instruction.operands[-1].address // 16
        elif instruction.declaration.mnemonic == "EXIT" and executes:
            break
    return walk.found


@settings(max_examples=150)
@given(BODIES, st.data())
def test_filled_in_codes_leave_no_hazard_on_any_path(body: list[str], data: st.DataObject) -> None:
    assert hazards(data, assembled(body)) == []


@settings(max_examples=50)
@given(BODIES, st.data())
def test_nor_for_other_latencies(body: list[str], data: st.DataObject) -> None:
    assert hazards(data, assembled(body, SLOW), SLOW) == []


@pytest.mark.slow
@settings(max_examples=120)
@given(timetables(), BODIES, st.data())
def test_nor_for_any_that_the_schema_allows(timetable: list[str], body: list[str], data: st.DataObject) -> None:
    gpu = load_gpu("v100-dstc", timetable)
    assert hazards(data, assembled(body, gpu), gpu) == []


@pytest.mark.slow
@settings(max_examples=80)
@given(timetables(), BODIES, st.data())
def test_nor_where_instructions_must_stay_where_they_are(
    timetable: list[str], body: list[str], data: st.DataObject
) -> None:
    gpu = load_gpu("v100-dstc", timetable)
    kernel = assembled(["MOV R70, .", *body], gpu)
    assert len(kernel.words) == len(body) + 2
    assert hazards(data, kernel, gpu) == []


def codes(*lines: str) -> list[str]:
    return [str(decode(VOLTA, word).control) for word in plain(list(lines)).words]


def test_stall_counts_of_a_chain() -> None:
    assert codes("FFMA R0, R0, R0, R0", "IMAD R1, R0, R0, R0", "IADD3 R2, R1, R1, RZ", "IADD3 R3, R0, R0, RZ") == [
        "B------:R-:W-:-:S04",
        "B------:R-:W-:-:S05",
        "B------:R-:W-:-:S01",
        "B------:R-:W-:-:S01",
        "B------:R-:W-:-:S01",
    ]


def test_independent_work_stands_in_for_stalls() -> None:
    found = codes("FFMA R0, R5, R5, R5", "MOV R1, R5", "FFMA R2, R5, R5, R5", "IADD3 R3, R0, R0, RZ")
    assert [code[-2:] for code in found] == ["01", "01", "02", "01", "01"]


def test_loads_that_are_used_together_share_a_scoreboard() -> None:
    found = codes("LDS R1, [R0]", "LDS R2, [R0+4]", "FFMA R3, R1, R2, RZ", "FFMA R4, R3, R1, RZ")
    first, second, use, later, _ = found
    assert first.split(":")[2] == second.split(":")[2] != "W-"
    assert use.startswith("B0-----")
    assert second.endswith("S02")
    assert later.startswith("B------")


def test_a_busy_port_does_not_stand_in_for_the_stall_before_a_wait() -> None:
    """A wait follows its scoreboard's setter by a stall count of 2, though the port holds the second one anyway."""
    found = codes("MUFU.RCP R0, R1", "MUFU.RCP R2, R0")
    assert found[1].startswith("B0-----")
    assert found[0].endswith("S02")


def test_an_address_is_overwritten_only_after_it_was_read() -> None:
    store, move, _ = codes("STS [R0], R1", "MOV R0, 4")
    board = store.split(":")[1]
    assert board != "R-"
    assert board[1] in move.split(":")[0]


def test_outer_products_follow_each_other_without_waits() -> None:
    outer = "OHMMA.8161.F32 R40, R0.H0, R1.H0, R2, 0, 0"
    first, second, read, _ = codes(outer, outer, "MOV R0, R50")
    assert first == "B------:R-:W5:-:S01"
    assert second == "B------:R-:W5:-:S02"
    assert read.startswith("B-----5:")


def test_accumulation_is_faster_than_other_use() -> None:
    step = "HMMA.884.F32.F32.STEP{} R{}, R0.ROW, R2.COL, R{}"
    chain = [step.format(s, 8 + 2 * s, 8 + 2 * s) for s in range(4)]
    found = codes(*chain, *chain, "MOV R30, R14")
    assert [code[-2:] for code in found] == ["01"] * 7 + ["10", "01", "01"]


def messages(body: str) -> list[str]:
    assembly = assemble(in_kernel(body), "t.dasm")
    assert assembly.program is not None
    return [f"{d.line}: {d.message}; {d.expected}" for d in assembly.diagnostics if "hazard" in d.message]


def test_written_codes_are_kept_and_their_hazards_told() -> None:
    body = "B------:R-:W-:-:S02 FFMA R0, R1, R1, R1\nIADD3 R2, R0, R0, RZ\nSTG.E [R4], R2\nEXIT"
    assert messages(body) == [
        "4: RAW hazard: IADD3 reads R0 before FFMA at t.dasm:3 has its result; 2 more cycles of stall between them"
    ]
    body = "B------:R-:W-:-:S02 LDS R0, [R1]\nIADD3 R2, R0, R0, RZ\nSTG.E [R4], R2\nEXIT"
    assert messages(body) == [
        "4: RAW hazard: IADD3 reads R0 before LDS at t.dasm:3 has its result; "
        "a scoreboard on the one that writes, and a wait for it"
    ]
    body = "B------:R-:W3:-:S02 LDS R0, [R1]\nB------:R-:W-:-:S04 IADD3 R2, R0, R0, RZ\nSTG.E [R4], R2\nEXIT"
    (message,) = messages(body)
    assert message.endswith("a wait for its scoreboard")
    body = "B------:R-:W-:-:S04 STS [R1], R0\nMOV R1, 3\nSTG.E [R4], R1\nEXIT"
    (message,) = messages(body)
    assert message.startswith("4: WAR hazard: MOV overwrites R1, which STS at t.dasm:3 may still have to read")


FREE_PORTS = [f"pipes.{unit.name}.initiation=1" for unit in VOLTA.units]
MANUAL = load_gpu(
    "v100-dstc", [*FREE_PORTS, "pipes.HMMA.latency=11", "pipes.HMMA.accumulate=2", "pipes.IMAD.latency=7"]
)
CODES = st.builds(
    "B{}:R-:W{}:-:S{:02} ".format,
    st.sampled_from(["------", "------", "0-----", "-1----", "01----"]),
    st.sampled_from("---01"),
    st.integers(1, 8),
)
WRITTEN = st.one_of(
    st.builds("IADD3 {}, {}, {}, RZ".format, registers, registers, registers),
    st.builds("IMAD {}, {}, {}, RZ".format, registers, registers, registers),
    st.builds("HFMA2 {}, {}, {}, RZ".format, registers, registers, registers),
    st.builds("HMMA.884.F32.F32.STEP0 {}, {}.ROW, {}.COL, {}".format, pairs, pairs, pairs, pairs),
)


@settings(max_examples=150)
@given(st.lists(st.tuples(CODES, st.sampled_from(["", "", "@P5 "]), WRITTEN).map("".join), min_size=2, max_size=8))
def test_written_codes_leave_the_hazards_of_the_model_and_no_others(lines: list[str]) -> None:
    """Cycles are those of the stall counts; a wait protects what signals its scoreboard, and any guard may be false."""
    assembly = assemble(in_kernel("\n".join([".control manual", *lines, "NOP", "EXIT"])), gpu=MANUAL)
    assert assembly.program is not None
    code = [decode(VOLTA, word) for word in assembly.program.kernels[0].words]
    guarded = [index for index, instruction in enumerate(code) if instruction.guard.index != PT]
    expected = set()
    for outcome in product([False, True], repeat=len(guarded)):
        executes = dict(zip(guarded, outcome, strict=True))
        walk = Walk(MANUAL, waits_last=False)
        for index, instruction in enumerate(code):
            walk.step(index, instruction, executes.get(index, True))
        expected |= {int(text.partition(":")[0]) for text in walk.found}
    first = assembly.program.kernels[0].locations[0][0].line
    assert {d.line - first for d in assembly.diagnostics if "hazard" in d.message} == expected


def test_a_written_scoreboard_of_a_fixed_latency_is_waited_for_or_cycles_pass() -> None:
    """The same whatever the latency, and whether or not a stall count can hold it."""
    slow = load_gpu("v100-dstc", ["pipes.IMAD.latency=20"])
    wide = "B------:R-:W0:-:S02 IMAD.WIDE.U32 R12, R9, R9, R8"
    for gpu in (GPU, slow):
        for behind in (["B0-----:R-:W-:-:S01 IMAD R2, R9, R12, R12"], ["B------:R-:W-:-:S15 NOP"] * 2):
            body = [wide, *behind, "B------:R-:W-:-:S? IMAD R3, R9, R12, R12", "STG.E [R4], R3", "EXIT"]
            assembly = assemble(in_kernel("\n".join(body)), gpu=gpu)
            assert [d.message for d in assembly.diagnostics if "hazard" in d.message] == []


def test_a_load_is_as_fast_as_its_memory() -> None:
    """A result of memory comes later than an older one of the same register."""
    for key, load in (
        ("shared.latency", "LDS R0, [R2]"),
        ("shared.latency", "LDC R0, c[3][R2]"),
        ("shared.latency", "ATOMS.ADD R0, [R2], R3"),
        ("l1.latency", "LDG.E R0, [R2]"),
        ("l2.atomic_latency", "ATOMG.E.ADD R0, [R2], R3"),
        ("pipes.LSU.latency", "SHFL.IDX PT, R0, R2, R3, 0x1f"),
    ):
        for fast, waits in ((3, 12), (10, 5), (14, 1), (1000, 1)):
            gpu = load_gpu(
                "v100-dstc", ["pipes.ALU.latency=14", f"{key}={fast}"] + ["dram.latency=2000", "l2.latency=1000"]
            )
            kernel = plain(["MOV R0, 1", f"@P0 {load}", "STG.E [R4], R0"], gpu)
            assert decode(VOLTA, kernel.words[0]).control.stall == waits


def test_a_written_wait_must_see_its_scoreboard() -> None:
    body = "B------:R-:W3:-:S01 LDS R0, [R1]\nB---3--:R-:W-:-:S04 IADD3 R2, R0, R0, RZ\nSTG.E [R4], R2\nEXIT"
    assert messages(body) == [
        "4: WAIT hazard: IADD3 waits for scoreboard 3 before LDS at t.dasm:3 can have set it; "
        "1 more cycle of stall between them"
    ]
    assert messages(body.replace("S01", "S02")) == []


def test_skipped_outer_products_do_not_count_as_stalls() -> None:
    outer = "OHMMA.8161.F32 R40, R0.H0, R1.H0, R2, 0, 0"
    body = ["ISETP.LT.AND P0, PT, R3, R4, PT", *[f"@P1 {outer}"] * 3, f"@P0 {outer}"]
    assert sum(int(code[-2:]) for code in codes(*body)[:4]) == 4 + 3
    slots = plain(body, load_gpu("v100-dstc", ["accumulation_buffer.skipped=slot"]))
    assert sum(decode(VOLTA, word).control.stall for word in slots.words[:4]) == 4


def test_a_port_counts_from_what_issues_behind_its_holder_only() -> None:
    """The second POPC waits 8 cycles for the first one's port, but the MOV between may be late."""
    body = ["POPC R0, R1", "MOV R2, R3", "POPC R4, R5", "IADD3 R6, R2, R2, RZ"]
    stalls = [int(code[-2:]) for code in codes(*body)]
    assert stalls[1] + stalls[2] >= 4


def test_guards_are_read_at_issue() -> None:
    load, compare, _ = codes("@P1 LDG.E R0, [R2]", "ISETP.LT.AND P1, PT, R4, R5, PT")
    assert compare.startswith("B------")
    assert load.split(":")[1] == "R-"


def test_open_prefixes_keep_what_they_give() -> None:
    body = ["B?:R?:W3:-:S? LDS R0, [R1]", "B?:R?:W?:Y:S05? MOV R2, R3", "B?:R-:W-:-:S? IADD3 R4, R0, R2, RZ"]
    load, move, add, _ = codes(*body)
    assert load.split(":")[2:] == ["W3", "-", "S01"]
    assert move.split(":")[2:] == ["W-", "Y", "S05"]
    assert add.startswith("B---3--")
    body = "B?:R?:W?:-:S01 MOV R0, 1\nIADD3 R2, R0, R0, RZ\nSTG.E [R4], R2\nEXIT"
    (message,) = messages(body)
    assert message.startswith("4: RAW hazard: IADD3 reads R0 before MOV at t.dasm:3 has its result; 3 more cycles")


def test_a_scoreboard_in_a_written_code_is_left_to_it() -> None:
    codes_of_loads = codes("B?:R?:W0:-:S? LDS R0, [R1]", *[f"LDS R{2 + i}, [R1]" for i in range(3)])
    assert [code.split(":")[2] for code in codes_of_loads[:4]].count("W0") == 1


def test_sources_of_a_sequenced_product_are_read_late() -> None:
    first, move, _ = codes("SPWMMA.323232.F32.WINDOW R40, R0, R0, R16, R18", "MOV R3, 1")
    assert first.split(":")[1:3] == ["R4", "W5"]
    assert move.startswith("B----4-")


def test_reuse_outlives_instructions_without_registers() -> None:
    kernel = plain(["FFMA R3, R0, R1, R2", "PLOP3.LUT P0, PT, P1, P2, PT, 0x80, 0x0", "FFMA R4, R0, R5, R2"])
    assert [v.reuse for v in decode(VOLTA, kernel.words[0]).operands[1:]] == [True, False, True]
    kernel = plain(["FFMA R3, R0, R1, R2", "MOV R6, R5", "FFMA R4, R0, R5, R2"])
    assert not any(v.reuse for v in decode(VOLTA, kernel.words[0]).operands[1:])


def test_reuse_is_set_where_the_next_instruction_reads_the_same() -> None:
    kernel = plain(["FFMA R3, R0, R1, R2", "FFMA R4, R0, R5, R2", "FFMA R0, R0, R5, R2", "FFMA R4, R0, R5, R3"])
    reused = [[v.reuse for v in decode(VOLTA, word).operands[1:]] for word in kernel.words[:4]]
    assert reused == [[True, False, True], [True, True, True], [False, True, False], [False, False, False]]


def test_a_written_code_with_enough_stall_is_no_hazard() -> None:
    assert messages("B------:R-:W-:-:S04 FFMA R0, R1, R1, R1\nIADD3 R2, R0, R0, RZ\nSTG.E [R4], R2\nEXIT") == []


def test_an_indirect_branch_waits_for_everything() -> None:
    """Where it goes is not known, so whatever is there may need what is on its way."""
    found = codes("LDG.E R0, [R2]", "STS [R6], R7", "BRX R4, there", "there:")
    load, store, branch = found[:3]
    assert load.split(":")[2][1] in branch.split(":")[0]
    assert store.split(":")[1][1] in branch.split(":")[0]


@settings(max_examples=20)
@given(st.data(), st.booleans())
def test_paths_that_meet_with_results_of_two_pipes_on_one_accumulator(data: st.DataObject, swap: bool) -> None:
    """One pipe hands its result to an accumulation early; whether the other did the writing is not known there."""
    step = "HMMA.884.F32.F32.STEP0 R8, R0.ROW, R2.COL, R8"
    paths = [[step, *["NOP"] * 4], ["FFMA R8, R20, R20, R21"]]
    one, other = reversed(paths) if swap else paths
    body = ["@P0 BRA other", *one, "BRA join", "other:", *other, "join:", "NOP", step, "MOV R30, R8"]
    assert hazards(data, plain(body)) == []


@settings(max_examples=20)
@given(st.data(), st.integers(0, 4), st.integers(0, 4))
def test_paths_that_meet_some_cycles_apart(data: st.DataObject, one: int, other: int) -> None:
    """What counts behind the join is the path on which the result was begun last."""
    paths = ["@P0 BRA other", *["NOP"] * one, "BRA join", "other:", *["NOP"] * other, "join:", "NOP", "MOV R30, R8"]
    assert hazards(data, plain(["FFMA R8, R20, R20, R21", *paths], SLOW), SLOW) == []
