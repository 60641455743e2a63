"""Instructions declared outside the package, in a file of the user's."""

import importlib.util
import sys
from pathlib import Path

from dstc_isa.isa.instruction import DeclarationError


class ExtensionError(ValueError):
    """A file of instruction declarations that cannot be used; the message says why."""


def load_extension(path: Path) -> None:
    """Run a Python file that declares instructions with ``isa.instruction``; once per file.

    Call it before any program is assembled or loaded. Raises ExtensionError.
    """
    name = f"dstc_isa_extension_{path.stem}"
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ExtensionError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (DeclarationError, SyntaxError, ImportError, NameError, TypeError, ValueError) as error:
        del sys.modules[name]
        raise ExtensionError(f"{path}: {type(error).__name__}: {error}") from error
