import json
import sys
from pathlib import Path

import pytest

from dstc_isa.cli import asm
from dstc_isa.cli.emu import main
from dstc_isa.cli.isa import declarations_of
from dstc_isa.gpu import load_gpu
from dstc_isa.isa.extension import LOADED
from dstc_isa.isa.manual import codes, semantics
from dstc_isa.isa.syntax_line import syntax
from dstc_isa.isa.volta import VOLTA
from dstc_isa.isa.volta.units import FMA
from tests.docs.console import ROOT


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["isa", *arguments]) == 0
    return capsys.readouterr().out


def test_every_instruction_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    listed = [line.split()[0] for line in printed(capsys).splitlines()[1:]]
    assert sorted(listed) == sorted(d.mnemonic for d in VOLTA.declarations)


@pytest.mark.parametrize("declaration", VOLTA.declarations, ids=lambda d: f"{d.mnemonic}-{d.opcode:03x}")
def test_every_page_has_forms_modifiers_and_semantics(capsys: pytest.CaptureFixture[str], declaration) -> None:
    page = printed(capsys, declaration.mnemonic)
    lines = [line.strip() for line in page.splitlines()]
    assert {syntax(declaration, form) for form in declaration.forms} <= set(lines)
    assert {line.strip() for line in semantics(declaration).splitlines()} <= set(lines)
    assert {f".{word}" for modifier in declaration.modifiers for word in modifier.kind.words()} <= set(page.split())
    assert f"opcodes: {codes(declaration)} (" in page
    assert "``" not in page
    assert "guard negate" not in page


def test_the_encoding_is_shown_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    assert "opcode = 0x381" in printed(capsys, "LDG", "-v")


def test_latencies_are_those_of_the_gpu(capsys: pytest.CaptureFixture[str]) -> None:
    assert "latency in cycles: 9, covered by stall counts" in printed(capsys, "FFMA", "--set", "pipes.FMA.latency=9")
    usual = load_gpu().pipes[FMA].latency
    assert f"latency in cycles: {usual}, covered by stall counts" in printed(capsys, "FFMA")
    assert "latency in cycles: 27 in shared memory, 34 in L1" in printed(capsys, "LDS")
    assert "latency in cycles: 23, awaited with a scoreboard" in printed(capsys, "SHFL")
    assert "on v100 one every " in printed(capsys, "ISETP", "--gpu", "v100")


@pytest.mark.parametrize(
    ("name", "mnemonics"),
    [
        ("ldg", ["LDG"]),
        ("LDG.E.128", ["LDG"]),
        ("ATOMG.ADD", ["ATOMG", "ATOMG"]),
        ("CALL.REL", ["CALL"] * 5),
        ("OHMMA.8161.F32", ["OHMMA.8161.F32"] * 2),
    ],
)
def test_names(name: str, mnemonics: list[str]) -> None:
    assert [d.mnemonic for d in declarations_of(VOLTA, name)] == mnemonics


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("LDGG", "; did you mean LDG?"),
        ("SHL", "; here it is SHF.L.U32 R0, R1, 2, RZ: R0 = R1 << 2"),
        ("QQQQQ", "; dstc-emu isa lists all"),
    ],
)
def test_unknown_names_have_a_hint(capsys: pytest.CaptureFixture[str], name: str, hint: str) -> None:
    assert main(["isa", name]) == 2
    assert capsys.readouterr().err.splitlines()[0] == f"dstc-emu isa: there is no instruction {name}{hint}"


def test_an_instruction_of_ones_own(tmp_path) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "dstc_isa", "isa", "AVG", "--isa", str(ROOT / "tests" / "example_extension.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("AVG.U32\n")


def test_what_a_file_prints_is_a_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "prints.py"
    path.write_text("print('loaded')\n")
    (tmp_path / "k.dasm").write_text(".kernel k\nEXIT\n.endkernel\n")
    try:
        assert asm.main([str(tmp_path / "k.dasm"), "--isa", str(path), "--json", "-o", str(tmp_path / "k.dobj")]) == 0
        shown = capsys.readouterr()
        assert json.loads(shown.out) == {"diagnostics": []}
        assert shown.err == "loaded\n"
    finally:
        del sys.modules["dstc_isa_extension_prints"]
        LOADED.pop()
