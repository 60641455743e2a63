"""Every way a kernel can be stopped: both engines say the same, and say all of it."""

import re
from pathlib import Path

import numpy as np
import pytest

from dstc_isa.engine.faults import KernelFault, lane_list
from dstc_isa.isa.warp import Fault
from dstc_isa.program import Kernel, Program
from tests.engine.build import build
from tests.engine.kernels import EPILOGUE, PROLOGUE, fault, run

OUT = np.zeros(64, np.uint32)

EXTENSIONS = "test_mistakes_of_extensions.py"


def stopped(body: str, kind: Fault, place: str, lanes: str, *, threads: int = 32, **options: object) -> list[str]:
    """Lines of the message of a kernel made of a body; ``place``: the line of text that faults."""
    text = PROLOGUE + body + EPILOGUE
    found = fault(text, (2,), (threads,), **{"out": OUT, **options})
    assert found.record.kind is kind
    lines = str(found).splitlines()
    number = next(i for i, line in enumerate(text.split("\n"), 1) if place in line)
    assert lines[1].startswith(f"  kernel test, test.dasm:{number}, address 0x{16 * found.record.pc:x}")
    assert lines[3].endswith(f"lanes {lanes}")
    assert lines[3].startswith(f"  CTA ({', '.join(map(str, found.record.cta))}), warp {found.record.warp}")
    return lines


def test_out_of_bounds_names_the_nearest_array_and_the_distance() -> None:
    lines = stopped("    MOV value, 1\n    STG.E [place + 256], value\n", Fault.OUT_OF_BOUNDS, "+ 256", "0-31")
    assert lines[0].startswith("out-of-bounds access of 4 bytes at 0x7f0000000100: 0 bytes behind the end of out (0x7f")
    assert "256 bytes)" in lines[0]
    assert lines[3] == "  CTA (0, 0, 0), warp 0, lanes 0-31"


def test_out_of_bounds_names_the_lanes() -> None:
    lines = stopped("    MOV value, 1\n    STG.E [place - 12], value\n", Fault.OUT_OF_BOUNDS, "- 12", "0-2")
    assert "12 bytes before out" in lines[0]
    short = stopped("    LDG.E value, [place + 0x200]\n", Fault.OUT_OF_BOUNDS, "0x200", "0-31")
    assert "256 bytes behind the end of out" in short[0]


def test_an_access_over_the_end_is_told_from_one_behind_it() -> None:
    body = "    .reg.128 wide\n    MOV place.lo, out\n    LDG.E.128 wide, [place + 248]\n"
    lines = stopped(body, Fault.OUT_OF_BOUNDS, "+ 248", "0-31")
    assert "8 bytes before the end of out" in lines[0]


@pytest.mark.parametrize(("suffix", "width"), [(".64", 8), (".128", 16)])
def test_an_aligned_access_that_starts_inside_and_ends_behind(suffix: str, width: int) -> None:
    """The array ends in the middle of the last lane's element; scattered addresses are checked one by one."""
    kind = {8: "64", 16: "128"}[width]
    body = f"""    .reg.{kind} wide
    MOV other, {width}
    LOP3.LUT thread, thread, 1, RZ, 0x3c
    IMAD.WIDE.U32 place, thread, other, out
    LDG.E{suffix} wide, [place]
"""
    found = stopped(body, Fault.OUT_OF_BOUNDS, f"LDG.E{suffix}", "30", out=np.zeros(8 * width - 1, np.uint32))
    assert f"access of {width} bytes" in found[0]
    assert f"{width - 4} bytes before the end of out" in found[0]


@pytest.mark.parametrize(
    ("load", "suffix", "width"),
    [("LDS", "", 4), ("LDS", ".64", 8), ("LDS", ".128", 16), ("LDC", "", 4), ("LDC", ".64", 8)],
)
def test_a_whole_warp_reads_across_the_end_of_a_window(load: str, suffix: str, width: int) -> None:
    """Consecutive lanes, the first one inside: only those behind the end are at fault."""
    kind = {4: "", 8: ".64", 16: ".128"}[width]
    inside = 20
    memory = f".shared cells, {inside * width}\n" if load == "LDS" else ""
    place = "[other]" if load == "LDS" else f"c[0x3][other + {(32 - inside) * width}]"
    body = f"    .reg{kind} wide\n    {memory}    MOV other, {width}\n    IMAD other, thread, other, RZ\n"
    table = f".const.128 table, .u32, {', '.join(['1'] * (32 * width // 4))}\n"
    lines = table + PROLOGUE + body + f"    {load}{suffix} wide, {place}\n" + EPILOGUE
    found = fault(lines, (1,), (32,), out=OUT)
    kinds = {"LDS": Fault.SHARED_BOUNDS, "LDC": Fault.CONSTANT_BOUNDS}
    assert found.record.kind is kinds[load]
    assert f"lanes {inside}-31" in str(found)


