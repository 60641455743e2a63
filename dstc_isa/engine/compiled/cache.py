"""The compiled interpreter: what it depends on, how it is loaded, and compiled where nothing is kept.

Numba does not see a change in a callee of another file, so what is kept is named by a hash of everything that the
machine code is made from.
"""

import hashlib
import importlib
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

from attrs import asdict, evolve, frozen
from llvmlite.binding import get_host_cpu_name

import dstc_isa.engine
import dstc_isa.isa
import dstc_isa.units
from dstc_isa.cache_directory import VARIABLE, cache_directory, made_once
from dstc_isa.engine.code_rows import foreign, shipped
from dstc_isa.engine.compiled import generate
from dstc_isa.engine.compiled.compiler_process import compile_apart
from dstc_isa.engine.compiled.kept_code import FOLDER, KeptCode
from dstc_isa.isa.extension import LOADED
from dstc_isa.isa.identity import values
from dstc_isa.isa.instruction_set import Isa, isa_named, known

TYPICAL_SECONDS = "20 to 60 seconds"
FOREIGN_SECONDS = "some seconds"
_STARTED, _ALONE = time.time(), secrets.token_bytes()


def fingerprint(packages: tuple[str, ...] = (), foreign: bool = False) -> str:
    """Hash of the sources, versions and the CPU that the machine code depends on; ``packages`` besides the engine's.

    ``foreign``: also of the files of the user's that declare instructions and units. It is this process's alone if a
    source has changed since the process began, which runs something else than the files then say.
    """
    digest = hashlib.sha256()
    sources = (dstc_isa.isa, dstc_isa.units, dstc_isa.engine, *(importlib.import_module(p) for p in packages))
    files = [p for package in sources for p in Path(package.__path__[0]).rglob("*.py")]
    if foreign:
        files += foreign_files()
    if any(_STARTED < path.stat().st_mtime <= time.time() for path in files):
        digest.update(_ALONE)
    for path in sorted(set(files)):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    for package in ("numba", "llvmlite", "numpy"):
        digest.update(importlib.metadata.version(package).encode())
    chosen = [os.environ.get(name, "") for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")]
    digest.update(f"{sys.version_info[:2]} {platform.machine()} {host_cpu()} {chosen}".encode())
    return digest.hexdigest()[:16]


def foreign_files() -> list[Path]:
    """The files that declare instructions and units outside the package, all of a folder that is a package."""
    declared = [sys.modules[d.function.__module__].__file__ for isa in known() for d in foreign(isa)]
    of_folders = [file for path in LOADED for file in (path.rglob("*.py") if path.is_dir() else [path])]
    return sorted({*of_folders, *(Path(file) for file in declared if file is not None)})


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
    records: str = "dstc_isa.engine.compiled.record_views"
    packages: tuple[str, ...] = ()


@frozen
class Foreign:
    """Code for what files of the user's declare: ``factory`` of ``module`` writes its text for ``isa``, by name.

    Its function ``name`` has so many 64-bit integers as ``arguments``; compiled code calls it at its address.
    """

    name: str
    module: str
    factory: str
    arguments: int
    packages: tuple[str, ...] = ()
    isa: str = ""


Code = Entry | Foreign
RUN_FOREIGN = Foreign("run_foreign", "dstc_isa.engine.compiled.generate", "foreign_source", 2)

_loaded: dict[tuple[Code, tuple[object, ...]], Any] = {}
_loading = threading.Lock()


def load(entry: Entry, announce: Callable[[str], None] | None = None) -> Any:
    """The compiled function of an entry point; compiles on first use and says so through ``announce``.

    Raises SemanticsError if an instruction's semantics cannot be compiled.
    """
    return _get(entry, (), announce)


def load_foreign(code: Foreign, isa: Isa, announce: Callable[[str], None] | None = None) -> int:
    """The address of code for the user's declarations in an instruction set; compiled anew when there are further ones.

    Raises SemanticsError if something of them cannot be compiled.
    """
    function = _get(evolve(code, isa=isa.name), (*isa.declarations, *isa.units), announce)
    (result,) = function.overloads.values()
    return int(result.library.get_pointer_to_function(result.fndesc.llvm_cfunc_wrapper_name))


def _get(code: Code, declared: tuple[object, ...], announce: Callable[[str], None] | None) -> Any:
    with _loading:
        if (code, declared) not in _loaded:
            _loaded[code, declared] = _load(code, announce or (lambda text: None))
        return _loaded[code, declared]


def _load(code: Code, say: Callable[[str], None]) -> Any:
    kept = _kept(code)
    if kept.there():
        return _function(code, kept)
    own = isinstance(code, Foreign)
    # One lock for all entry points: what they share is made once as well.
    lock = f"{FOLDER}/{code_fingerprint(code) if own else fingerprint()}"
    with made_once(lock, lambda: say("another process compiles the engine; waiting for it ...")):
        if kept.there():
            return _function(code, kept)
        what = ", ".join(path.name for path in foreign_files()) if own else "the engine"
        say(f"compiling {what} for this CPU, once ({FOREIGN_SECONDS if own else TYPICAL_SECONDS}) ...")
        started = time.perf_counter()
        compile_apart(code, code_fingerprint(code))
        function = _function(code, kept)
        say(f"compiled in {time.perf_counter() - started:.1f} s; {_whereabouts(kept)}")
        return function


def compile_here(code: Code) -> None:
    """Compile some code in this process, and keep it."""
    _function(code, _kept(code))


def code_fingerprint(code: Code) -> str:
    """The fingerprint of some code.

    That of the user's also by its text, whose numbers depend on the order of files, and by the values that it keeps.
    """
    if isinstance(code, Entry):
        return fingerprint(code.packages)
    kept = "".join(values(declaration) for declaration in foreign(isa_named(code.isa)))
    whole = fingerprint(code.packages, foreign=True) + _text(code) + kept
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def _text(code: Foreign) -> str:
    text: str = getattr(importlib.import_module(code.module), code.factory)(isa_named(code.isa))
    return text


def _kept(code: Code) -> KeptCode:
    return KeptCode(f"{code.name}-{code_fingerprint(code)}")


def _whereabouts(kept: KeptCode) -> str:
    place = kept.place()
    if place is not None:
        return f"kept in {place}"
    reason = "" if kept.failure is None else f": {kept.failure.strerror}"
    return f"it cannot be kept in {cache_directory()}{reason}; set {VARIABLE} to a directory that can be written"


def _function(code: Code, kept: KeptCode) -> Any:
    """The compiled function, from what is kept or compiled here."""
    from numba.core.errors import NumbaError, UnsupportedBytecodeError

    from dstc_isa.engine.compiled.compile_error import semantics_error
    from dstc_isa.engine.compiled.warp_functions import register_all

    register_all()
    name = f"dstc_{code.name}_{code_fingerprint(code)}"
    if isinstance(code, Foreign):
        guilty, signature = name, f"int64({', '.join(['int64'] * code.arguments)})"
        text = source = _text(code)
    else:
        guilty, signature = f"dstc_engine_{fingerprint()}", "void(int64)"
        source = generate.source()
        run_warp = generated(guilty, source).run_warp
        run_warp._cache = KeptCode(f"run_warp-{fingerprint()}")
        text = generate.ENTRY.format(interpreter=guilty, **asdict(code))
    function = getattr(generated(name, text), code.name)
    function._cache = kept
    try:
        function.compile(signature)
    except (NumbaError, UnsupportedBytecodeError) as error:
        declared = foreign(isa_named(code.isa)) if isinstance(code, Foreign) else shipped()
        raise semantics_error(error, file_name(guilty), source, declared) from error
    return function


def file_name(module: str) -> str:
    """The name of a generated module in messages; there is no file."""
    return f"<{module}>"


def generated(name: str, source: str) -> ModuleType:
    """A module of this text, made once."""
    if name not in sys.modules:
        module = ModuleType(name)
        file = file_name(name)
        # Where Numba looks for lines to show.
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        sys.modules[name] = module
        exec(compile(source, file, "exec"), module.__dict__)
    return sys.modules[name]
