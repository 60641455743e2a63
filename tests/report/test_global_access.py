"""How many bytes of global memory each lane asks for, whatever an instruction is called."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dstc_isa.assembler import assemble
from dstc_isa.isa.extension import load_extension
from dstc_isa.isa.volta import VOLTA
from dstc_isa.report.global_access import lane_bytes
from tests.extensions import forget

FILE = '''"""Loads under other names."""

from typing import Annotated

from dstc_isa.isa.instruction import U64, Index, Warp
from dstc_isa.isa.modifier import Size
from dstc_isa.isa.register_operand import Destination
from dstc_isa.isa.volta import instruction
from dstc_isa.isa.volta.memory import Extended, Global, Width
from dstc_isa.isa.volta.shorthand import Loaded
from dstc_isa.isa.volta.units import LSU
from dstc_isa.isa.warp import Space, load


@instruction("FETCH", 0x1F1, LSU, variable=True, public=False)
def fetch(warp: Warp, rd: Loaded, address: Global, extended: Extended, size: Width = Size._32) -> None:
    """Load, as LDG does."""
    load(warp, Space.GLOBAL, address, size, rd)
'''

PAIR = '''

@instruction("PAIR", 0x1F2, LSU, variable=True, public=False)
def pair(warp: Warp, rd: Annotated[Index, Destination(width=2)], address: Global, extended: Extended) -> None:
    """Load two words, always."""
    load(warp, Space.GLOBAL, address, Size._64, rd)
'''

KERNEL = """.kernel k
.param .ptr x
.reg.64 at
.reg v, i
    S2R i, SR_TID.X
    MOV v, 128
    IMAD.WIDE.U32 at, i, v, x
    {load}.E v, [at]
    STG.E [at], v
    EXIT
.endkernel
"""

ADVICE = """
import json, sys
import numpy as np
import dstc_isa
dstc_isa.load_extension(sys.argv[1])
for path in sys.argv[2:]:
    timing = dstc_isa.run(path, grid=160, block=64, x=np.zeros(1 << 16, np.uint32), gpu="v100-dstc").report.timing
    print(json.dumps([each.as_json() for each in timing.advice]))
"""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    before = VOLTA.contents()
    path = tmp_path / "loads.py"
    path.write_text(FILE)
    yield path
    forget(before)


def bytes_of(text: str) -> int:
    program = assemble(f".kernel k\n{text}\nEXIT\n.endkernel").program
    assert program is not None
    return lane_bytes(VOLTA, program.kernels[0].words[0])


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("LDG.E R0, [R2]", 4),
        ("@!P1 LDG.E.U8 R0, [R2]", 1),
        ("LDG.E.S16 R0, [R2]", 2),
        ("STG.E.128 [R2], R4", 16),
        ("RED.E.ADD [R2], R4", 4),
        ("ATOMG.CAS.E R0, [R2], R4, R5", 4),
        ("LDS.64 R0, [R2]", 0),
        ("LDC R0, c[0x3][R2]", 0),
        ("FADD R0, R2, R4", 0),
    ],
)
def test_of_the_instructions_of_the_package(text: str, size: int) -> None:
    assert bytes_of(text) == size


def test_of_loads_of_a_file(file: Path) -> None:
    file.write_text(FILE + PAIR)
    load_extension(file)
    names = ("FETCH.E", "FETCH.E.128", "FETCH.E.U8", "PAIR.E")
    assert [bytes_of(f"{name} R0, [R2]") for name in names] == [4, 16, 1, 8]


def test_what_is_no_instruction_asks_for_nothing() -> None:
    assert lane_bytes(VOLTA, 0xFFF) == 0


@pytest.mark.engine
def test_a_load_of_a_file_is_advised_as_that_of_the_package(file: Path, tmp_path: Path) -> None:
    paths = []
    for load in ("LDG", "FETCH"):
        paths.append(tmp_path / f"{load}.dasm")
        paths[-1].write_text(KERNEL.format(load=load))
    done = subprocess.run([sys.executable, "-c", ADVICE, file, *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ours, theirs = map(json.loads, done.stdout.splitlines())
    assert ours == theirs
    assert {each["rule"]: each["value"] for each in theirs}["scattered"] == pytest.approx(32)
