import json
import os
import subprocess
import sys
import time

import pytest

from dstc_isa.cli.asm import main, outcome
from dstc_isa.diagnostics import ERROR, WARNING, Diagnostic
from dstc_isa.diagnostics import HAZARD as OF_HAZARD
from dstc_isa.object import read_object, write_object
from dstc_isa.object.shipped import load_shipped
from dstc_isa.program_files import program_directory

HELLO = program_directory() / "hello.dasm"
GOOD = ".kernel k\nMOV R0, N\nEXIT\n.endkernel\n"
BAD = ".kernel k\nMOV R0, vlaue\nMOV R300, 1\nEXIT\n.endkernel\n"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "k.dasm"
    path.write_text(GOOD)
    return path


def test_assembles_to_an_object_beside_the_source(source, capsys):
    assert main([str(source), "-D", "N=7"]) == 0
    program = read_object(source.with_suffix(".dobj").read_bytes())
    assert program.kernels[0].words[0] >> 32 & 0xFFFFFFFF == 7
    assert "what MOV computes is never used" in capsys.readouterr().err


def test_disassembly_assembles_to_the_same(tmp_path, capsys):
    source = tmp_path / "a.dasm"
    extra = ".const t, .u8, 1, 2, 3\n.const.128 u, .f32, 1\n.kernel m\n.shared s, 10\n.shared v, 4, 64\n"
    source.write_text(HELLO.read_text() + extra + "LDC R1, c[3][u]\nx: STS [v], R1\nBRA x\n.endkernel\n")
    texts, programs = [source.read_text()], []
    for turn in range(3):
        (tmp_path / "a.dasm").write_text(texts[-1])
        assert main([str(source), "-o", str(tmp_path / f"{turn}.dobj")]) == 0
        programs.append(read_object((tmp_path / f"{turn}.dobj").read_bytes()))
        assert main(["-d", str(tmp_path / f"{turn}.dobj")]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[2] == texts[3]
    assert len({program.constants for program in programs}) == 1
    for one, two in zip(programs[0].kernels, programs[1].kernels, strict=True):
        assert (one.words, one.parameters, one.registers) == (two.words, two.parameters, two.registers)
        assert (one.shared_bytes, one.labels) == (two.shared_bytes, two.labels)


def test_listing(tmp_path):
    listing = tmp_path / "l.txt"
    assert main([str(HELLO), "-o", str(tmp_path / "a.dobj"), "-l", str(listing)]) == 0
    assert "FFMA sum, value, a, sum" in listing.read_text()


def test_check_writes_nothing(source):
    assert main([str(source), "--check", "-D", "N", "-l", str(source.with_suffix(".lst"))]) == 0
    assert [path.name for path in source.parent.iterdir()] == ["k.dasm"]


HAZARD = ".kernel k\nB------:R-:W-:-:S02 FFMA R0, R1, R1, R1\nSTG.E [R4], R0\nEXIT\n.endkernel\n"


def test_check_makes_hazards_errors(tmp_path, capsys):
    source = tmp_path / "h.dasm"
    source.write_text(HAZARD)
    assert main([str(source), "-o", str(tmp_path / "h.dobj")]) == 0
    assert "warning: RAW hazard: STG.E reads R0 before FFMA at" in (before := capsys.readouterr().err)
    assert "2 more cycles of stall between them" in before
    (tmp_path / "h.dobj").unlink()
    assert main([str(source), "--check"]) == 4
    assert "error: RAW hazard: STG.E reads R0 before FFMA at" in capsys.readouterr().err
    assert main([str(source), "--check", "--json"]) == 4
    (found,) = [d for d in json.loads(capsys.readouterr().out)["diagnostics"] if d["severity"] == "error"]
    assert (found["kind"], found["line"]) == ("hazard", 3)
    source.write_text(HAZARD.replace("S02", "S04"))
    assert main([str(source), "--check"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["h.dasm"]


@pytest.mark.parametrize("wrong", ["MOV R300, 1", "BRA nowhere", ".set N"])
def test_an_error_beside_a_hazard_is_no_finding(tmp_path, wrong):
    source = tmp_path / "h.dasm"
    source.write_text(HAZARD.replace("EXIT", f"EXIT\n{wrong}"))
    assert main([str(source), "--check"]) == 1


def test_a_finding_is_of_hazards_alone():
    hazard = Diagnostic(ERROR, "RAW hazard", "k.dasm", kind=OF_HAZARD)
    other = Diagnostic(ERROR, "cannot be written", "k.dobj")
    warning = Diagnostic(WARNING, "never used", "k.dasm")
    assert [outcome(told) for told in ([], [warning], [hazard, warning], [hazard, other], [other])] == [0, 0, 4, 1, 1]


def test_many_hazards_are_a_finding(tmp_path):
    source = tmp_path / "h.dasm"
    lines = HAZARD.splitlines()
    source.write_text("\n".join([lines[0], *lines[1:3] * 600, *lines[3:], ""]))
    assert main([str(source), "--check"]) == 4


@pytest.mark.slow
@pytest.mark.parametrize("program", sorted(path.name for path in program_directory().glob("*.dasm")))
def test_check_of_disassembled_shipped_programs(program, tmp_path, capsys):
    (tmp_path / "p.dobj").write_bytes(write_object(load_shipped(program)))
    again = tmp_path / "again.dasm"
    assert main(["-d", str(tmp_path / "p.dobj")]) == 0
    again.write_text(capsys.readouterr().out)
    assert main([str(again), "--check"]) == 0


def test_errors_go_to_standard_error(source, capsys):
    source.write_text(BAD)
    assert main([str(source)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{source}:2:9: error: unknown name vlaue" in err
    assert f"{source}:3:5: error:" in err
    assert "\x1b" not in err
    assert not source.with_suffix(".dobj").exists()


def test_json_says_the_same(source, capsys):
    source.write_text(BAD)
    assert main([str(source), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["diagnostics"]
    assert [(d["severity"], d["line"], d["column"]) for d in found] == [("error", 2, 9), ("error", 3, 5)]
    assert all(d["text"] and d["file"] == str(source) for d in found)


def test_include_directories(source, tmp_path):
    (tmp_path / "inc").mkdir()
    (tmp_path / "inc" / "n.inc").write_text(".set N, 3\n")
    source.write_text('.include "n.inc"\n' + GOOD)
    assert main([str(source)]) == 1
    assert main([str(source), "-I", str(tmp_path / "inc")]) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--frob"],
        ["--versoin"],
        ["x.dasm", "more"],
        ["-"],
        ["x.dasm", "-o", "z", "-l", "z"],
        ["x.dasm", "-o", "-", "-l", "-"],
        ["x.dasm", "-l", "-", "--json"],
        ["x.dasm", "-l", "x.dobj"],
        ["x.dasm", "-l", "./x.dasm"],
        ["-d", "x.dobj", "-o", "x.dobj"],
        ["x.dasm", "-D", "N=R1"],
        ["x.dasm", "-D", "=1"],
        ["x.dasm", "-D", "1X=3"],
        ["x.dasm", "-D", "R1=3"],
        ["-d", "x.dobj", "-l", "y"],
        ["x", "-D", "N=1/0"],
        ["x", "-D", "N=1e309"],
        [""],
        ["-d", ""],
        ["x.dasm", "-o", ""],
        ["x.dasm", "-l", ""],
    ],
)
def test_usage(arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_a_gpu_that_there_is_not_is_a_wrong_command_line(source, capsys):
    assert main([str(source), "--gpu", "v1000"]) == 2
    first, usage = capsys.readouterr().err.splitlines()
    assert first.startswith("dstc-asm: ")
    assert usage.startswith("  usage: dstc-asm [options] [FILE]")
    assert main([str(source), "--gpu", "v1000", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["diagnostics"]


def test_a_directory_of_includes_that_there_is_not_is_told(source, tmp_path, capsys):
    assert main([str(source), "-D", "N", "-I", str(tmp_path / "nowhere"), "-I", str(tmp_path)]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "no such directory" in line]
    assert told == [f"{tmp_path / 'nowhere'}: warning: there is no such directory, so .include finds nothing in it"]


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"x" * 100, None])
def test_foreign_objects(tmp_path, data, capsys):
    path = tmp_path / "x.dobj"
    if data is not None:
        path.write_bytes(data)
    assert main(["-d", str(path)]) == 1
    assert capsys.readouterr().err.startswith(f"{path}: error:")


def test_what_cannot_be_written_or_read(source, tmp_path, capsys):
    assert main([str(source), "-D", "N", "-o", str(tmp_path / "no" / "k.dobj")]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert main([str(tmp_path / "none.dasm")]) == 1


@pytest.mark.parametrize("place", [".", "..", "/", "./"])
@pytest.mark.parametrize("options", [[], ["--check"], ["-d"]])
def test_a_directory_is_no_source(place, options, capsys):
    assert main([*options, place]) == 1
    assert "cannot read the file: Is a directory" in capsys.readouterr().err


def test_help_is_quick_and_assembling_needs_no_engine():
    began = time.perf_counter()
    shown = subprocess.run([sys.executable, "-m", "dstc_isa.cli.asm", "--help"], capture_output=True, check=True)
    assert time.perf_counter() - began < 2
    assert b"--check" in shown.stdout
    probe = (
        "import sys; from dstc_isa.cli.asm import main; "
        f"main([{str(HELLO)!r}, '--check']); print([m for m in ('numba', 'scipy', 'numpy') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True)
    assert shown.stdout.strip() == b"[]"


def status_of(*arguments):
    """The exit status, of a wrong command line too."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as stop:
        return stop.code


@pytest.mark.parametrize("link", ["symbolic", "hard", "none"])
def test_nothing_is_written_twice(source, link, capsys):
    other = source.with_name("other")
    if link == "symbolic":
        other.symlink_to(source)
    elif link == "hard":
        other.hardlink_to(source)
    else:
        other = source
    for option in ("-o", "-l"):
        assert status_of(source, "-D", "N", option, other) == 2
        what = "object" if option == "-o" else "listing"
        assert f"dstc-asm: {other} is the source and would be the {what} too" in capsys.readouterr().err
    assert source.read_text() == GOOD
    assert sorted(path.name for path in source.parent.iterdir()) == sorted({"k.dasm", other.name})


def test_options_that_were_perhaps_meant(capsys):
    assert status_of("k.dasm", "--chek") == 2
    assert "dstc-asm: there is no option --chek; did you mean --check?" in capsys.readouterr().err
    assert status_of("--version") == 0
    assert capsys.readouterr().out.startswith("dstc-isa ")


def asm(*arguments, **settings):
    """The command in a process of its own."""
    command = [sys.executable, "-m", "dstc_isa.cli.asm", *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, **settings)


@pytest.mark.slow
def test_standard_input_and_output(source):
    whole = asm("-", "-D", "N", "-o", "-", input=GOOD.encode())
    assert read_object(whole.stdout).kernels[0].name == "k"
    text = asm("-d", "-", input=whole.stdout)
    assert text.stdout.startswith(b".kernel k\n")
    assert (whole.returncode, text.returncode) == (0, 0)
    assert asm("-d", "-", "-o", source.with_suffix(".txt"), input=whole.stdout).stdout == b""
    assert source.with_suffix(".txt").read_bytes() == text.stdout
    assert b"kernel k: 2 instructions" in asm(source, "-D", "N", "-o", "/dev/null", "-l", "-").stdout
    broken = asm("-", "-o", "-", input=BAD.encode())
    assert (broken.returncode, broken.stdout) == (1, b"")
    assert broken.stderr.startswith(b"<stdin>:2:9: error: unknown name vlaue")


@pytest.mark.slow
def test_output_that_takes_nothing(source, tmp_path):
    assert main([str(source), "-D", "N"]) == 0
    program = source.with_suffix(".dobj")
    for arguments in (["-d", program], [source, "--json"], [source, "-D", "N", "-o", "-"]):
        with open("/dev/full", "wb") as full:
            command = [sys.executable, "-m", "dstc_isa.cli.asm", *map(str, arguments)]
            ended = subprocess.run(command, check=False, stdout=full, stderr=subprocess.PIPE)
        assert ended.returncode == 1
        assert b"standard output: " in ended.stderr
        assert b"No space left on device\n" in ended.stderr
        assert b"Traceback" not in ended.stderr


@pytest.mark.slow
def test_names_that_the_output_cannot_write(tmp_path):
    source = tmp_path / "核.dasm"
    source.write_text(BAD)
    ended = asm(source, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert ended.returncode == 1
    assert b"\\u6838.dasm:2:9: error: unknown name vlaue" in ended.stderr


def test_interrupt(monkeypatch, source, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("dstc_isa.assembler.assemble_file", interrupted)
    assert main([str(source)]) == 130
    assert capsys.readouterr().err == "dstc-asm: interrupted\n"


def test_a_gpu_that_does_not_exist_is_a_wrong_command_line(tmp_path):
    source = tmp_path / "k.dasm"
    source.write_text(".kernel k\n    EXIT\n.endkernel\n")
    assert main([str(source), "--gpu", "v10"]) == 2
    (tmp_path / "own.toml").write_text("x = 1\n")
    assert main([str(source), "--gpu", str(tmp_path / "own.toml")]) == 1
