"""The compiled printer of the package's instructions, kept under a hash of what it is made from."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import MAGIC_NUMBER

from dstc_isa.cache_directory import keep, read_kept
from dstc_isa.listing.printer import Printer, unpacked

FOLDER = "printers"
PACKAGE = os.path.dirname(os.path.dirname(__file__))
SOURCES = ("isa", "units", "listing")
"""Folders with everything that declares an instruction or a text."""


def kept_printer(name: str) -> Printer | None:
    """The printer that was kept under a name; None if none was."""
    data = read_kept(name) if name else None
    return None if data is None else unpacked(data)


def keep_printer(name: str, printer: Printer) -> None:
    """Keep a printer if it can be kept, and if the name is still that of the sources."""
    if name and name == printer_name():
        with suppress(OSError):
            keep(name, printer.packed())


def printer_name() -> str:
    """The name of what is made from the sources as they are, in this version of Python; empty if they are not there."""
    digest = hashlib.sha256(MAGIC_NUMBER)
    try:
        for folder in SOURCES:
            paths = sorted(_sources(os.path.join(PACKAGE, folder)))
            if not paths:
                return ""
            for path in paths:
                with open(path, "rb") as file:
                    digest.update(path.encode() + file.read())
    except OSError:
        return ""
    return f"{FOLDER}/{digest.hexdigest()[:16]}.kept"


def _sources(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                yield entry.path
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _sources(entry.path)
