"""Commands as processes: their streams closed, full or narrow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

RUN = "import sys; from dstc_isa.cli.process import {0}; sys.exit({0}())"


def shell(command: str, directory: Path, program: str = "emu", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command line of ``sh``, with ``$X`` for the program; what was seen of its streams and its status."""
    script = directory / "program.py"
    script.write_text(RUN.format(program))
    environment = {**os.environ, **variables, "X": f"{sys.executable} {script}"}
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=directory,
        env=environment,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("arguments", ["gpu list", "--help"])
def test_standard_output_is_full(tmp_path: Path, arguments: str) -> None:
    ended = shell(f"$X {arguments} >/dev/full", tmp_path)
    assert ended.stderr == b"dstc-emu: standard output: cannot be written: No space left on device\n"
    assert ended.returncode == 1


@pytest.mark.parametrize("streams", [">&-", "2>&-", "<&-", ">&- 2>&- <&-", "2>/dev/full", "| head -1"])
def test_streams_that_lead_nowhere(tmp_path: Path, streams: str) -> None:
    ended = shell(f"$X gpu list {streams}", tmp_path)
    assert ended.stderr == b""
    assert ended.returncode == 0
    refused = shell(f"$X run none.dasm {streams}", tmp_path)
    assert b"Traceback" not in refused.stderr
    assert refused.returncode == 1


@pytest.mark.parametrize("program", ["emu", "asm"])
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_names_that_the_encoding_lacks(tmp_path: Path, program: str, encoding: str) -> None:
    for name in (os.fsencode("核.dasm"), b"\xe6\xa0.dasm"):
        (tmp_path / os.fsdecode(name)).write_text(".kernel k\n    FROM\n")
        ended = shell(f"$X {'run ' if program == 'emu' else ''}*.dasm", tmp_path, program, PYTHONIOENCODING=encoding)
        assert b"unknown instruction FROM" in ended.stderr
        assert b"Traceback" not in ended.stderr
        assert ended.returncode == 1
        (tmp_path / os.fsdecode(name)).unlink()


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""},
        *({"PYTHONIOENCODING": f"ascii:{handler}"} for handler in ("strict", "surrogateescape", "surrogatepass")),
        {"PYTHONIOENCODING": "latin-1:surrogateescape"},
    ],
)
def test_printed_texts_that_the_encoding_lacks(tmp_path: Path, variables: dict[str, str]) -> None:
    (tmp_path / "k.dasm").write_text('.kernel k\n.block 32\nPRINT "grün 核"\nEXIT\n.endkernel\n')
    ended = shell("$X run k.dasm --reference", tmp_path, **variables)
    assert ended.stderr == b""
    assert b"\\u6838" in ended.stdout
    assert ended.returncode == 0


ASKED_FOR = {
    "emu": [
        "run k.dasm --reference --json -",
        "run k.dasm --reference --arg x=zeros:f4:3 --out x=-",
        "run k.dasm --reference --log 0.0 --log-file -",
        "run k.dasm --reference --json /dev/stdout",
        "gpu show v100 --json -",
        "conv --random 1,1,3,3,1,3,3 --reference -o -",
        "validate --only latency --json -",
    ],
    "asm": ["k.dasm -o -", "k.dasm -l -", "k.dasm --json", "-d k.dobj", "-d k.dobj -o -"],
}


@pytest.mark.parametrize(("program", "line"), [(name, line) for name, lines in ASKED_FOR.items() for line in lines])
@pytest.mark.parametrize("streams", ["1>&-", "1>&- <&-", "1</dev/null"])
def test_what_is_asked_for_is_not_lost_in_a_closed_output(
    tmp_path: Path, program: str, line: str, streams: str
) -> None:
    (tmp_path / "k.dasm").write_text(".kernel k\n.param .ptr.f32 x\n    MOV R1, x\n    EXIT\n.endkernel\n")
    if "k.dobj" in line:
        assert shell("$X k.dasm", tmp_path, "asm").returncode == 0
    before = {path.name for path in tmp_path.iterdir()}
    ended = shell(f"$X {line} {streams}", tmp_path, program)
    name = "/dev/stdout" if "/dev/stdout" in line else "standard output"
    reason = "cannot be written: it is closed, or open for reading alone"
    assert ended.stderr.decode() == f"dstc-{program}: {name}: {reason}\n"
    assert ended.returncode == 1
    assert {path.name for path in tmp_path.iterdir()} - {"program.py"} == before - {"program.py"}
