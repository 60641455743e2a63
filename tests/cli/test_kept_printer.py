"""``dstc-asm -d`` with a printer that is kept, is not there yet, is damaged, or cannot be kept."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dstc_isa.listing import kept_printer
from dstc_isa.listing.cubin_file import read_cubin
from dstc_isa.object import disassemble, program_of
from tests.object.test_cubin import BOTH

SCRIPT = """
import sys
from dstc_isa.cli.process import asm
status = asm()
sys.stderr.write(" ".join(sys.modules))
sys.exit(status)
"""
HEAVY = ("numpy", "lark", "attr", "dstc_isa.isa")
TEXT = disassemble(program_of(read_cubin(BOTH)), sources=True).encode()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "both.cubin").write_bytes(BOTH)
    yield tmp_path
    for folder in tmp_path.rglob("*"):
        if folder.is_dir():
            folder.chmod(0o700)


def started(place: Path, *arguments: str, cache: str = "cache") -> tuple[bytes, set[str]]:
    """What is printed of the cubin, and the modules that were loaded for it."""
    environment = {**os.environ, "DSTC_CACHE_DIR": str(place / cache), "TMPDIR": str(place / "spare")}
    (place / "spare").mkdir(exist_ok=True)
    command = [sys.executable, "-c", SCRIPT, "-d", *(arguments or ("both.cubin",))]
    ended = subprocess.run(command, cwd=place, env=environment, capture_output=True, check=True)
    loaded = set(ended.stderr.decode().split())
    return ended.stdout, loaded


def listed(place: Path, *arguments: str) -> tuple[bytes, bool]:
    """What is printed of the cubin, and whether the declarations were needed for it."""
    text, loaded = started(place, *arguments)
    assert "dstc_isa.isa" in loaded or not loaded & set(HEAVY)
    return text, "dstc_isa.isa" in loaded


def kept(place: Path) -> list[Path]:
    return sorted((place / "cache" / "printers").glob("*.kept"))


@pytest.mark.slow
def test_the_second_process_needs_no_declarations(place: Path) -> None:
    assert listed(place) == (TEXT, True)
    assert listed(place) == (TEXT, False)
    assert listed(place, "both.cubin", "-o", "both.dasm") == (b"", False)
    assert (place / "both.dasm").read_bytes() == TEXT
    (place / "words.bin").write_bytes(read_cubin(BOTH)[0].data)
    text, needed = listed(place, "--raw", "words.bin")
    assert text.startswith(b".kernel code\n    .control manual\n")
    assert not needed


@pytest.mark.slow
@pytest.mark.parametrize("damaged", [b"", b"dstc_isa kept file 1\n" + bytes(200)])
def test_a_damaged_one_is_made_again(place: Path, damaged: bytes) -> None:
    listed(place)
    (file,) = kept(place)
    whole = file.read_bytes()
    file.write_bytes(damaged or whole[:-1])
    assert listed(place) == (TEXT, True)
    assert file.read_bytes() == whole
    assert listed(place) == (TEXT, False)


@pytest.mark.slow
def test_where_none_can_be_kept(place: Path) -> None:
    (place / "file").write_bytes(b"")
    (place / "spare").mkdir()
    (place / "spare" / f"dstc_isa-{os.geteuid()}").write_bytes(b"")
    text, loaded = started(place, cache="file/cache")
    assert text == TEXT
    assert "dstc_isa.isa" in loaded
    assert "dstc_isa.isa.compiled_printer" not in loaded


@pytest.mark.slow
def test_instructions_of_files_are_printed_with_their_declarations(place: Path) -> None:
    shutil.copy(Path(__file__).parents[1] / "example_extension.py", place)
    listed(place)
    assert listed(place, "--isa", "example_extension.py", "both.cubin") == (TEXT, True)


def test_a_refused_file_is_told_as_ever(place: Path) -> None:
    (place / "both.cubin").write_bytes(BOTH[:-1])
    environment = {**os.environ, "DSTC_CACHE_DIR": str(place / "cache")}
    command = [sys.executable, "-c", SCRIPT.replace('" ".join(sys.modules)', '""'), "-d", "both.cubin"]
    ended = subprocess.run(command, cwd=place, env=environment, capture_output=True, check=False)
    assert ended.stderr.startswith(b"both.cubin: error: damaged cubin: ")
    assert (ended.returncode, ended.stdout, kept(place)) == (1, b"", [])


def test_the_name_is_that_of_the_sources(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = place / "copy"
    shutil.copytree(kept_printer.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(kept_printer, "PACKAGE", str(copy))
    before = kept_printer.printer_name()
    assert kept_printer.printer_name() == before
    (copy / "object" / "cubin.py").write_text("")
    assert kept_printer.printer_name() == before
    for name in ("isa/volta/integer.py", "units/outer/word.py", "listing/numbers.py"):
        with (copy / name).open("a") as file:
            file.write("\n")
        assert kept_printer.printer_name() != before
        before = kept_printer.printer_name()
    shutil.rmtree(copy / "units")
    assert kept_printer.printer_name() == ""
    (copy / "units").mkdir()
    assert kept_printer.printer_name() == ""
    assert kept_printer.kept_printer("") is None
