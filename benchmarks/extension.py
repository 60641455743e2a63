"""How long a change of an ``--isa`` file of ten instructions takes to compile: ``python benchmarks/extension.py [N]``.

Each of N rounds declares other constants, so that nothing of the file is kept from the round before; the engine is
warm. Prints the seconds of each first run, of the next run of the same file, and the median of their differences.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HEAD = '''"""Ten instructions on a unit of their own."""

from dstc_isa.isa.instruction import Warp
from dstc_isa.isa.volta import instruction
from dstc_isa.isa.lanes import ballot, count_bits, shift_right, splat
from dstc_isa.isa.volta.shorthand import Ra, Rb, Rc, Rd
from dstc_isa.isa.unit import Block, Cell, Given, Number, Unit

COUNT = Block("count", "counted", "What it counts.", {"width": Number("at once", 1, 64, "", Given(4, "CHOSEN"))})
GIVEN = {"latency": Given(6, "CHOSEN"), "initiation": Given(2, "CHOSEN"), "port": Given("ten", "CHOSEN")}
TEN = Unit("TEN", "ten instructions", GIVEN, state={"found": Cell("set bits")}, block=COUNT)


@TEN.cost
def cost(charge, warp, block, parameters, counters):
    """As long as it counts."""
    charge.done = charge.cycle + charge.latency + warp.found // parameters.width
'''
ONE = '''

@instruction("TEN{number}.U32", 0x{opcode:x}, TEN, public=False, variable=True)
def ten{number}(warp: Warp, ra: Ra, rb: Rb, rc: Rc) -> Rd:
    """One of ten."""
    total = rc
    for shift in range({number}, 32, 8):
        total = total + (shift_right(ra, splat(shift)) & rb) + splat({constant})
    warp.found = count_bits(ballot(total != splat(0)) & warp.mask)
    return total
'''
OPCODES = (0x2D0, 0x2D1, 0x2D2, 0x2D3, 0x2D4, 0x2D5, 0x2D6, 0x2D7, 0x2D8, 0x2D9)


def seconds(directory: Path, isa: str) -> float:
    command = [sys.executable, "-m", "dstc_isa", "run", "ten.dasm", "--isa", isa, "--arg", "out=zeros:u4:32", "-q"]
    started = time.perf_counter()
    subprocess.run(command, cwd=directory, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    lines = [f"TEN{number}.U32 value, value, value, value" for number in range(len(OPCODES))]
    head = ".kernel ten\n.param .ptr.u32 out\n.reg value, size\n.reg.64 at\nS2R value, SR_LANEID\nMOV size, 4\n"
    tail = "IMAD.WIDE.U32 at, value, size, out\nSTG.E [at], value\nEXIT\n.endkernel\n"
    spent = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        body = "IMAD.WIDE.U32 at, value, size, out\n" + "\n".join(lines) + "\nSTG.E [at], value\nEXIT\n.endkernel\n"
        (directory / "ten.dasm").write_text(head + body)
        (directory / "warm.dasm").write_text(head + tail)
        subprocess.run(
            [sys.executable, "-m", "dstc_isa", "run", "warm.dasm", "--arg", "out=zeros:u4:32", "-q"],
            cwd=directory,
            check=True,
            capture_output=True,
        )
        seed = int(np.random.default_rng().integers(1 << 30))
        for number in range(rounds):
            file = f"ten{number}.py"
            declared = [ONE.format(number=n, opcode=o, constant=seed + number) for n, o in enumerate(OPCODES)]
            (directory / file).write_text(HEAD + "".join(declared))
            first, again = seconds(directory, file), seconds(directory, file)
            spent.append(first - again)
            print(f"first run {first:.1f} s, again {again:.1f} s")
    print(f"compilation of ten instructions and a cost function: median {statistics.median(spent):.1f} s")


if __name__ == "__main__":
    main()
