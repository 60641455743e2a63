import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from dstc_isa.assembler import assemble_file
from dstc_isa.cli.emu import main
from dstc_isa.object import write_object
from dstc_isa.program_files import program_directory
from dstc_isa.sparse.random_matrix import random_matrix
from tests.cli.reports import facts

HELLO = program_directory() / "hello.dasm"
SIZE = 100
TWO_KERNELS = ".kernel one\n    EXIT\n.endkernel\n.kernel two\n.block 64\n    EXIT\n.endkernel\n"
ENDLESS = ".kernel endless\nagain:\n    BRA again\n.endkernel\n"
WRONG = ".kernel k\n    FOO R1\n    MOV R1\n.endkernel\n"
UNUSED = ".kernel k\n    MOV R1, 3\n    EXIT\n.endkernel\n"
SAXPY = ["--arg", "x=@x.npy", "--arg", "y=@y.npy", "--arg", "a=2.5", "--arg", "n=100", "--grid", "4"]


class Emu:
    """Runs the command in a directory of its own; keeps what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str | Path) -> int:
        """The exit status."""
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = int(stop.code or 0)
        self.out, self.err = self.capsys.readouterr()
        return status

    def refused(self, status: int, message: str, *arguments: str | Path) -> None:
        """The command ends with that status, one message on standard error, nothing on standard output."""
        assert (self(*arguments), self.out) == (status, "")
        assert message in self.err
        messages = [line for line in self.err.splitlines() if line.startswith("dstc-emu") or ": error: " in line]
        assert len(messages) == 1


@pytest.fixture
def emu(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Emu:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    np.save("x.npy", np.arange(SIZE, dtype=np.float32))
    np.save("y.npy", np.ones(SIZE, np.float32))
    shutil.copy(HELLO, "hello.dasm")
    for name, text in (("two", TWO_KERNELS), ("endless", ENDLESS), ("wrong", WRONG), ("unused", UNUSED)):
        Path(f"{name}.dasm").write_text(text)
    program = assemble_file("hello.dasm").program
    assert program is not None
    Path("hello.dobj").write_bytes(write_object(program))
    return Emu(capsys)


def saxpy() -> np.ndarray:
    return 2.5 * np.arange(SIZE, dtype=np.float32) + 1


@pytest.mark.parametrize("program", ["hello.dasm", "hello.dobj"])
@pytest.mark.parametrize("more", [[], ["--threads", "2"], ["--reference"], ["--kernel", "saxpy"]])
def test_run(emu: Emu, program: str, more: list[str]) -> None:
    assert emu("run", program, *SAXPY, "--out", "y=out.npy", "--json", "r.json", *more) == 0
    assert emu.err == ""
    np.testing.assert_array_equal(np.load("out.npy"), saxpy())
    report = facts("r.json")
    assert report["kernel"] == "saxpy"
    assert report["warp_instructions"] == sum(report["histogram"].values()) == 13 * 4
    assert report["histogram"]["LDG.E.SYS"] == 8
    assert report["warp_instructions_per_s"] == pytest.approx(report["warp_instructions"] / report["seconds"])
    assert report["threads"] == (1 if more == ["--reference"] else min(4, os.cpu_count() or 1))
    assert emu.out.startswith("saxpy: 52 warp instructions in ")
    assert " warp instructions/s\n" in emu.out
    np.testing.assert_array_equal(np.load("y.npy"), np.ones(SIZE))


def test_zeros_and_hexadecimal_numbers(emu: Emu) -> None:
    values = ["--arg", "x=@x.npy", "--arg", "y=zeros:f4:10x10", "--arg", "a=3", "--arg", f"n={SIZE:#x}"]
    assert emu("run", "hello.dasm", *values, "--grid", "2", "--block", "50", "--out", "y=out.npy") == 0
    out = np.load("out.npy")
    assert out.shape == (10, 10)
    assert out[0, :5].tolist() == [0, 3, 6, 9, 12]


def test_output_may_be_an_input(emu: Emu) -> None:
    assert emu("run", "hello.dasm", *SAXPY, "--out", "y=y.npy", "--out", "x=copy.npy") == 0
    np.testing.assert_array_equal(np.load("y.npy"), saxpy())
    np.testing.assert_array_equal(np.load("copy.npy"), np.load("x.npy"))


def test_kernel_brings_its_block(emu: Emu) -> None:
    assert emu("run", "two.dasm", "--kernel", "two", "--grid", "2,3,4") == 0
    assert emu.out.startswith("two: 48 warp instructions")
    emu.refused(
        2, "must be launched with blocks of 64,1,1, not 32,1,1", "run", "two.dasm", "--kernel", "two", "--block", "32"
    )
    assert "kernel two takes --block 64,1,1" in emu.err


def test_include_path(emu: Emu) -> None:
    Path("more").mkdir()
    Path("more/part.dasm").write_text(".macro LEAVE\n    EXIT\n.endm\n")
    Path("main.dasm").write_text('.include "part.dasm"\n.kernel k\n    LEAVE\n.endkernel\n')
    assert emu("run", "main.dasm", "-I", "more") == 0
    assert emu("run", "main.dasm") == 1
    assert "main.dasm:1:" in emu.err


def test_warnings_of_the_source_are_shown(emu: Emu) -> None:
    assert emu("run", "unused.dasm") == 0
    assert emu.err.startswith("unused.dasm:2:5: warning: what MOV computes is never used\n")


def test_errors_of_the_source(emu: Emu) -> None:
    assert (emu("run", "wrong.dasm"), emu.out) == (1, "")
    assert emu.err.startswith("wrong.dasm:2:5: error: unknown instruction FOO\n")
    assert emu.err.count(": error: ") == 2


def test_missing_arguments_are_told_with_their_types(emu: Emu) -> None:
    emu.refused(2, "kernel saxpy also needs x (.ptr.f32), y (.ptr.f32), a (.f32), n (.u32)\n", "run", "hello.dasm")
    assert "\n  kernel saxpy takes --arg x=@FILE.npy --arg y=@FILE.npy --arg a=F32 --arg n=U32\n" in emu.err
    assert emu.err.endswith("  usage: dstc-emu run [options] PROG; --help says more\n")


WRONG_RUNS = {
    "no command": (2, "COMMAND", ""),
    "unknown command": (2, "there is no command 'walk'", "walk"),
    "no program": (2, "PROG", "run"),
    "missing source": (1, "none.dasm: error: cannot read the file: No such file", "run none.dasm"),
    "missing object": (1, "none.dobj: No such file or directory", "run none.dobj"),
    "directory": (1, "Is a directory", "run ."),
    "wrong suffix": (1, "x.npy: not an object of dstc-asm", "run x.npy"),
    "unknown kernel": (2, "two.dasm has no kernel three; there is one, two", "run two.dasm --kernel three"),
    "several kernels": (2, "several kernels: choose with --kernel; there is one, two", "run two.dasm"),
    "grid of text": (2, "--grid takes whole numbers", "run hello.dasm --grid a"),
    "grid of 4": (2, "--grid takes 1 to 3 numbers, not 4", "run hello.dasm --grid 1,2,3,4"),
    "empty grid": (2, "grid size 0 in x", "run hello.dasm --grid 0"),
    "block of fractions": (2, "--block takes whole numbers", "run hello.dasm --block 1.5"),
    "large block": (2, "2048 threads; 1024 is the limit", "run hello.dasm --block 1024,2"),
    "negative block": (2, "block size -1 in x", "run hello.dasm --block=-1"),
    "arg without value": (2, "--arg takes NAME=VALUE, not 'x'", "run hello.dasm --arg x"),
    "arg twice": (2, "--arg n is given twice", "run hello.dasm --arg n=1 --arg n=1"),
    "arg of text": (2, "--arg x=foo: write a number", "run hello.dasm --arg x=foo"),
    "arg file missing": (1, "none.npy: cannot be read: No such file", "run hello.dasm --arg x=@none.npy"),
    "arg file foreign": (1, "hello.dasm: not a .npy array", "run hello.dasm --arg x=@hello.dasm"),
    "out without file": (2, "--out takes NAME=VALUE, not 'y'", "run hello.dasm --out y"),
    "out of nothing": (2, "--out z: there is no array argument", "run hello.dasm --out z=z.npy"),
    "out of a number": (2, "--out n: there is no array argument", "run hello.dasm --arg n=3 --out n=n.npy"),
    "out as text": (2, "y.txt: an array is written as .npy", "run hello.dasm --arg y=@y.npy --out y=y.txt"),
    "two results in a file": (
        2,
        "r.npy is x of --out and would be y of --out too",
        "run hello.dasm --arg x=@y.npy --arg y=@y.npy --out x=r.npy --out y=./r.npy",
    ),
    "report over a result": (
        2,
        "y.npy is y of --out and would be the report too",
        "run hello.dasm --arg y=@y.npy --out y=y.npy --json y.npy",
    ),
    "a result over another argument": (
        2,
        "y.npy is y of --arg and would be x of --out too",
        "run hello.dasm --arg x=@x.npy --arg y=@y.npy --out x=./y.npy",
    ),
    "a result over its own argument and another": (
        2,
        "x.npy is y of --arg and would be x of --out too",
        "run hello.dasm --arg y=@x.npy --arg x=@x.npy --out x=x.npy",
    ),
    "a result over what is expected": (
        2,
        "y.npy is y of --expect and would be y of --out too",
        "run hello.dasm --arg y=zeros:f4:100 --expect y=@y.npy,rtol=1e-3 --out y=y.npy",
    ),
    "report over an argument": (
        2,
        "x.npy is x of --arg and would be the report too",
        "run hello.dasm --arg x=@x.npy --json x.npy",
    ),
    "log over an argument": (
        2,
        "x.npy is x of --arg and would be the log too",
        "run hello.dasm --arg x=@x.npy --log 0.0 --log-file x.npy",
    ),
    "report over further instructions": (
        2,
        "more.py is further instructions and would be the report too",
        "run hello.dasm --isa more.py --json more.py",
    ),
    "report over the GPU": (
        2,
        "gpu.toml is the GPU and would be the report too",
        "run hello.dasm --gpu gpu.toml --json gpu.toml",
    ),
    "report over the GPU that is shown": (
        2,
        "gpu.toml is the GPU and would be the report too",
        "gpu show gpu.toml --json gpu.toml",
    ),
    "product over an operand": (
        2,
        "x.npy is B and would be the result too",
        "spgemm y.npy x.npy -o x.npy --reference",
    ),
    "dense product over an operand": (2, "x.npy is A and would be the result too", "gemm x.npy y.npy -o ./x.npy"),
    "convolution over its filters": (2, "y.npy is W and would be the result too", "conv x.npy y.npy -o y.npy"),
    "report over the program": (
        2,
        "hello.dasm is the program and would be the report too",
        "run hello.dasm --json hello.dasm",
    ),
    "out nowhere": (
        1,
        "cannot be written: there is no directory /",
        "run hello.dasm --arg y=@y.npy --out y=none/y.npy",
    ),
    "json nowhere": (1, "cannot be written: there is no directory /", "run hello.dasm --json none/r.json"),
    "json in a directory's place": (1, "cannot be written: it is a directory", "run hello.dasm --json ."),
    "no threads": (2, "--threads is 1 to 256, not 0", "run hello.dasm --threads 0"),
    "threads of text": (2, "--threads", "run hello.dasm --threads many"),
    "very many threads": (2, "--threads is 1 to 256", "run hello.dasm --threads 100000"),
    "no instructions": (2, "--max-instructions is 1 to", "run hello.dasm --max-instructions 0"),
    "missing extension": (1, "none.py: cannot be read: No such file or directory", "run hello.dasm --isa none.py"),
    "broken extension": (1, "broken.py:1: ", "run hello.dasm --isa broken.py"),
}


@pytest.mark.parametrize("name", WRONG_RUNS)
def test_wrong_run(emu: Emu, name: str) -> None:
    Path("broken.py").write_text("1/0\n")
    Path("more.py").write_text("")
    Path("gpu.toml").write_text('extends = "v100"\n')
    kept = {path: path.read_bytes() for path in Path().iterdir()}
    status, message, line = WRONG_RUNS[name]
    emu.refused(status, message, *line.split())
    assert {path: path.read_bytes() for path in Path().iterdir()} == kept


WRONG_ARGUMENTS = {
    "array for a number": (2, "n=@x.npy", "parameter n of kernel saxpy is .u32, a number, and was given an array"),
    "fraction": (2, "n=2.5", "is .u32 and needs an integer, not 2.5"),
    "negative": (2, "n=-1", "0 to 4294967295, and cannot hold -1"),
    "too large": (2, "a=1e39", "is .f32 and cannot hold 1e+39"),
    "unknown": (2, "b=1", "kernel saxpy has no parameter b"),
    "out of bounds": (3, "n=101", "out-of-bounds access of 4 bytes at 0x"),
    "bad pointer": (3, "x=3", "out-of-bounds access of 4 bytes at 0x3"),
}


@pytest.mark.parametrize("name", WRONG_ARGUMENTS)
def test_wrong_argument(emu: Emu, name: str) -> None:
    status, text, message = WRONG_ARGUMENTS[name]
    given = {option.split("=")[0]: option for option in [*SAXPY[1:8:2], text]}
    arguments = [part for option in given.values() for part in ("--arg", option)]
    emu.refused(
        status, message, "run", "hello.dasm", *arguments, "--grid", "4", "--out", "y=out.npy", "--json", "r.json"
    )
    assert not Path("out.npy").exists()
    assert Path("r.json").exists() == Path("out.fault.npy").exists() == (status == 3)


def test_fault_tells_where(emu: Emu) -> None:
    np.save("x.npy", np.zeros(70, np.float32))
    emu.refused(3, "0 bytes behind the end of x", "run", "hello.dasm", *SAXPY)
    assert "kernel saxpy, hello.dasm:" in emu.err
    assert "LDG.E" in emu.err
    assert "CTA (2, 0, 0), warp 0, lanes 6-31" in emu.err


def test_watchdog(emu: Emu) -> None:
    emu.refused(
        3, "watchdog: the warp has issued 1000 instructions", "run", "endless.dasm", "--max-instructions", "1000"
    )
    assert "endless.dasm:3" in emu.err


@pytest.mark.parametrize("cut", [0, 3, 100, -1])
def test_damaged_object(emu: Emu, cut: int) -> None:
    Path("cut.dobj").write_bytes(Path("hello.dobj").read_bytes()[:cut])
    emu.refused(1, "cut.dobj: ", "run", "cut.dobj", *SAXPY)


def test_unwritable_output(emu: Emu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    emu.refused(1, "takes no new file: permission denied", "run", "hello.dasm", *SAXPY, "--out", "y=out.npy")


def save_matrices() -> tuple[np.ndarray, np.ndarray]:
    a, b = random_matrix(40, 50, 0.2, 1), random_matrix(50, 30, 0.3, 2)
    np.save("a.npy", a)
    np.save("b.npy", b)
    scipy.sparse.save_npz("a.npz", scipy.sparse.csr_matrix(a.astype(np.float32)))
    scipy.io.mmwrite("b.mtx", scipy.sparse.coo_array(b.astype(np.float64)), precision=17)
    np.save("complex.npy", np.ones((50, 50), complex))
    np.save("large.npy", np.diag(np.full(50, 70000.0)))
    np.save("line.npy", np.ones(50))
    return a.astype(np.float64), b.astype(np.float64)


@pytest.mark.parametrize("files", [("a.npy", "b.npy"), ("a.npz", "b.mtx")])
def test_spgemm_of_files(emu: Emu, files: tuple[str, str]) -> None:
    a, b = save_matrices()
    assert emu("spgemm", *files, "-o", "c.npy", "--json", "r.json", "--threads", "1") == 0
    c = np.load("c.npy")
    assert c.dtype == np.float32
    np.testing.assert_allclose(c, a @ b, atol=1e-5)
    report = facts("r.json")
    check_report(report, 40, 30, 50)
    assert report["density_a"] == np.count_nonzero(a) / a.size
    assert report["threads"] == 1
    lines = emu.out.splitlines()
    assert lines[0] == (
        f"C (40x30) = A (40x50, density {report['density_a']:.4g}) * B (50x30, density {report['density_b']:.4g})"
    )
    assert lines[1].startswith(f"OHMMA executed {report['ohmma']['issued']:,} of 800 dense (")


def check_report(report: dict[str, Any], m: int, n: int, k: int) -> None:
    assert (report["m"], report["n"], report["k"]) == (m, n, k)
    assert report["warp_instructions"] == sum(report["histogram"].values()) > 0
    assert report["warp_instructions_per_s"] == pytest.approx(report["warp_instructions"] / report["seconds"])
    assert report["ohmma"]["issued"] + report["ohmma"]["skipped"] == 8 * -(-m // 32) * -(-n // 32) * k


def test_spgemm_of_random_matrices(emu: Emu) -> None:
    options = ["spgemm", "--random", "33,65,100", "--density-a", "0.1", "--density-b", "0.9"]
    for name in ("one", "two"):
        assert emu(*options, "--seed", "7", "-o", f"{name}.npy", "--json", f"{name}.json") == 0
    assert Path("one.npy").read_bytes() == Path("two.npy").read_bytes()
    report = facts("one.json")
    check_report(report, 33, 65, 100)
    assert report["density_a"] == pytest.approx(0.1, abs=0.03)
    assert report["density_b"] == pytest.approx(0.9, abs=0.03)
    assert emu(*options, "-o", "other.npy") == 0
    assert Path("one.npy").read_bytes() != Path("other.npy").read_bytes()
    a, b = random_matrix(33, 100, 0.1, 7), random_matrix(100, 65, 0.9, 8)
    np.testing.assert_allclose(np.load("one.npy"), a.astype(np.float64) @ b.astype(np.float64), atol=1e-5)


def test_sample(emu: Emu) -> None:
    options = ["--random", "1024,1280,40", "--set", "sm.count=4", "-o", "c.npy"]
    assert emu("spgemm", *options, "--json", "full.json") == 0
    full = np.load("c.npy")
    assert "estimated" not in emu.out
    assert emu("spgemm", *options, "--sample", "0.5", "--json", "r.json") == 0
    np.testing.assert_array_equal(np.load("c.npy"), full)
    whole, report = (facts(name) for name in ("full.json", "r.json"))
    sample = report["timing"]["sample"]
    assert whole["timing"]["sample"] is None
    assert report["histogram"] == whole["histogram"]
    assert (sample["asked"], sample["ctas_timed"], sample["ctas"], sample["share"]) == (0.5, 40, 80, 0.5)
    assert sample["low"] <= report["timing"]["cycles"] <= sample["high"]
    line = f"estimated from 40 of 80 CTAs (50%), 95 % interval {sample['low']:,} to {sample['high']:,}"
    assert line in emu.out
    assert emu("spgemm", *options, "--sample", "1") == 0
    assert "all CTAs were timed (80)\n" in emu.out
    assert emu("spgemm", "--random", "64,64,64", "--sample", "0.5") == 0
    assert "all CTAs were timed (1): too few for a sample\n" in emu.out


HAZARD = """.kernel k
    MOV R1, 3
    B------:R-:W-:-:S02 FFMA R0, R1, R1, R1
    IADD3 R2, R0, R0, RZ
    STS [RZ], R2
    EXIT
