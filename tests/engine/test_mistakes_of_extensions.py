"""Mistakes in semantics and cost functions of files of the user's end a run with a sentence, on both engines."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dstc_isa.isa.warp import Fault
from tests.docs.console import ROOT

pytestmark = pytest.mark.engine

DECLARES = '''
BEFORE
from dstc_isa.isa.instruction import Warp
from dstc_isa.isa.lanes import insert_lane, lane_of, splat
from dstc_isa.isa.unit import Block, Cell, Given, Unit
from dstc_isa.isa.volta import instruction
from dstc_isa.isa.volta.shorthand import Ra, Rd
from dstc_isa.isa.volta.units import ALU
from dstc_isa.isa.warp import (
    Space, load, predicate_lanes, read_register, set_predicate_lanes, store, write_register, write_whole_register
)

TABLE = (3, 5, 7)
GIVEN = {"latency": Given(4, "CHOSEN"), "initiation": Given(1, "CHOSEN"), "port": Given("own", "CHOSEN")}
OWN = Unit("OWN", "own", GIVEN, state={"seen": Cell("lanes"), "tally": Cell("words", 4)},
           block=Block("own", "own", "own", state={"kept": Cell("words", 4)}))


@instruction("ONE", 0x2F0, ALU, public=False)
def one(warp: Warp, ra: Ra) -> Rd:
    """Has a mistake."""
    off = warp.mask - warp.mask
    BODY
    return ra


@instruction("TWO", 0x2F2, OWN, public=False, variable=True)
def two(warp: Warp, ra: Ra) -> Rd:
    """Has a mistake in its cost."""
    warp.seen = warp.mask - warp.mask
    STATE
    return ra


@OWN.cost
def cost(charge, warp, block, parameters, counters):
    """The mistake."""
    COST
'''
RUN = """
import json, sys
import numpy as np
import dstc_isa
job = json.loads(sys.stdin.read())
dstc_isa.load_extension("own.py")
lines = [".kernel k", ".param .ptr.u32 out", ".reg v, w, x", ".reg.64 at", "S2R v, SR_LANEID", "MOV x, v", job["line"],
         "MOV w, 4", "IMAD.WIDE.U32 at, v, w, out", "STG.E [at], x", "EXIT", ".endkernel"]
source = "".join(line + "\\n" for line in lines)
program = dstc_isa.assemble(source, "t.dasm").program
told = []
for how in job["how"]:
    out = np.zeros(32, np.uint32)
    try:
        dstc_isa.run(program, out=out, **how)
        told.append(out.tolist())
    except dstc_isa.DstcError as error:
        told.append(f"{type(error).__name__}: {error}")
print(json.dumps(told))
"""
KINDS = (Fault.SEMANTICS, Fault.REGISTER, Fault.PREDICATE, Fault.COST)
"""Faults that only such files cause."""

TIMED, PLAIN, REFERENCE = {}, {"gpu": None}, {"gpu": None, "reference": True}


def told(place: Path, line: str, *how: dict[str, object], **parts: str) -> list[Any]:
    """What runs in these ways say, with a file that declares ONE and TWO with these parts."""
    text = DECLARES.replace("BEFORE", parts.get("before", ""))
    for part in ("body", "state", "cost"):
        text = text.replace(part.upper(), parts.get(part, "pass"))
    (place / "own.py").write_text(text, encoding="utf-8")
    job = json.dumps({"line": line, "how": how or (TIMED, PLAIN, REFERENCE)})
    environment = {**__import__("os").environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", RUN], input=job, cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    found: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("value", ["7 // off", "7 % off", "TABLE[off + 5]"])
def test_an_exception_in_semantics_is_a_fault(tmp_path: Path, value: str) -> None:
    timed, plain, reference = told(tmp_path, "ONE x, v", body=f"ra = ra + splat({value})")
    for each in (timed, plain):
        assert "the semantics of ONE raised an exception; the same run with --reference says which" in each
        assert "ONE R" in each
    assert "the semantics of ONE cannot be executed: " in reference


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("write_register(warp, off + 400000, ra)", "names register 400000: there are R0 to R254, and RZ is 255"),
        ("write_whole_register(warp, off - 1, ra)", "names register -1"),
        ("ra = read_register(warp, off + 300)", "names register 300"),
        ("ra = read_register(warp, off - 1)", "names register -1"),
        ("store(warp, Space.SHARED, splat(0), 6, off + 288)", "names 4 registers from 288 on"),
        ("load(warp, Space.SHARED, splat(0), 5, off - 2)", "names 2 registers from -2 on"),
        ("set_predicate_lanes(warp, off + 9, ra == ra)", "names predicate 9: there are P0 to P6, and PT is 7"),
        ("set_predicate_lanes(warp, 0, predicate_lanes(warp, off - 1))", "names predicate -1"),
    ],
)
def test_a_register_that_there_is_not_is_a_fault(tmp_path: Path, body: str, message: str) -> None:
    for each in told(tmp_path, "ONE x, v", body=body):
        assert f"the semantics of ONE {message}" in each


@pytest.mark.parametrize("lane", [-33, -1, 31, 32, 40, 1000])
def test_lanes_count_modulo_32(tmp_path: Path, lane: int) -> None:
    body = f"ra = insert_lane(splat(lane_of(ra, off + {lane})), off + {lane} + 1, 99)"
    expected = [lane % 32] * 32
    expected[(lane + 1) % 32] = 99
    assert told(tmp_path, "ONE x, v", body=body) == [expected] * 3


@pytest.mark.parametrize("index", [4, -1, 100_000_000])
def test_a_place_outside_the_state_is_a_fault(tmp_path: Path, index: int) -> None:
    timed, plain, _ = told(tmp_path, "TWO x, v", state=f"warp.tally[warp.seen + {index}] = 1")
    for each in (timed, plain):
        assert "the semantics of TWO raised an exception" in each


@pytest.mark.parametrize(
    "cost",
    [
        "charge.held = 7 // warp.seen",
        "block.kept[warp.seen + 100000000] += 1",
        "charge.held = block.kept[warp.seen - 1]",
    ],
)
def test_an_exception_in_a_cost_function_is_a_fault(tmp_path: Path, cost: str) -> None:
    timed, plain = told(tmp_path, "TWO x, v", TIMED, PLAIN, cost=cost)
    assert "the cost function of unit OWN raised an exception" in timed
    assert "TWO R" in timed
    assert plain == list(range(32))


@pytest.mark.parametrize("value", ["BIAS", "beside.K", "TABLES[0][1]", "ARRAY[0]", "helped()", "Kind.FIRST + 0"])
def test_values_from_outside_are_those_of_now(tmp_path: Path, value: str) -> None:
    """Code that is kept is not that of another value, wherever it came from."""
    for number in (5, 50):
        (tmp_path / "beside.py").write_text(f"K = {number}\n")
        (tmp_path / "number.json").write_text(str(number))
        body = f"ra = ra + splat({value})"
        extra = (
            "import json, sys\nfrom enum import IntEnum\nimport numpy as np\nsys.path.insert(0, '.')\nimport beside\n"
            "BIAS = json.load(open('number.json'))\nTABLES = ((1, BIAS),)\nARRAY = np.array([BIAS, 7])\n"
            "class Kind(IntEnum):\n    FIRST = BIAS\n\n\ndef helped():\n    return BIAS\n"
        )
        found = told(tmp_path, "ONE x, v", body=body, before=extra)
        assert found == [[lane + number for lane in range(32)]] * 3


def test_these_faults_have_numbers_behind_the_others() -> None:
    assert sorted(KINDS) == list(Fault)[-len(KINDS) :]
