"""The compiled interpreter: what it depends on, how it is loaded, and compiled where nothing is kept.

Numba does not see a change in a callee of another file, so what is kept is named by a hash of everything that the
machine code is made from.
"""

import hashlib
import importlib.metadata
import linecache
import os
import platform
import secrets
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import asdict, frozen
from llvmlite.binding import get_host_cpu_name

import dstc_isa.engine
import dstc_isa.isa
from dstc_isa.cache_directory import VARIABLE, cache_directory, made_once
from dstc_isa.engine.compiled import generate
from dstc_isa.engine.compiled.compiler_process import compile_apart
from dstc_isa.engine.compiled.kept_code import FOLDER, KeptCode
from dstc_isa.isa.instruction import REGISTRY

TYPICAL_SECONDS = "20 to 60 seconds"
_STARTED, _ALONE = time.time(), secrets.token_bytes()


def fingerprint(packages: tuple[str, ...] = ()) -> str:
    """Hash of the sources, versions and the CPU that the machine code depends on; ``packages`` besides the engine's.

    It is this process's alone if a source has changed since the process began, which runs something else than the
    files then say.
    """
    digest = hashlib.sha256()
    sources = (dstc_isa.isa, dstc_isa.engine, *(importlib.import_module(p) for p in packages))
    files = [p for package in sources for p in Path(package.__path__[0]).rglob("*.py")]
    if any(_STARTED < path.stat().st_mtime <= time.time() for path in files):
        digest.update(_ALONE)
    called = [function for d in REGISTRY for function in (d.function, *d.fetchers)]
    extensions = [Path(sys.modules[function.__module__].__file__ or "") for function in called]
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
    kept = _kept(entry)
    if kept.there():
        return _function(entry, kept)
    # One lock for all entry points: what they share is made once as well.
    with made_once(f"{FOLDER}/{fingerprint()}", lambda: say("another process compiles the engine; waiting for it ...")):
        if kept.there():
            return _function(entry, kept)
        say(f"compiling the engine for this CPU, once ({TYPICAL_SECONDS}) ...")
        started = time.perf_counter()
        compile_apart(entry, fingerprint(entry.packages))
        function = _function(entry, kept)
        say(f"compiled in {time.perf_counter() - started:.1f} s; {_whereabouts(kept)}")
        return function


def compile_here(entry: Entry) -> None:
    """Compile an entry point in this process, and keep it."""
    _function(entry, _kept(entry))


def _kept(entry: Entry) -> KeptCode:
    return KeptCode(f"{entry.name}-{fingerprint(entry.packages)}")


def _whereabouts(kept: KeptCode) -> str:
    place = kept.place()
    if place is not None:
        return f"kept in {place}"
    reason = "" if kept.failure is None else f": {kept.failure.strerror}"
    return f"it cannot be kept in {cache_directory()}{reason}; set {VARIABLE} to a directory that can be written"


def _function(entry: Entry, kept: KeptCode) -> Any:
    """The compiled function, from what is kept or compiled here."""
    from numba.core.errors import NumbaError, UnsupportedBytecodeError

    from dstc_isa.engine.compiled.compile_error import semantics_error
    from dstc_isa.engine.compiled.warp_functions import register_all

    register_all()
    interpreter = f"dstc_engine_{fingerprint()}"
    source = generate.source()
    run_warp = _module(interpreter, source).run_warp
    run_warp._cache = KeptCode(f"run_warp-{fingerprint()}")
    name = f"dstc_{entry.name}_{fingerprint(entry.packages)}"
    function = getattr(_module(name, generate.ENTRY.format(interpreter=interpreter, **asdict(entry))), entry.name)
    function._cache = kept
    try:
        function.compile("void(int64)")
    except (NumbaError, UnsupportedBytecodeError) as error:
        raise semantics_error(error, file_name(interpreter), source) from error
    return function


def file_name(module: str) -> str:
    """The name of a generated module in messages; there is no file."""
    return f"<{module}>"


def _module(name: str, source: str) -> ModuleType:
    """A module of this text, made once."""
    if name not in sys.modules:
        module = ModuleType(name)
        file = file_name(name)
        # Where Numba looks for lines to show.
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        sys.modules[name] = module
        exec(compile(source, file, "exec"), module.__dict__)
    return sys.modules[name]
