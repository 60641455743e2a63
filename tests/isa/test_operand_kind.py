"""An operand kind of a file of its own: one class makes it known to assembler, printer, scheduler and both engines."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.assembler import assemble
from dstc_isa.cache_directory import VARIABLE
from dstc_isa.engine.run import run_kernel
from dstc_isa.isa.codec import decode
from dstc_isa.isa.extension import load_extension
from dstc_isa.isa.manual import section
from dstc_isa.isa.text import format_instruction
from dstc_isa.isa.values import Address
from dstc_isa.isa.volta import VOLTA
from tests import extensions
from tests.assembler.build import code, error, in_kernel, program, warnings

FILE = Path(__file__).parents[1] / "sum_operand.py"
OPCODE = 0x2F3
KERNEL = """
.kernel sums
.param .ptr x
.param .ptr y
.reg lane, size, a, b
.reg.64 at
    S2R lane, SR_LANEID
    MOV size, 4
    IMAD.WIDE.U32 at, lane, size, x
    LDG.E a, [at]
    IMAD.WIDE.U32 at, lane, size, y
    LDG.E b, [at]
    SUMX a, [a-128], [b+5]
    SUMX a, [a], [RZ+127]
    STG.E [at], a
    EXIT
.endkernel
"""
COMPILED = """
import sys
import numpy as np
from dstc_isa.assembler import assemble
from dstc_isa.engine.run import run_kernel
from dstc_isa.isa.extension import load_extension

load_extension(sys.argv[1])
program = assemble(open("sums.dasm").read()).program
x, y = np.load("x.npy"), np.load("y.npy")
run_kernel(program, program.kernel("sums"), (1,), (32,), {"x": x, "y": y})
np.save("compiled.npy", y)
"""
X = np.array([0, 1, 127, 128, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 5] * 4, np.uint32)
Y = np.roll(X, 5)

registers = st.integers(0, 255)
numbers = st.integers(-128, 127)


@pytest.fixture(scope="module", autouse=True)
def declared() -> Iterator[None]:
    before = VOLTA.contents()
    load_extension(FILE)
    yield
    extensions.forget(before)


def written(register: int, number: int) -> str:
    """``[R2+0x4]``, as it is printed."""
    name = "RZ" if register == 255 else f"R{register}"
    shown = f"{'-' if number < 0 else ''}0x{abs(number):x}"
    if not number:
        return f"[{name}]"
    return f"[{shown}]" if register == 255 else f"[{name}+{shown}]"


@given(registers, registers, numbers, registers, numbers)
def test_it_assembles_prints_and_decodes(rd: int, ra: int, n: int, rb: int, m: int) -> None:
    destination = "RZ" if rd == 255 else f"R{rd}"
    text = f"SUMX {destination}, {written(ra, n)}, {written(rb, m)}"
    (kernel,) = program(in_kernel(f".control manual\n{text}")).kernels
    (word,) = kernel.words
    own = OPCODE | rd << 16 | ra << 24 | rb << 32 | (n & 0xFF) << 40 | (m & 0xFF) << 48
    assert word & ((1 << 104) - 1) & ~(0xF << 12) == own
    instruction = decode(VOLTA, word)
    assert instruction.operands[1:] == (Address(ra, n), Address(rb, m))
    assert format_instruction(instruction) == f"{text} ;"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("SUMX R0, [R1+128], [R2]", "offset 128 is outside -128 to 127"),
        ("SUMX R0, [R1], [R2.64]", "a sum has one register"),
        ("SUMX R0, [R1], R2", "this operand does not fit"),
        ("SUMX R0, [R1]", "operand [Rb+n] is missing: it is written SUMX Rd, [Ra+n], [Rb+n]"),
        (".reg.64 pair\nSUMX R0, [R1], [pair]", "a sum has one register"),
    ],
)
def test_what_is_refused(line: str, message: str) -> None:
    assert error(line) == message


@pytest.mark.parametrize("before", ["FADD R6, R0, R1", "LDG.E R6, [R2]", "S2R R7, SR_LANEID", "POPC R7, R2"])
def test_results_are_awaited_as_by_any_other_reader(before: str) -> None:
    def control_codes(line: str) -> list[object]:
        (kernel,) = program(in_kernel(f"{before}\n{line}\nSTS [RZ], R5\nEXIT")).kernels
        return [decode(VOLTA, word).control for word in kernel.words]

    assert control_codes("SUMX R5, [R6+1], [R7-2]") == control_codes("IADD3 R5, R6, R7, RZ")


def test_what_it_reads_is_used_and_names_get_registers() -> None:
    body = ".reg a, b\nMOV a, 1\nMOV b, 2\nSUMX a, [a+1], [b+2]\nSTS [RZ], a\nEXIT"
    assert warnings(body) == []
    assert code(".reg a, b\nMOV a, 1\nSUMX b, [a+1], [a]")[1] == "SUMX R1, [R0+0x1], [R0]"
    assert warnings("SUMX R0, [R1], [RZ]\nSTS [RZ], R0\nEXIT") == ["R1 is read but never written"]


def test_its_page_shows_its_parts() -> None:
    page = "\n".join(section(VOLTA.declarations[-1]))
    assert "SUMX Rd, [Ra+n], [Rb+n]" in page
    assert "a sum such as [R2+4]" in page
    assert "b number" in page


@pytest.mark.engine
def test_it_runs_alike_on_both_engines(tmp_path: Path) -> None:
    made = assemble(KERNEL).program
    assert made is not None
    x, y = X.copy(), Y.copy()
    run_kernel(made, made.kernel("sums"), (1,), (32,), {"x": x, "y": y}, reference=True)
    first = (X - np.uint32(128)) ^ (Y + np.uint32(5))
    np.testing.assert_array_equal(y, first ^ np.uint32(127))
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    (tmp_path / "sums.dasm").write_text(KERNEL)
    environment = {**os.environ, VARIABLE: str(tmp_path / "cache"), "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", COMPILED, str(FILE)], cwd=tmp_path, env=environment, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "compiled.npy"), y)
