"""How fast the assembler is: lines per second, the time of a whole process, the time of ``--help``."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from dstc_isa.assembler import assemble
from dstc_isa.isa.remembered import changed
from dstc_isa.syntax.parser import parse_argument

LINES = 20_000


def generated(lines: int, seed: int = 1) -> str:
    """A kernel of that many distinct instruction lines whose results are used."""
    pick = random.Random(seed).randrange
    makers = (
        lambda: f"IADD3 R{pick(200)}, R{pick(200)}, 0x{pick(4096):x}, R{pick(200)} ;",
        lambda: f"FFMA R{pick(200)}, R{pick(200)}, R{pick(200)}, R{pick(200)} ;",
        lambda: f"@!P{pick(6)} ISETP.LT.AND P{pick(6)}, PT, R{pick(200)}, {pick(1000)}, PT ;",
        lambda: f"LDG.E R{pick(200)}, [R{2 * pick(100)}.64+0x{4 * pick(64):x}] ;",
        lambda: f"B--2---:R-:W2:-:S{pick(15) + 1:02d} LOP3.LUT R{pick(200)}, R{pick(200)}, R{pick(200)}, RZ, 0xc0 ;",
        lambda: f"STS [R{pick(200)}+{4 * pick(64)}], R{pick(200)} ;",
    )
    body: dict[str, None] = {}
    while len(body) < lines - 3:
        body[f"    {makers[pick(len(makers))]()}"] = None
    return "\n".join([".kernel generated", *body, "    EXIT ;", ".endkernel", ""])


def forget() -> None:
    """Empty every memory of earlier texts, as at the start of a process."""
    parse_argument.cache_clear()
    changed()


def test_lines_per_second(benchmark: BenchmarkFixture) -> None:
    text = generated(LINES)
    program = benchmark.pedantic(assemble, (text,), setup=forget, rounds=5).program
    assert program is not None
    assert len(program.kernels[0].words) == LINES - 2
    benchmark.extra_info["lines_per_second"] = round(LINES / benchmark.stats["min"])


@pytest.mark.parametrize(("lines", "arguments", "limit"), [(300, ["-o"], 0.5), (0, ["--help"], 0.2)])
def test_process(benchmark: BenchmarkFixture, tmp_path: Path, lines: int, arguments: list[str], limit: float) -> None:
    command = [sys.executable, "-m", "dstc_isa.cli.asm", *arguments]
    if lines:
        source = tmp_path / "kernel.dasm"
        source.write_text(generated(lines))
        command += [str(tmp_path / "kernel.dobj"), str(source)]

    def run() -> int:
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert benchmark.pedantic(run, rounds=5, warmup_rounds=1) == 0
    benchmark.extra_info["limit_seconds"] = limit
