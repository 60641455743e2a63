"""What PRINTs show: values in program order, for the lanes that come by."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dstc_isa
from dstc_isa.engine.faults import KernelFault
from dstc_isa.trace import tracing_machine
from tests.trace.kernels import program, values_of


def printed(text: str, grid: Any = 1, block: Any = 32, **options: Any) -> list[str]:
    """The lines that PRINTs of a kernel show, on the reference engine unless ``options`` say otherwise."""
    given = {"gpu": None, "reference": True, **options}
    return dstc_isa.run(program(text), grid=grid, block=block, **given).printed


def in_kernel(body: str) -> str:
    return f".kernel k\n{body}\n    EXIT\n.endkernel\n"


TYPED = """.reg lane, word
.reg.64 wide
    S2R lane, SR_LANEID
    MOV word, {bits}
    IMAD.WIDE.U32 wide, word, word, RZ
    PRINT word, word.s32, word.x, word.f32, word.f16x2, word.H0, word.H1.f16, wide, wide.s64, wide.x, lane"""


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.integers(0, 0xFFFFFFFF), st.floats(width=32).map(lambda f: int(np.float32(f).view(np.uint32)))))
def test_types_are_those_of_numpy(bits):
    head, *lines = printed(in_kernel(TYPED.format(bits=bits)))[0].split("\n  ")
    word = np.array([bits], np.uint32)
    low, high = word.view(np.float16)
    wide = bits * bits
    told = [line.split(" = ")[1] for line in lines]
    assert head == "t.dasm:7 CTA 0 warp 0:"
    assert told[:3] == [str(bits), str(word.view(np.int32)[0]), hex(bits)]
    assert told[3:7] == [str(word.view(np.float32)[0]), f"({low!s} {high!s})", str(low), str(high)]
    assert told[7:10] == [str(wide), str(wide - (wide >> 63 << 64)), hex(wide)]
    assert told[10] == "0-31: 0 to 31 by 1"


PARAMETERS = """.param .u64 big
.param .u32 n
    MOV R0, n
    MOV R1, big
    PRINT big, big.x, big.s64, big.x64, big.s32, big.f32, n.x, n.s32
    PRINT c[0x0][0x160].x, c[0x0][0x164].u32, big+4"""


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))
def test_a_parameter_is_shown_whole(big: int, n: int) -> None:
    low, high = words = np.array([big % 2**32, big >> 32], np.uint32)
    signed, floats = words.view(np.int32), words.view(np.float32)
    named, placed = printed(in_kernel(PARAMETERS), big=big, n=n)
    assert named.split("\n  ") == [
        "t.dasm:6 CTA 0 warp 0:",
        f"big = {big}",
        f"big = {hex(big)}",
        f"big = {words.view(np.int64)[0]}",
        f"big = {hex(big)}",
        *(f"big.{part} = {word!s}" for part, word in zip(("lo", "hi"), signed, strict=True)),
        *(f"big.{part} = {word!s}" for part, word in zip(("lo", "hi"), floats, strict=True)),
        f"n = {hex(n)}",
        f"n = {np.array([n], np.uint32).view(np.int32)[0]}",
    ]
    assert placed.endswith(f": c[0x0][0x160] = {hex(low)}; c[0x0][0x164] = {high}; big+4 = {high}")


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 70), st.integers(0, 40), st.integers(1, 9))
def test_lanes_are_those_that_come_by_and_hold_their_values(block, first, factor):
    body = f""".reg t, v
    S2R t, SR_TID.X
    IMAD v, t, {factor}, RZ
    LOP3.LUT v, v, 5, RZ, 0xc0
    ISETP.GE.AND P0, PT, t, {first}, PT
    @P0 PRINT v"""
    expected = {}
    for thread in range(first, block):
        expected.setdefault(thread // 32, {})[thread % 32] = thread * factor & 5
    found = {}
    for line in printed(in_kernel(body), block=block):
        head, _, value = line.partition(": v = ")
        words = head.split()
        warp = int(words[4])
        lanes = list(expected[warp]) if "lanes" not in words else None
        if lanes is None:
            ranges = [part.split("-") for part in words[6].split(",")]
            lanes = [lane for part in ranges for lane in range(int(part[0]), int(part[-1]) + 1)]
        found[warp] = values_of(value, lanes)
    assert found == expected


LOOP = """.reg t, turn
    S2R t, SR_LANEID
    LOP3.LUT turn, t, 1, RZ, 0xc0
    PRINT "before", turn
again:
    PRINT "in", turn
    IADD3 turn, turn, -1, RZ
    ISETP.GE.AND P0, PT, turn, 0, PT
    PRINT "end", turn.s32, P0
    @P0 BRA again
    PRINT "behind"
past:
    PRINT"""
REST = """
 lanes {odd}: in turn = 0
 lanes {odd}: end turn = -1; P0 = 0
 lanes {odd}: behind
 lanes {odd}:
 lanes {even}: behind
 lanes {even}:
