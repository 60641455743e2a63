"""Draws the rooms of the package into architecture.md: ``python docs/architecture.py [--check]``.

Floors are the layers of the import contract in pyproject.toml, names and subjects those of the packages' docstrings,
and arrows the imports that no chain of others implies. With ``--check`` nothing is written, and a picture that is not
current is status 1.
"""

import ast
import re
import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "dstc_isa"
PAGE = Path(__file__).with_name("architecture.md")
PARTS = re.compile(r"(<!-- (picture|rooms) -->\n).*?(?=<!-- end -->)", re.DOTALL)


def contract() -> dict[str, Any]:
    """The import contract that has the layers."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layered,) = (each for each in project["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
    return dict(layered)


def short(name: str) -> str:
    """A module's name within the package."""
    return name.strip().removeprefix("dstc_isa.")


def floors() -> list[list[str]]:
    """The layers of the contract, the highest first; the rooms of one do not import each other."""
    return [[short(room) for room in re.split("[|:]", layer)] for layer in contract()["layers"]]


def excepted() -> list[tuple[str, str]]:
    """Imports that the contract does not look at: patterns of who imports and of what."""
    pairs = (rule.split("->") for rule in contract().get("ignore_imports", []))
    return [(short(importer), short(module).replace("**", "*")) for importer, module in pairs]


def files(room: str) -> list[Path]:
    """The sources of a room: a package's, or one file."""
    path = PACKAGE.joinpath(*room.split("."))
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def subject(file: Path) -> str:
    """The first paragraph of a file's docstring."""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split()).replace("``", "`")


def imported(file: Path) -> set[str]:
    """The modules of the package that a file imports anywhere, with the names it takes; exceptions are left out."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    own = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
    # What is taken from a module has a name of its own here.
    left_out = [each for by, module in excepted() if fnmatchcase(own, by) for each in (module, f"{module}.*")]
    names = {short(name) for name in found if name.startswith("dstc_isa.")}
    return {name for name in names if not any(fnmatchcase(name, each) for each in left_out)}


def home(module: str, rooms: list[str]) -> str | None:
    """The room that a module is in, the innermost of several."""
    inside = [room for room in rooms if module == room or module.startswith(f"{room}.")]
    return max(inside, key=len, default=None)


def arrows(rooms: list[str]) -> list[tuple[str, str]]:
    """Who imports whom, without what follows from two or more other arrows."""
    uses: dict[str, set[str]] = {room: set() for room in rooms}
    for room in rooms:
        for file in files(room):
            names = (home(module, rooms) for module in imported(file))
            uses[room] |= {name for name in names if name is not None and name != room}

    def reached(room: str) -> set[str]:
        return uses[room].union(*(reached(other) for other in uses[room]))

    return [
        (room, other)
        for room in rooms
        for other in sorted(uses[room])
        if not any(other in reached(between) for between in uses[room] - {other})
    ]


def picture() -> str:
    """The rooms as a Mermaid diagram."""
    rows = floors()
    rooms = [room for row in rows for room in row]
    lines = ["```mermaid", "flowchart TB"]
    lines += [f'    {room.replace(".", "_")}["{room}"]' for room in rooms]
    lines += [f"    {a.replace('.', '_')} --> {b.replace('.', '_')}" for a, b in arrows(rooms)]
    return "\n".join([*lines, "```", ""])


def subjects() -> str:
    """What each room is about, from the top floor down, and then the files that every room may use."""
    rows = floors()
    rooms = [room for row in rows for room in row]
    lines = [f"- `{room}`: {subject(next(iter(sorted(files(room), key=depth))))}" for room in rooms]
    shared = [file for file in sorted(PACKAGE.glob("*.py")) if not file.stem.startswith("__")]
    lines += ["", "Files that stand beside the rooms, for all of them:", ""]
    lines += [f"- `{file.stem}`: {subject(file)}" for file in shared if file.stem not in rooms]
    return "\n".join([*lines, ""])


def depth(file: Path) -> tuple[int, bool]:
    """The order in which files tell what a room is about: its own first."""
    return len(file.parts), file.name != "__init__.py"


def main() -> int:
    """Write the page, or check it."""
    text = PAGE.read_text(encoding="utf-8")
    current = PARTS.sub(lambda part: part[1] + (picture() if part[2] == "picture" else subjects()), text)
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(current, encoding="utf-8")
    elif current != text:
        print("docs/architecture.md is not current: run python docs/architecture.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
