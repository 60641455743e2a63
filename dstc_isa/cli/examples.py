"""``dstc-emu examples``: the files that the documentation and the help name, listed or copied."""

import argparse
import os
import re
from pathlib import Path
from typing import Any

from dstc_isa.cli.arguments import InputError
from dstc_isa.cli.status import Status
from dstc_isa.cli.terminal import show
from dstc_isa.program_files import example_directory, program_directory
from dstc_isa.whole_file import write_whole

PROGRAM = "hello.dasm"
NOTES = "README.md"
EXAMPLE = """example:
  dstc-emu examples --copy examples
  dstc-emu spgemm examples/poisson.mtx examples/prolongation.mtx -o product.npy
"""
_COMMENT = re.compile(r"^%(?!%)\s*(.+)$|//\s*(.+)$", re.MULTILINE)


def add_examples_command(commands: Any) -> None:
    """Add the command to the parser's commands."""
    command = commands.add_parser(
        "examples",
        help="list the example kernels and matrices, or copy them",
        epilog=EXAMPLE,
    )
    command.add_argument(
        "--copy", type=Path, metavar="DIR", help="copy all of them to a directory, which is made; replaces no file"
    )
    command.set_defaults(run=run_examples)


def run_examples(options: argparse.Namespace) -> int:
    """Run the command."""
    shown = [path for path in example_files() if path.name != NOTES]
    if options.copy is None:
        width = max(len(path.name) for path in shown)
        for path in shown:
            show(f"{path.name:{width}}  {subject(path)}")
        show("\n--copy DIR copies them")
        return Status.DONE
    for path in copy_examples(options.copy):
        show(str(path))
    return Status.DONE


def example_files() -> list[Path]:
    """The files, by name."""
    own = (path for path in example_directory().iterdir() if path.is_file() and not path.name.startswith("."))
    return sorted([*own, program_directory() / PROGRAM], key=lambda path: path.name)


def subject(path: Path) -> str:
    """What an example is: its first comment."""
    match = _COMMENT.search(path.read_text(encoding="utf-8"))
    return (match[1] or match[2]).rstrip(".") if match else ""


def copy_examples(place: Path) -> list[Path]:
    """Copy all of them to a directory; returns the new files. Raises InputError, with nothing copied, if one exists."""
    sources = example_files()
    targets = [place / path.name for path in sources]
    there = [str(target) for target in targets if os.path.lexists(target)]
    if there:
        raise InputError(f"{', '.join(there)} exists already: nothing is copied; name another directory")
    place.mkdir(parents=True, exist_ok=True)
    for source, target in zip(sources, targets, strict=True):
        write_whole(target, source.read_bytes())
    return targets
