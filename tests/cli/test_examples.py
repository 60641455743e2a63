"""The command ``examples``, and that documentation and help name only files that come with it."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dstc_isa.assembler import assemble_file
from dstc_isa.cli.emu import main, parser
from dstc_isa.cli.examples import example_files, subject
from dstc_isa.sparse.matrix_files import load_matrix

ROOT = Path(__file__).parents[2]
NAMES = {path.name for path in example_files()}


def helps(command: argparse.ArgumentParser) -> Iterator[str]:
    """The help of a command and of all commands in it."""
    yield command.format_help()
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from helps(each)


def test_all_that_is_named_comes_along() -> None:
    texts = [*helps(parser()), *(path.read_text() for path in (ROOT / "README.md", *ROOT.glob("docs/*.md")))]
    named = {name for text in texts for name in re.findall(r"\bexamples/([\w.-]+\.\w+)", text)}
    assert {"poisson.mtx", "prolongation.mtx", "outer.dasm", "hello.dasm"} <= named <= NAMES


def test_the_list_says_what_each_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["examples"]) == 0
    lines = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines() if "  " in line)
    assert lines.keys() == NAMES - {"README.md"}
    assert "Five-point Laplacian on a 30 x 30 grid" in lines["poisson.mtx"]
    assert "one sparse outer product" in lines["outer.dasm"]
    assert all(subject(path) for path in example_files() if path.name != "README.md")


def test_copies_are_whole_and_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "new" / "examples"
    assert main(["examples", "--copy", str(place)]) == 0
    assert capsys.readouterr().out.splitlines() == [str(place / name) for name in sorted(NAMES)]
    assert {path.name: path.read_bytes() for path in place.iterdir()} == {
        path.name: path.read_bytes() for path in example_files()
    }
    for path in place.glob("*.dasm"):
        assert assemble_file(path).program.kernels
    for path in place.glob("*.mtx"):
        assert load_matrix(path).nnz


@pytest.mark.parametrize("kind", ["file", "link to nothing", "directory"])
def test_nothing_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    there = tmp_path / "outer.dasm"
    match kind:
        case "file":
            there.write_text("mine")
        case "directory":
            there.mkdir()
        case _:
            there.symlink_to("nowhere")
    assert main(["examples", "--copy", str(tmp_path)]) == 1
    assert f"{there} exists already: nothing is copied" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["outer.dasm"]


def test_a_place_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["examples", "--copy", str(tmp_path / "file")]) == 1
    assert "file" in capsys.readouterr().err