def test_warps_at_two_barriers_wait_for_ever() -> None:
    """Each barrier wants the whole CTA; that both have half of it together opens neither."""
    body = "    ISETP.GE.U32.AND p, PT, thread, 32, PT\n    @p BRA there\n    BAR.SYNC 1\n    BRA after\nthere:\n"
    lines = stopped(body + "    BAR.SYNC 2\nafter:\n", Fault.BARRIER, "    BAR.SYNC 1", "0-31", threads=64)
    assert "  warp 1, lanes 0-31: waits at barrier 2 at test.dasm:" in "\n".join(lines)


def test_misaligned() -> None:
    lines = stopped("    LDG.E value, [place + 2]\n", Fault.MISALIGNED, "+ 2", "0-31")
    assert lines[0] == "misaligned access of 4 bytes at 0x7f0000000002: not a multiple of 4"


def test_atomics_fault_in_the_first_lane() -> None:
    lines = stopped("    ATOMG.E.ADD value, [place + 256], thread\n", Fault.OUT_OF_BOUNDS, "+ 256", "0")
    assert "0 bytes behind the end of out" in lines[0]
    stopped("    ATOMG.E.ADD value, [place + 1], thread\n", Fault.MISALIGNED, "+ 1]", "0")
    stopped("    .shared s, 8\n    ATOMS.ADD value, [8], thread\n", Fault.SHARED_BOUNDS, "[8]", "0")
    stopped("    .shared s, 8\n    ATOMS.ADD value, [2], thread\n", Fault.MISALIGNED, "[2]", "0")


def test_shared_bounds() -> None:
    body = "    .shared s, 64\n    SHF.L.U32 other, thread, 2, RZ\n    STS [other], thread\n"
    lines = stopped(body, Fault.SHARED_BOUNDS, "STS", "16-31")
    assert lines[0] == "shared memory access of 4 bytes at 0x40: the kernel declares 64 bytes"


def test_constant_bounds() -> None:
    lines = stopped(
        "    SHF.L.U32 other, thread, 2, RZ\n    LDC value, c[0x3][other]\n", Fault.CONSTANT_BOUNDS, "LDC", "0-31"
    )
    assert lines[0] == "constant bank access of 4 bytes at 0x0 is outside the bank"


def test_undefined_opcode() -> None:
    kernel = Kernel("raw", (build("NOP"), 0xFFF, build("EXIT")))
    found = fault(Program((kernel,)), (2,), (40,))
    assert found.record.kind is Fault.UNDEFINED
    assert str(found).splitlines()[:2] == ["undefined instruction", "  kernel raw, unknown source, address 0x10"]
    assert ".word 0x" in str(found)
    assert "lanes 0-31" in str(found)


def test_barrier_that_part_of_the_cta_misses_says_who_waits_where() -> None:
    body = "    ISETP.GE.U32.AND p, PT, thread, 36, PT\n    @p EXIT\n    ISETP.GE.U32.AND p, PT, thread, 32, PT\n"
    body += "    @p BAR.SYNC 1\n    BAR.SYNC 3\n"
    lines = stopped(body, Fault.BARRIER, "    BAR.SYNC 3", "0-31", threads=64)
    assert lines[0].startswith("barrier 3 is reached by only part of the CTA")
    text = "\n".join(lines)
    assert "  warp 0, lanes 0-31: waits at barrier 3 at test.dasm:" in text
    assert "  warp 1, lanes 4-31: exited" in text
    assert "  warp 1, lanes 0-3: waits at barrier 1 at test.dasm:" in text


def test_lanes_of_a_warp_at_two_barriers() -> None:
    body = (
        "    ISETP.LT.U32.AND p, PT, thread, 4, PT\n    @p BRA other_one\n    BAR.SYNC 1\nother_one:\n    BAR.SYNC 2\n"
    )
    lines = stopped(body, Fault.BARRIER, "    BAR.SYNC 2", "0-3")
    assert lines[0].startswith("barrier 2 is reached")


def test_watchdog() -> None:
    lines = stopped("again:\n    BRA again\n", Fault.WATCHDOG, "BRA again", "0-31", max_instructions=1000)
    assert lines[0].startswith("watchdog: the warp has issued 1000 instructions")


def test_endless_loop() -> None:
    lines = stopped("again:\n    NOP\n    BRA again\n", Fault.ENDLESS, "    NOP", "0-31")
    assert lines[0].startswith("endless loop: after 2 instructions the warp is where it was")


@pytest.mark.slow
def test_livelock() -> None:
    body = "    .shared flag, 8\nagain:\n    LDS value, [RZ + 4]\n    BRA again\n"
    lines = stopped(body, Fault.LIVELOCK, "    LDS value", "0-31")
    assert lines[0].startswith("livelock: a loop waits for a change of shared memory at 0x4, and no other warp")