"""


@pytest.mark.parametrize("patience", [0, 1 << 30], ids=["compiled engine", "reference engine"])
def test_lanes_that_jump_to_a_label_do_not_come_by_what_stands_before_it(patience, monkeypatch):
    monkeypatch.setattr(tracing_machine, "PATIENCE", patience)
    lines = [line.split(" warp 0")[1] for line in printed(in_kernel(LOOP), reference=False)]
    even, odd = (",".join(map(str, range(start, 32, 2))) for start in (0, 1))
    assert lines == [
        ": before\n  turn = " + f"{even}: 0, {odd}: 1",
        ": in\n  turn = " + f"{even}: 0, {odd}: 1",
        ": end\n  turn = " + f"{even}: -1, {odd}: 0" + f"\n  P0 = {even}: 0, {odd}: 1",
        *REST.format(even=even, odd=odd).strip("\n").splitlines(),
    ]


SUM = """.kernel k
.param .ptr.u32 out
.reg cta, old
.reg.64 p
    S2R cta, SR_CTAID.X
    IMAD.WIDE.U32 p, RZ, RZ, out
    LDG.E old, [p]
    PRINT old
    IADD3 old, old, 1, RZ
    STG.E [p], old
    EXIT
.endkernel
"""


@pytest.mark.parametrize("patience", [0, 1 << 30], ids=["compiled engine", "reference engine"])
def test_values_are_those_of_ctas_in_order(patience, monkeypatch):
    monkeypatch.setattr(tracing_machine, "PATIENCE", patience)
    out = np.zeros(1, np.uint32)
    lines = printed(SUM, grid=(3, 2), out=out, reference=False)
    assert lines == [f"t.dasm:8 CTA {cta % 3},{cta // 3},0 warp 0: old = {cta}" for cta in range(6)]
    assert out[0] == 6


def test_more_than_the_limit_is_counted():
    out = np.zeros(1, np.uint32)
    lines = printed(SUM, grid=1300, out=out, print_limit=4)
    assert len(lines) == 5
    assert lines[4] == "… the first 4 are shown; in the launch warps came by a PRINT 1,300 times"
    assert out[0] == 1300
    assert printed(SUM, grid=3, out=out, print_limit=0) == []
    guarded = SUM.replace("PRINT", "@!P0 PRINT")
    assert printed(guarded, grid=9, out=out, print_limit=4)[4].endswith(
        "; in the launch warps came by a PRINT up to 9 times"
    )
    with pytest.raises(dstc_isa.UsageError, match="limit of PRINTs is 0 or more, not -1"):
        printed(SUM, out=out, print_limit=-1)
    for wrong, kind in (("a", "a str"), (1.5, "a float"), (None, "None")):
        with pytest.raises(dstc_isa.ArgumentTypeError, match=f"^print_limit is a whole number, not {kind}$"):
            printed(SUM, out=out, print_limit=wrong)


def test_a_log_and_prints_of_one_run():
    out = np.zeros(1, np.uint32)
    result = dstc_isa.run(program(SUM), grid=3, gpu=None, out=out, log=[(2, 0)], print_limit=1)
    assert [line.split()[0] for line in result.log] == ["2.0"] * 6
    assert result.printed == [
        "t.dasm:8 CTA 0 warp 0: old = 0",
        "… the first is shown; in the launch warps came by a PRINT 3 times",
    ]


POLLING = """.kernel k
.param .ptr.u32 count
.reg one, seen
.reg.64 p
    MOV one, 1
    IMAD.WIDE.U32 p, RZ, RZ, count
    RED.E.ADD [p], one
wait:
    PRINT "wait"
    LDG.E seen, [p]
    ISETP.LT.U32.AND P0, PT, seen, 4 * 32, PT
    @P0 BRA wait
    EXIT
.endkernel
"""


def test_a_loop_that_waits_is_counted_as_in_the_launch():
    result = dstc_isa.run(program(POLLING), grid=4, count=np.zeros(1, np.uint32), gpu=None)
    turns = int(result.execution.issued[program(POLLING).kernels[0].prints[0].index])
    assert len(result.printed) == 201
    assert result.printed[-1] == f"… the first 200 are shown; in the launch warps came by a PRINT {turns:,} times"


def test_a_fault_has_what_was_shown_as_notes():
    text = SUM.replace("STG.E [p]", "STG.E [p+4*1000]")
    with pytest.raises(KernelFault) as caught:
        printed(text, grid=3, out=np.zeros(1, np.uint32))
    assert caught.value.__notes__ == ["t.dasm:8 CTA 0 warp 0: old = 0"]


def test_a_run_that_is_stopped_has_the_last_of_what_was_shown_as_notes():
    text = in_kernel('PRINT "begin"\nagain:\nBRA again')
    with pytest.raises(dstc_isa.TimedOut) as caught:
        printed(text, timeout=0.2, log=[(0, 0)])
    _, shown, *lines, last = caught.value.__notes__
    assert shown == "t.dasm:2 CTA 0 warp 0: begin"
    assert all("BRA" in line for line in lines)
    assert last.startswith("cut short by the time limit of 0.2 s: 0 of 1 CTAs done, ")


def test_time_does_not_depend_on_prints():
    runs = [
        dstc_isa.run(program(text), grid=20, block=64, out=np.zeros(1, np.uint32))
        for text in (SUM, SUM.replace("    PRINT old\n", ""))
    ]
    assert runs[0].timing.cycles == runs[1].timing.cycles
    assert runs[1].printed == []


def test_a_constant_outside_its_bank():
    with pytest.raises(dstc_isa.LaunchError, match=r"kernel k, t\.dasm:2: c\[0x3\]\[0x40\] is outside bank 3"):
        printed(in_kernel("    PRINT c[3][0x40]"))


def test_a_text_stays_on_its_line():
    assert printed(in_kernel('    PRINT "a\\tb\\n\\"c\\" // d; e", 7')) == [
        't.dasm:2 CTA 0 warp 0: a b\\n"c" // d; e 7'
    ]
