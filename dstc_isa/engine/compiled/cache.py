"""The compiled interpreter on disk: where it lives, what it depends on, how it is loaded.

Numba does not see a change in a callee of another file, so the cache directory is named by a hash of
everything the machine code is made from.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import asdict, frozen
from llvmlite.binding import get_host_cpu_name

import dstc_isa.engine
import dstc_isa.isa
from dstc_isa.cache_directory import cache_directory
from dstc_isa.engine.compiled import generate
from dstc_isa.isa.instruction import REGISTRY

TYPICAL_SECONDS = "20 to 60 seconds"


def fingerprint(packages: tuple[str, ...] = ()) -> str:
    """Hash of the sources, versions and the CPU that the machine code depends on; ``packages`` besides the engine's."""
    digest = hashlib.sha256()
    sources = (dstc_isa.isa, dstc_isa.engine, *(importlib.import_module(p) for p in packages))
    files = [p for package in sources for p in Path(package.__path__[0]).rglob("*.py")]
    extensions = [Path(sys.modules[d.function.__module__].__file__ or "") for d in REGISTRY]
    for path in sorted({*files, *extensions}):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    for package in ("numba", "llvmlite", "numpy"):
        digest.update(importlib.metadata.version(package).encode())
    chosen = [os.environ.get(name, "") for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")]
    digest.update(f"{sys.version_info[:2]} {platform.machine()} {host_cpu()} {chosen}".encode())
    return digest.hexdigest()[:16]


def host_cpu() -> str:
    """The name LLVM has for this machine's CPU."""
    return str(get_host_cpu_name())


@cache
def temporary_directory() -> Path:
    """A directory for this process alone, for when the cache cannot be written."""
    return Path(tempfile.mkdtemp(prefix="dstc_isa-"))


@frozen
class Entry:
    """An entry point around the interpreter: ``factory`` of ``module`` makes it from ``run_warp``.

    Its argument is the address of a record that ``view``, found in ``records``, gives names to. ``packages``: those
    whose sources it is made from beside the interpreter's.
    """

    name: str
    module: str
    factory: str
    view: str
    records: str = "dstc_isa.engine.compiled.records"
    packages: tuple[str, ...] = ()


def module_file(name: str, text: Callable[[], str]) -> Path:
    """Where a generated module lies, written if it is not there; a temporary place if the cache is read-only."""
    for base in (cache_directory, temporary_directory):
        try:
            path = base() / name / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                temporary = path.with_suffix(f".{os.getpid()}")
                temporary.write_text(text(), encoding="utf-8")
                temporary.replace(path)
        except OSError:
            continue
        return path
    raise OSError(f"cannot write the engine's cache in {cache_directory()}; set DSTC_CACHE_DIR to a writable directory")


_loaded: dict[tuple[Entry, int], Any] = {}
_loading = threading.Lock()


def load(entry: Entry, announce: Callable[[str], None] | None = None) -> Any:
    """The compiled function of an entry point; compiles on first use and says so through ``announce``.

    It is loaded anew when further instructions have been declared. Raises SemanticsError if an instruction's
    semantics cannot be compiled.
    """
    with _loading:
        key = (entry, len(REGISTRY))
        if key not in _loaded:
            _loaded[key] = _load(entry, announce or (lambda text: None))
        return _loaded[key]


def _load(entry: Entry, say: Callable[[str], None]) -> Any:
    from numba.core.errors import NumbaError, UnsupportedBytecodeError

    from dstc_isa.engine.compiled.compile_error import semantics_error
    from dstc_isa.engine.compiled.warp_functions import register_all

    interpreter = f"dstc_engine_{fingerprint()}"
    path = module_file(interpreter, generate.source)
    name = f"dstc_{entry.name}_{fingerprint(entry.packages)}"
    text = partial(generate.ENTRY.format, interpreter=interpreter, **asdict(entry))
    entry_path = module_file(name, text)
    fresh = not any(entry_path.parent.glob("__pycache__/*.nbi"))
    if fresh:
        say(f"compiling the engine for this CPU, once ({TYPICAL_SECONDS}) ...")
    started = time.perf_counter()
    register_all()
    _import(interpreter, path)
    module = _import(name, entry_path)
    function = getattr(module, entry.name)
    try:
        function.compile("void(int64)")
    except (NumbaError, UnsupportedBytecodeError) as error:
        raise semantics_error(error, path) from error
    if fresh:
        say(f"compiled in {time.perf_counter() - started:.1f} s; kept in {entry_path.parent.parent}")
    return function


def _import(name: str, path: Path) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
