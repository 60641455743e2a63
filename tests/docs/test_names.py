"""Names of the package and of its files in pages and docstrings are those of today."""

import importlib
import re

import pytest

from tests.docs.console import ROOT
from tests.docs.docstrings import SOURCES, docstrings

FOLDERS = ("docs", "benchmarks", "examples", "changes")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(p for f in FOLDERS for p in sorted((ROOT / f).rglob("*.md")))]
DOTTED = re.compile(r"(?<![\w/.-])dstc_isa(?:\.[A-Za-z_]\w*)+")
FILE = re.compile(r"(?<![\w/.-])(?:[\w-]+/)+[a-z][\w-]*\.(?:py|dasm|toml|md)\b")
ROOMS = [path.stem for path in (ROOT / "dstc_isa").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
IN_ROOM = re.compile(rf"``((?:{'|'.join(ROOMS)})(?:\.[A-Za-z_]\w*)+)\b")
NO_MODULES = {"options.input", "sparse.alone"}
"""A variable and an entry of a data file."""

CONSOLE = re.compile(r"^```console.*?^```$", re.MULTILINE | re.DOTALL)

DOCSTRINGS = {file.relative_to(ROOT).as_posix(): "\n".join(docstrings(file)) for file in SOURCES}
TEXTS = {file.relative_to(ROOT).as_posix(): CONSOLE.sub("", file.read_text(encoding="utf-8")) for file in PAGES}
TEXTS |= DOCSTRINGS


def exists(name: str) -> bool:
    """Whether a dotted name can be imported, as a module or as what one has."""
    module, *rest = name.split(".")
    found: object = importlib.import_module(module)
    for part in rest:
        if not hasattr(found, part):
            try:
                importlib.import_module(f"{module}.{part}")
            except ImportError:
                return False
        found, module = getattr(found, part), f"{module}.{part}"
    return True


def is_there(path: str, page: str) -> bool:
    """Whether there is a file: from the page, the root, the package, or the programs."""
    starts = ((ROOT / page).parent, ROOT, ROOT / "dstc_isa", ROOT / "programs")
    return any((start / path).exists() for start in starts)


@pytest.mark.parametrize("name", sorted({name for text in TEXTS.values() for name in DOTTED.findall(text)}))
def test_a_dotted_name_can_be_imported(name: str) -> None:
    assert exists(name)


@pytest.mark.parametrize("name", sorted({name for text in DOCSTRINGS.values() for name in IN_ROOM.findall(text)}))
def test_a_name_that_begins_with_its_room_can_be_imported(name: str) -> None:
    assert name in NO_MODULES or exists(f"dstc_isa.{name}")


@pytest.mark.parametrize("page", [page for page, text in TEXTS.items() if FILE.search(text)])
def test_a_file_that_is_named_is_there(page: str) -> None:
    assert [path for path in FILE.findall(TEXTS[page]) if not is_there(path, page)] == []


def test_what_is_not_there_is_noticed() -> None:
    assert exists("dstc_isa.isa.warp.load")
    assert not exists("dstc_isa.isa.warp.no_such_name")
    assert not exists("dstc_isa.no_such_room.name")
    assert DOTTED.findall("`dstc_isa.isa.warp`, docs/dstc_isa.x and dstc_isa.run.") == [
        "dstc_isa.isa.warp",
        "dstc_isa.run",
    ]
    assert IN_ROOM.findall("``isa.warp`` and ``Isa.words``, of ``isa.lanes.gather()``") == [
        "isa.warp",
        "isa.lanes.gather",
    ]
    assert is_there("isa/warp.py", "README.md")
    assert not is_there("isa/none.py", "README.md")
