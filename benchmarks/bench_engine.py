"""How fast the engine is: SpGEMM in warp instructions/s, whole processes, memory, compilation, single instructions."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from dstc_isa.assembler import assemble
from dstc_isa.engine.compiled import cache
from dstc_isa.engine.compiled.workers import RUN_WORKER
from dstc_isa.engine.run import run_kernel
from dstc_isa.sparse.random_matrix import random_matrix
from dstc_isa.sparse.spgemm import spgemm

COPIES, TURNS = 100, 10_000
INSTRUCTIONS = {
    "NOP": "NOP",
    "MOV": "MOV R5, R6",
    "IADD3": "IADD3 R5, R6, 1, RZ",
    "IMAD": "IMAD R5, R6, R7, R8",
    "IMAD.WIDE": "IMAD.WIDE.U32 R8, R6, R7, R10",
    "LEA": "LEA R5, R6, R7, 1",
    "LOP3": "LOP3.LUT R5, R6, R7, RZ, 0xc0",
    "SHF": "SHF.L.U32 R5, R6, 3, RZ",
    "SEL": "SEL R5, R6, R7, P1",
    "POPC": "POPC R5, R6",
    "ISETP": "ISETP.GT.AND P0, PT, R5, 8, P1",
    "FFMA": "FFMA R5, R6, R7, R8",
    "LDS.U16": "LDS.U16 R5, [R4]",
    "LDS.128, one address": "LDS.128 R8, [RZ]",
    "BOHMMA": "BOHMMA.32321 R5, R6, R7",
    "OHMMA, 16 of 32 bits set": "OHMMA.8161.F32 R32, R20.H0, R21.H0, R22, 0, 0",
    "OHMMA, guard false": "@!PT OHMMA.8161.F32 R32, R20.H0, R21.H0, R22, 0, 0",
    "OHMMA, dense form": "OHMMA.8161.F32 R32, R20.H0, R21.H0, 0, 0",
    "HMMA.884": "HMMA.884.F32.F32.STEP0 R8, R12.ROW, R14.COL, R8",
}


def loop_of(line: str) -> str:
    """A kernel of one warp that executes the line COPIES * TURNS times."""
    return f"""
.kernel loop
.shared buffer, 4096, 16
    S2R R4, SR_LANEID
    LEA R4, R4, RZ, 1
    MOV R3, 0
    MOV R6, 0x55555555
    MOV R7, 0x55555555
    BOHMMA.32321 R22, R6, R7
again:
    .rept {COPIES}
        {line}
    .endr
    IADD3 R3, R3, 1, RZ
    ISETP.LT.AND P6, PT, R3, {TURNS}, PT
    @P6 BRA again
    EXIT
.endkernel
"""


def command(*arguments: str) -> list[str]:
    """dstc-emu in a process of its own, which prints its peak memory in kilobytes last."""
    code = (
        "import resource, sys\nfrom dstc_isa.cli.emu import main\nstatus = main(sys.argv[1:])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\nsys.exit(status)"
    )
    return [sys.executable, "-c", code, *arguments]


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    cache.load(RUN_WORKER, print)


@pytest.mark.parametrize(("gpu", "wanted"), [(None, None), ("v100-dstc", 25)], ids=["functional", "timed"])
@pytest.mark.parametrize("threads", [1, 2])
def test_spgemm_kernel(benchmark: BenchmarkFixture, threads: int, gpu: str | None, wanted: int | None) -> None:
    a, b = random_matrix(1024, 1024, 0.5, 0), random_matrix(1024, 1024, 0.5, 1)
    rates = []

    def run() -> None:
        rates.append(spgemm(a, b, gpu=gpu, threads=threads).report.run.warp_instructions_per_s)

    benchmark.pedantic(run, rounds=9, warmup_rounds=1)
    benchmark.extra_info["million_warp_instructions_per_s"] = round(sorted(rates)[len(rates) // 2] / 1e6, 1)
    benchmark.extra_info["wanted_on_2_threads"] = wanted
    benchmark.extra_info["best"] = round(max(rates) / 1e6, 1)


@pytest.mark.parametrize(("more", "limit"), [(["--functional"], 3.0), ([], 4.0)], ids=["functional", "timed"])
def test_spgemm_process(benchmark: BenchmarkFixture, more: list[str], limit: float) -> None:
    arguments = ["spgemm", "--random", "1024,1024,1024", "--density-a", "0.5", "--density-b", "0.5", *more]

    def run() -> int:
        return subprocess.run(command(*arguments), capture_output=True, check=False).returncode

    assert benchmark.pedantic(run, rounds=7, warmup_rounds=1) == 0
    benchmark.extra_info["limit_seconds"] = limit


@pytest.mark.parametrize(("density", "limit"), [("0.5", None), ("1", 120.0)])
def test_4096_cubed(benchmark: BenchmarkFixture, density: str, limit: float | None) -> None:
    arguments = ["spgemm", "--random", "4096,4096,4096", "--density-a", density, "--density-b", density]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command(*arguments), capture_output=True, text=True, check=True)

    done = benchmark.pedantic(run, rounds=1)
    megabytes = int(done.stdout.split()[-1]) / 1024
    benchmark.extra_info["peak_megabytes"] = round(megabytes)
    benchmark.extra_info["limit_seconds"] = limit
    assert megabytes <= 1024


def test_compilation_from_an_empty_cache(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    environment = {**os.environ, "DSTC_CACHE_DIR": str(tmp_path)}

    def run() -> int:
        arguments = command("spgemm", "--random", "1,1,1")
        return subprocess.run(arguments, env=environment, capture_output=True, check=False).returncode

    assert benchmark.pedantic(run, rounds=1) == 0


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_instruction(benchmark: BenchmarkFixture, name: str) -> None:
    program = assemble(loop_of(INSTRUCTIONS[name])).program
    assert program is not None
    seconds = []

    def run() -> None:
        _, execution = run_kernel(program, program.kernels[0], (1,), (32,), {}, threads=1)
        seconds.append(execution.seconds)

    benchmark.pedantic(run, rounds=7, warmup_rounds=1)
    median = sorted(seconds)[len(seconds) // 2]
    benchmark.extra_info["ns"] = round((median - baseline()) / (COPIES * TURNS) * 1e9, 1)


def baseline() -> float:
    """Seconds of the loop without the line; small beside any line's."""
    program = assemble(loop_of("")).program
    assert program is not None
    _, execution = run_kernel(program, program.kernels[0], (1,), (32,), {}, threads=1)
    return execution.seconds
