"""``dstc-emu cache``: what is kept between runs, and room made again."""

import argparse
from pathlib import Path
from typing import Any

from dstc_isa.cli.status import Status
from dstc_isa.cli.terminal import show


def add_cache_command(commands: Any) -> None:
    """Add the command to the parser's commands."""
    command = commands.add_parser("cache", help="show what is kept between runs, or remove it")
    command.add_argument("--clear", action="store_true", help="remove all of it; what is needed is made again")
    command.set_defaults(run=run_cache)


def run_cache(options: argparse.Namespace) -> int:
    """Run the command."""
    from dstc_isa.cache_directory import VARIABLE, cache_directory, clear, kept_files

    if options.clear:
        removed = clear()
        show(f"removed {len(removed)} files from {cache_directory()}")
        return Status.DONE
    show(f"{cache_directory()} (set {VARIABLE} to have it elsewhere)")
    files = kept_files()
    if files:
        show(_table(files))
    else:
        show("nothing is kept; the first run compiles the engine")
    return Status.DONE


def _table(files: list[Path]) -> Any:
    """A row for each folder."""
    from rich.table import Table

    from dstc_isa.host_memory import in_words

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("folder", no_wrap=True)
    for heading in ("files", "size"):
        table.add_column(heading, justify="right")
    for folder in dict.fromkeys(path.parent for path in files):
        sizes = [path.stat().st_size for path in files if path.parent == folder]
        table.add_row(str(folder), f"{len(sizes):,}", in_words(sum(sizes)))
    table.add_row("all", f"{len(files):,}", in_words(sum(path.stat().st_size for path in files)))
    return table
