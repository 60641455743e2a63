"""The log of a warp: what it says is what an independent model computes, and making it changes nothing."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.engine.reference import warp as reference_warp
from dstc_isa.trace import tracing_machine
from dstc_isa.trace.place import UnknownWarp
from tests.trace.kernels import columns, lanes_of, logged, values_of, writes

REGISTERS = 6
U32 = 0xFFFFFFFF
NUMBERS = st.one_of(st.integers(0, 9), st.sampled_from([0x7FFFFFFF, 0x80000000, U32]), st.integers(0, U32))
OPERATIONS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "IADD3 {d}, {a}, {b}, {c}": lambda a, b, c: a + b + c,
    "IMAD {d}, {a}, {b}, {c}": lambda a, b, c: a * b + c,
    "LOP3.LUT {d}, {a}, {b}, {c}, 0x96": lambda a, b, c: a ^ b ^ c,
    "LOP3.LUT {d}, {a}, {b}, {c}, 0x80": lambda a, b, c: a & b & c,
    "MOV {d}, {b}": lambda a, b, c: b,
    "ISETP.LT.U32.AND {p}, PT, {a}, {b}, PT": lambda a, b, c: a < b,
}


@st.composite
def steps(draw: st.DrawFn) -> tuple[str, str, tuple[int, int, int], int, str]:
    """An operation, its guard, sources and destination."""
    operation = draw(st.sampled_from(sorted(OPERATIONS)))
    guard = draw(st.sampled_from(["", "", "@P0 ", "@!P1 ", "@P1 "]))
    sources = tuple(draw(st.integers(0, REGISTERS - 1)) for _ in range(3))
    target = draw(st.integers(0, 1 if "{p}" in operation else REGISTERS - 1))
    return operation, guard, sources, target, ""


@settings(max_examples=40, deadline=None)
@given(st.lists(steps(), min_size=1, max_size=12), st.lists(NUMBERS, min_size=2, max_size=2), st.integers(1, 64))
def test_values_of_integer_instructions_are_those_of_a_model(made, numbers, block):
    lines = [".kernel k", "S2R R0, SR_TID.X", f"MOV R1, {numbers[0]}", f"MOV R2, {numbers[1]}"]
    for operation, guard, (a, b, c), target, _ in made:
        lines.append(guard + operation.format(d=f"R{target}", p=f"P{target}", a=f"R{a}", b=f"R{b}", c=f"R{c}"))
    text = "\n".join([*lines, "EXIT", ".endkernel"])
    warp = (block - 1) // 32
    log = logged(text, (1,), (block,), [(0, warp)])
    live = np.arange(32) < block - 32 * warp
    registers = np.zeros((REGISTERS, 32), np.uint32)
    registers[0] = np.arange(32) + 32 * warp
    registers[1:3] = np.array(numbers, np.uint32)[:, None]
    predicates = np.zeros((2, 32), bool)
    assert len(log) == len(made) + 4
    for line, (operation, guard, (a, b, c), target, _) in zip(log[3:], made, strict=False):
        mask = live.copy()
        if guard:
            mask &= predicates[int(guard.strip()[-1])] ^ ("!" in guard)
        outcome = OPERATIONS[operation](registers[a], registers[b], registers[c])
        state, name = (predicates, f"P{target}") if "{p}" in operation else (registers, f"R{target}")
        state[target] = np.where(mask, outcome, state[target])
        executing = np.flatnonzero(mask).tolist()
        assert columns(line)[4] == "none" if not executing else lanes_of(columns(line)[4]) == executing
        told = {n: values_of(text, executing) for n, text in writes(line).items()}
        assert told == ({name: {lane: int(state[target][lane]) for lane in executing}} if executing else {})


STORES = """
.kernel k
.param .ptr.f32 x
.param .ptr out
.shared held, 128
.reg lane, four, value, address, half
.reg.64 from, to
    S2R lane, SR_LANEID
    MOV four, 4
    IMAD address, lane, four, RZ
    IMAD.WIDE.U32 from, lane, four, x
    IMAD.WIDE.U32 to, lane, four, out
    LDG.E value, [from]
    STS [address], lane
    BAR.SYNC 0
    LDS half, [address]
    ATOMG.E.ADD half, [to], four
    STG.E [from], value
    EXIT