def test_non_uniform_operand() -> None:
    lines = stopped(
        "    LOP3.LUT other, thread, 0x1c, RZ, 0xc0\n    BOHMMA.32321 value, other, other\n",
        Fault.NON_UNIFORM,
        "BOHMMA",
        "4-31",
    )
    assert lines[0] == "an operand that must be the same in all lanes is not (lane 4 holds 0x4)"


@pytest.mark.parametrize(
    "line",
    [
        "BOHMMA.32321 value, other, other",
        "HMMA.884.F32.F32.STEP0 place, place.ROW, place.COL, place",
        "OHMMA.8161.F32 acc[0], value.H0, value.H0, other, 0, 0",
        "OHMMA.8161.F32 acc[0], value.H0, value.H0, 0, 0",
    ],
)
def test_partial_warp(line: str) -> None:
    body = f"    .reg acc[32]\n    ISETP.LT.U32.AND p, PT, thread, 5, PT\n    @p {line}\n"
    lines = stopped(body, Fault.PARTIAL_WARP, "@p", "0-4")
    assert lines[0] == "a tensor instruction needs all 32 lanes of the warp"
    stopped(body.replace("@p ", ""), Fault.PARTIAL_WARP, line.split(maxsplit=1)[0], "0-7", threads=8)


def test_bad_jump_target() -> None:
    lines = stopped("    MOV other, 0x10008\n    RET.REL.NODEC other\n", Fault.BAD_TARGET, "RET", "0-31")
    assert lines[0].startswith("jump to address 0x10008: ")
    stopped("    SHF.L.U32 other, thread, 2, RZ\n    RET.REL.NODEC other\n", Fault.BAD_TARGET, "RET", "1")


def test_running_off_the_end() -> None:
    found = fault(Program((Kernel("open", (build("NOP"),)),)), (1,), (8,))
    assert found.record.kind is Fault.BAD_TARGET
    assert "  kernel open, behind the last instruction, address 0x10" in str(found)
    assert "lanes 0-7" in str(found)


def test_convergence_deadlock() -> None:
    body = "    BSSY B0, end\n    BSSY B1, end\n    ISETP.LT.U32.AND p, PT, thread, 5, PT\n"
    body += "    @p BRA first\n    BSYNC B1\n    BRA end\nfirst:\n    BSYNC B0\nend:\n"
    lines = stopped(body, Fault.DEADLOCK, "BSYNC B0", "0-31")
    text = "\n".join(lines)
    assert lines[0].startswith("deadlock: lanes wait at a convergence barrier")
    assert "  warp 0, lanes 0-4: waits for other lanes at test.dasm:" in text
    assert "  warp 0, lanes 5-31: waits for other lanes at test.dasm:" in text


def test_every_kind_of_fault_is_provoked() -> None:
    """By a test of this file, which names it; those that only files of the user's can cause by one of theirs."""
    texts = [Path(__file__).with_name(name).read_text(encoding="utf-8") for name in (Path(__file__).name, EXTENSIONS)]
    named = {name for text in texts for name in re.findall(r"\bFault\.([A-Z_]+)\b", text)}
    assert named >= {kind.name for kind in Fault if kind is not Fault.NONE}


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_the_lowest_cta_that_faults_is_reported(threads: int) -> None:
    """Also when a later one faults first: CTA 7 counts down before it faults, the ones behind it do so at once."""
    text = """
.kernel test
.param .ptr out
    .reg cta, i
    .reg.64 place
    .pred p
    S2R cta, SR_CTAID.X
    ISETP.LT.U32.AND p, PT, cta, 7, PT
    @p EXIT
    MOV i, 3000
    ISETP.NE.AND p, PT, cta, 7, PT
    @p MOV i, 1
wait:
    IADD3 i, i, -1, RZ
    ISETP.NE.AND p, PT, i, 0, PT
    @p BRA wait
    STG.E [RZ], cta
    EXIT
.endkernel
"""
    _, found = run(text, (64,), (32,), out=OUT, threads=threads)
    _, expected = run(text, (64,), (32,), out=OUT, reference=True)
    assert isinstance(found, KernelFault)
    assert found.record.cta == (7, 0, 0)
    assert str(found) == str(expected)


def test_a_fault_leaves_the_stores_before_it() -> None:
    text = PROLOGUE + "    MOV value, 9\n    STG.E [place], value\n    STG.E [place + 1], value\n" + EPILOGUE
    for reference in (True, False):
        arguments, found = run(text, out=OUT, reference=reference)
        assert isinstance(found, KernelFault)
        assert arguments["out"].tolist() == [9] * 32 + [0] * 32


def test_lane_lists() -> None:
    assert lane_list(0xFFFFFFFF) == "0-31"
    assert lane_list(0b1000_0000_0001_1101) == "0,2-4,15"
    assert lane_list(0) == "none"
