"""Instructions whose semantics branch and load through functions of their own are scheduled like those that do not."""

import subprocess
import sys
from pathlib import Path

import pytest

DECLARES = '''
"""A branch and a load that are written through helpers."""

from typing import Annotated

from dstc_isa.isa.divergence import jump
from dstc_isa.isa.instruction import Warp
from dstc_isa.isa.lanes import ballot
from dstc_isa.isa.modifier import Size
from dstc_isa.isa.volta import instruction
from dstc_isa.isa.volta.control_flow import Target
from dstc_isa.isa.volta.memory import Extended, Global, Width
from dstc_isa.isa.volta.shorthand import Loaded, PpOptional
from dstc_isa.isa.volta.units import BRANCH, LSU
from dstc_isa.isa.volta.word import WORD_BYTES
from dstc_isa.isa.warp import Space, load


def go(warp, lanes, distance):
    jump(warp, lanes, warp.pc * WORD_BYTES + distance, WORD_BYTES)


def fetch(warp, space, address, size, register):
    load(warp, space, address, size, register)


@instruction("GOTO", 0x1F0, BRANCH, public=False)
def goto(warp: Warp, pp: PpOptional, target: Target) -> None:
    """As BRA."""
    go(warp, warp.mask & ballot(pp), target)


@instruction("FETCH", 0x1F1, LSU, variable=True, public=False)
def fetch_global(warp: Warp, rd: Loaded, address: Global, extended: Extended, size: Width = Size._32) -> None:
    """As LDG."""
    fetch(warp, Space.GLOBAL, address, size, rd)
'''

KERNEL = """.kernel loop
.param .ptr.u32 out
    S2R R2, SR_LANEID
    MOV R3, 4
    IMAD.WIDE.U32 R4, R2, R3, out
    MOV R6, 0
again:
    {load}.E R7, [R4]
    FFMA R8, R7, R7, R7
    IADD3 R6, R6, 1, RZ
    ISETP.LT.AND P0, PT, R6, 4, PT
    STG.E [R4], R8
    @P0 {branch} again
    MOV R9, R8
    STG.E [R4], R9
    EXIT
.endkernel
"""


@pytest.mark.slow
def test_control_codes_are_those_of_the_instructions_without_helpers(tmp_path: Path) -> None:
    (tmp_path / "helped.py").write_text(DECLARES)
    codes = []
    for name, load, branch in (("plain", "LDG", "BRA"), ("helped", "FETCH", "GOTO")):
        source = tmp_path / f"{name}.dasm"
        source.write_text(KERNEL.format(load=load, branch=branch))
        command = [sys.executable, "-c", "import sys; from dstc_isa.cli.asm import main; sys.exit(main(sys.argv[1:]))"]
        done = subprocess.run(
            [*command, str(source), "--isa", str(tmp_path / "helped.py"), "-l", "-", "-o", str(tmp_path / "k.dobj")],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        codes.append([word for word in done.stdout.split() if ":R" in word and ":W" in word])
    assert codes[0] == codes[1]
    assert len(codes[0]) == 10, "three of the thirteen have the code that a listing leaves out"