.endkernel
"""


def test_loads_stores_and_atomics_have_addresses_and_values():
    x, out = np.full(32, 1.5, np.float32), np.arange(32, dtype=np.uint32)
    log = logged(STORES, (1,), (32,), [(0, 0)], x=x, out=out)
    assert (x == 1.5).all()
    assert (out == np.arange(32)).all()
    told = {columns(line)[5].split()[0]: list(writes(line).items()) for line in log}
    assert [value for _, value in told["LDG.E.SYS"]] == ["1.5"]
    assert told["STS"] == [("shared memory at 0-31: 0x0 to 0x7c by 4", "0-31: [" + " ".join(map(str, range(32))) + "]")]
    (_, old), (where, new) = told["ATOMG.E.ADD.STRONG.GPU"]
    assert old == "0-31: 0 to 31 by 1"
    assert where.startswith("out at 0-31: 0x7f")
    assert new == "0-31: [" + " ".join(map(str, range(4, 36))) + "]"
    ((where, value),) = told["STG.E.SYS"]
    assert where == "x at 0-31: 0x7f0000000000 to 0x7f000000007c by 4"
    assert value == "1.5"


def test_columns_stand_below_each_other_whatever_the_line():
    log = logged(STORES, (1,), (32,), [(0, 0)], x=np.zeros(32, np.float32), out=np.zeros(32, np.uint32))
    lines = [line.split()[3] for line in log]
    assert {len(line) for line in lines} == {len("t.dasm:9"), len("t.dasm:10")}
    assert len({line.index("0-31") for line in log}) == 1


ORDER = """
.kernel k
.param .ptr.u32 out
.reg value, cta
.reg.64 p
    S2R cta, SR_CTAID.X
    IMAD.WIDE.U32 p, RZ, RZ, out
    LDG.E value, [p]
    IADD3 value, value, 1, RZ
    STG.E [p], value
    EXIT
.endkernel
"""


@pytest.mark.parametrize("patience", [0, 1 << 30], ids=["compiled engine", "reference engine"])
def test_a_cta_sees_what_those_before_it_have_stored(patience, monkeypatch):
    monkeypatch.setattr(tracing_machine, "PATIENCE", patience)
    log = logged(ORDER, (5, 2), (32,), [((3, 1), 0), (2, 0)], out=np.zeros(1, np.uint32))
    assert [columns(line)[0] for line in log] == ["2,0,0.0"] * 6 + ["3,1,0.0"] * 6
    assert [list(writes(line).values()) for line in log if "LDG" in line] == [["2"], ["8"]]


WORDS = """
.kernel k
.param .ptr.u32 out
.reg value, lane, turn
.reg.64 p
.shared held, 256
    S2R lane, SR_TID.X
    MOV turn, 40
again:
    IADD3 turn, turn, -1, RZ
    STS [RZ], turn
    LDS value, [RZ]
    BAR.SYNC 0
    ISETP.GT.AND P0, PT, turn, 0, PT
    @P0 BRA again
    IMAD.WIDE.U32 p, RZ, RZ, out
    STG.E [p], lane
    EXIT
.endkernel
"""


def test_ctas_on_the_compiled_engine_do_what_those_of_the_reference_engine_do(monkeypatch):
    text = WORDS.replace("STG.E [p], lane", "RED.ADD [p], lane\nRED.ADD [p], turn").replace("RED.ADD", "RED.E.ADD")
    logs = []
    for patience in (0, 1 << 30):
        monkeypatch.setattr(tracing_machine, "PATIENCE", patience)
        monkeypatch.setattr(reference_warp, "FIRST_LOOK", 16)
        kernel = text.replace("    EXIT", "    LDG.E value, [p]\n    EXIT")
        logs.append(logged(kernel, (4,), (64,), [(3, 1)], out=np.zeros(1, np.uint32)))
    assert logs[0] == logs[1]
    assert [int(columns(line)[1]) for line in logs[0]] == list(range(1, len(logs[0]) + 1))
    (value,) = [next(iter(writes(line).values())) for line in logs[0] if "LDG" in line]
    assert value == str(4 * sum(range(64)))


FAULTING = """
.kernel k
.param .ptr.u32 out
.reg lane
.reg.64 p
    S2R lane, SR_LANEID
    IMAD.WIDE.U32 p, lane, lane, out
    STG.E [p], lane
    EXIT
.endkernel
"""


def test_a_fault_ends_the_log():
    log = logged(FAULTING, (2,), (32,), [(1, 0), (0, 0)], out=np.zeros(4, np.uint32))
    assert len(log) == 4
    assert columns(log[2])[5:] == ["STG.E.SYS [R0], R2 ;", "fault"]
    assert log[3].startswith("stopped by a fault: ")


@pytest.mark.parametrize("cta", [4, -1, (2, 0), (0, 2, 0), (0, 0, 0, 0)])
def test_a_warp_that_there_is_not(cta):
    with pytest.raises(UnknownWarp, match=r"CTAs are 0 to 3 or 0,0,0 to 1,1,0, warps 0 to 1$"):
        logged(ORDER, (2, 2), (64,), [(cta, 0)], out=np.zeros(1, np.uint32))


def test_a_warp_number_beyond_the_cta():
    with pytest.raises(UnknownWarp, match=r"log 1\.1: there is no such warp; CTAs are 0 to 1, warps 0 to 0$"):
        logged(ORDER, (2,), (32,), [(1, 1)], out=np.zeros(1, np.uint32))


def test_two_pointers_to_one_array_see_each_other():
    text = STORES.replace(".param .ptr.f32 x", ".param .ptr.u32 x").replace(
        "    STG.E [from]", "    LDG.E half, [from]\n    STG.E [from]"
    )
    both = np.arange(32, dtype=np.uint32)
    log = logged(text, (1,), (32,), [(0, 0)], x=both, out=both)
    loads = [next(iter(writes(line).values())) for line in log if "LDG" in line]
    assert loads == ["0-31: 0 to 31 by 1", "0-31: 4 to 35 by 1"]