.shared cell, 16
.endkernel
"""


def test_check_hazards(emu: Emu) -> None:
    Path("hazard.dasm").write_text(HAZARD)
    arguments = ["run", "hazard.dasm", "--json", "r.json"]
    assert emu(*arguments) == 0
    assert emu(*arguments, "--check-hazards") == 4
    assert "hazard.dasm:4: RAW hazard: IADD3 reads R0 before FFMA at hazard.dasm:3 has its result" in emu.err
    assert "CTA 0, warp 0, cycle " in emu.err
    (told,) = facts("r.json")["timing"]["hazards"]
    assert (told["consumer"], told["producer"], told["missing_cycles"]) == ("hazard.dasm:4", "hazard.dasm:3", 2)
    Path("hazard.dasm").write_text(HAZARD.replace("S02", "S04"))
    assert emu(*arguments, "--check-hazards") == 0
    assert facts("r.json")["timing"]["hazards"] == []


@pytest.mark.parametrize("option", [["--sample", "0.5"], ["--check-hazards"]])
def test_options_of_timed_runs(emu: Emu, option: list[str]) -> None:
    emu.refused(2, "go with a timed run", "spgemm", "--random", "8,8,8", "--functional", *option)


def test_wrong_share(emu: Emu) -> None:
    emu.refused(2, "--sample is a share", "spgemm", "--random", "8,8,8", "--sample", "0")


def test_spgemm_without_elements(emu: Emu) -> None:
    assert emu("spgemm", "--random", "0,3,5", "-o", "c.npy", "--json", "r.json") == 0
    assert np.load("c.npy").shape == (0, 3)
    assert facts("r.json")["warp_instructions"] == 0
    assert emu("spgemm", "--random", "2,3,0", "-o", "c.npy") == 0
    assert np.load("c.npy").tolist() == [[0, 0, 0], [0, 0, 0]]


def test_spgemm_on_the_reference_engine(emu: Emu) -> None:
    assert emu("spgemm", "--random", "8,8,4", "-o", "c.npy") == 0
    assert emu("spgemm", "--random", "8,8,4", "-o", "r.npy", "--reference") == 0
    assert Path("c.npy").read_bytes() == Path("r.npy").read_bytes()


WRONG_PRODUCTS = {
    "nothing": (2, "spgemm takes two matrices", ""),
    "one matrix": (2, "spgemm takes two matrices", "a.npy"),
    "three matrices": (2, "'b.npy' is one argument too many", "a.npy b.npy b.npy"),
    "files and random": (2, "either two matrices or --random", "a.npy b.npy --random 1,1,1"),
    "seed of files": (2, "go with --random", "a.npy b.npy --seed 1"),
    "density of files": (2, "go with --random", "a.npy b.npy --density-b 1"),
    "two sizes": (2, "--random takes 3 numbers, not 2", "--random 4,4"),
    "sizes of text": (2, "--random takes whole numbers", "--random 4,4,x"),
    "negative size": (2, "sizes are 0 to 2147483647", "--random=-4,4,4"),
    "enormous size": (2, "sizes are 0 to 2147483647", "--random 1,1,99999999999999999999"),
    "more than memory": (1, "EiB of memory, and there are ", "--random 2000000000,1,2000000000"),
    "density above 1": (2, "--density-a is a fraction from 0 to 1, not 1.5", "--random 4,4,4 --density-a 1.5"),
    "negative density": (2, "--density-b is a fraction from 0 to 1", "--random 4,4,4 --density-b=-0.1"),
    "density nan": (2, "--density-b is a fraction from 0 to 1, not nan", "--random 4,4,4 --density-b nan"),
    "negative seed": (2, "--seed is 0 or more, not -1", "--random 4,4,4 --seed=-1"),
    "missing file": (1, "none.mtx: cannot be read: No such file", "none.mtx b.npy"),
    "wrong suffix": (1, "hello.dasm: expected a file name that ends in one of", "hello.dasm b.npy"),
    "shapes": (
        1,
        "a.npy is 40x50 and a.npz is 40x50: a.npy must have as many columns as a.npz has rows",
        "a.npy a.npz",
    ),
    "one dimension": (1, "line.npy: a matrix has 2 dimensions", "line.npy b.npy"),
    "complex": (1, "complex.npy: matrix values are real numbers", "complex.npy b.npy"),
    "beyond half": (1, "large.npy: row 0, column 0 (counted from 0): 70000.0 is beyond FP16", "a.npy large.npy"),
    "output as text": (
        2,
        "c.txt: a product is written to a file whose name ends in one of .npy, .npz, .mtx",
        "a.npy b.npy -o c.txt",
    ),
    "output nowhere": (1, "none/c.npy: cannot be written: there is no directory /", "a.npy b.npy -o none/c.npy"),
    "json nowhere": (1, "none/r.json: cannot be written", "a.npy b.npy --json none/r.json"),
    "no threads": (2, "--threads is 1 to 256, not -2", "a.npy b.npy --threads=-2"),
}


@pytest.mark.parametrize("name", WRONG_PRODUCTS)
def test_wrong_product(emu: Emu, name: str) -> None:
    save_matrices()
    status, message, line = WRONG_PRODUCTS[name]
    emu.refused(status, message, "spgemm", *line.split())


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["spgemm", "--help"], ["--version"]])
def test_help_is_quick_and_fits(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom dstc_isa.cli.emu import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print([m for m in ('numba', 'scipy', 'numpy', 'rich', 'lark') if m in sys.modules], file=sys.stderr)"
    )
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.slow
def test_reader_that_goes_away() -> None:
    command = [sys.executable, "-m", "dstc_isa.cli.emu", "spgemm", "--random", "8,8,8", "--reference"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141
