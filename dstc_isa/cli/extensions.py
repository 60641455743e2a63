"""Files of ``--isa``: what they print goes where messages go, and into no result."""

import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from os import PathLike


def load_extensions(paths: Iterable[str | PathLike[str]]) -> None:
    """Load them in order; raises ExtensionError."""
    from dstc_isa.isa.extension import load_extension

    with redirect_stdout(sys.stderr):
        for path in paths:
            load_extension(path)
