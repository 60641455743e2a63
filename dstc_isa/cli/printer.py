"""The printer with which ``dstc-asm -d`` starts at once: kept by an earlier process, or made for later ones."""

import sys

from dstc_isa.cache_directory import writable_place
from dstc_isa.listing.kept_printer import keep_printer, kept_printer, printer_name
from dstc_isa.listing.printer import Printer

DECLARATIONS = "dstc_isa.isa"


class PrinterStore:
    """Where the printer of the package's instructions is kept."""

    def __init__(self) -> None:
        self._missing = ""

    def find(self) -> Printer | None:
        """The printer; None if there is none, or if declarations are loaded, among which the user's may be."""
        if DECLARATIONS in sys.modules:
            return None
        name = printer_name()
        printer = kept_printer(name)
        self._missing = "" if printer else name
        return printer

    def fill(self) -> None:
        """Make and keep a printer that was not found, if it can be kept: who needed it has printed without by then."""
        if self._missing and writable_place() is not None:
            from dstc_isa.isa.compiled_printer import compile_printer
            from dstc_isa.isa.volta import VOLTA

            keep_printer(self._missing, compile_printer(VOLTA))
