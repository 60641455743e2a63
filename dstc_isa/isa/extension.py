"""Instructions and units declared outside the package, in a file of the user's."""

import importlib.util
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path

from dstc_isa.errors import DstcError
from dstc_isa.isa.effects import EffectError
from dstc_isa.isa.identity import EXTENSION_PREFIX
from dstc_isa.isa.instruction_set import check_use, forget_beyond, known
from dstc_isa.options import check_name

PACKAGE = "__init__.py"

LOADED: list[Path] = []
"""Files and folders that have been loaded, in order, on which the numbers of instructions and units depend."""


_loaded: dict[Path, dict[Path, bytes]] = {}
"""What they held then."""


class ExtensionError(DstcError, ValueError):
    """A file of instruction declarations that cannot be used.

    ``reason`` says why; ``line`` is the line of the file that caused it, 0 if there is none.
    """

    def __init__(self, path: Path, reason: str, line: int = 0) -> None:
        self.path, self.reason, self.line = path, reason, line
        super().__init__(f"{path}:{line}: {reason}" if line else f"{path}: {reason}")


def load_extension(path: str | os.PathLike[str]) -> None:
    """Run a Python file, or a package's folder, that declares instructions and units; once per file.

    Call it before any program is assembled or loaded. Raises ExtensionError; nothing of the file is declared then.
    """
    check_name("path", path, (str, os.PathLike), "a file's name")
    path = Path(path)
    name = EXTENSION_PREFIX + path.stem
    file = path / PACKAGE if (path / PACKAGE).is_file() else path
    if name in sys.modules:
        loaded = sys.modules[name].__file__
        if loaded != str(file.resolve()):
            raise ExtensionError(path, f"{loaded} has the same name and is loaded already: rename one of them")
        if _contents(path) != _loaded[path.resolve()]:
            raise ExtensionError(path, "it has changed since it was loaded: start Python anew")
        return
    try:
        with file.open("rb"):
            pass
    except (OSError, ValueError) as error:
        raise ExtensionError(path, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if file.suffix != ".py":
        raise ExtensionError(path, "not a Python file: expected the name of a .py file that declares instructions")
    folders = [str(path.resolve())] if file != path else None
    spec = importlib.util.spec_from_file_location(name, file.resolve(), submodule_search_locations=folders)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    before, loaded_before = [isa.contents() for isa in known()], len(LOADED)
    read = _contents(path)
    try:
        with _no_files():
            spec.loader.exec_module(module)
        for isa, (declared, _) in zip(known(), chain(before, repeat((0, 0))), strict=False):
            for declaration in isa.declarations[declared:]:
                check_use(declaration)
    except BaseException as error:
        _forget_modules(name)
        for loaded_by_it in LOADED[loaded_before:]:
            _forget_modules(EXTENSION_PREFIX + loaded_by_it.stem)
            del _loaded[loaded_by_it]
        del LOADED[loaded_before:]
        forget_beyond(before)
        if not isinstance(error, Exception | SystemExit):
            raise
        if isinstance(error, EffectError):
            raise ExtensionError(Path(error.file), error.reason, error.line) from error
        raise ExtensionError(path, f"{type(error).__name__}: {error}", _line(error, file)) from error
    LOADED.append(path.resolve())
    _loaded[path.resolve()] = read


def _forget_modules(name: str) -> None:
    """Let neither a module nor those inside it be imported."""
    for each in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
        del sys.modules[each]


@contextmanager
def _no_files() -> Iterator[None]:
    """Nothing is written beside a file of the user's."""
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = written


def _contents(path: Path) -> dict[Path, bytes]:
    """What an extension's files hold; empty if they cannot be read."""
    try:
        return {file: file.read_bytes() for file in (path.rglob("*.py") if path.is_dir() else [path])}
    except OSError:
        return {}


def _line(error: BaseException, path: Path) -> int:
    """The last line of the file that was being executed, or the one that could not be parsed."""
    if isinstance(error, SyntaxError):
        return error.lineno or 0
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno or 0 for frame in reversed(frames) if frame.filename == str(path.resolve())), 0)
