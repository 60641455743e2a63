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
from functools import cache
from pathlib import Path
from typing import Any

from llvmlite.binding import get_host_cpu_name

import dstc_isa.engine
import dstc_isa.isa
from dstc_isa.cache_directory import cache_directory
from dstc_isa.engine.compiled import generate
from dstc_isa.isa.instruction import REGISTRY

TYPICAL_SECONDS = "20 to 60 seconds"


def fingerprint() -> str:
    """Hash of the sources, versions and the CPU that the machine code depends on."""
    digest = hashlib.sha256()
    files = [p for package in (dstc_isa.isa, dstc_isa.engine) for p in Path(package.__path__[0]).rglob("*.py")]
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


def module_file(name: str) -> Path:
    """Where the generated module lies, written if it is not there; a temporary place if the cache is read-only."""
    for base in (cache_directory, temporary_directory):
        try:
            path = base() / name / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                temporary = path.with_suffix(f".{os.getpid()}")
                temporary.write_text(generate.source(), encoding="utf-8")
                temporary.replace(path)
        except OSError:
            continue
        return path
    raise OSError(f"cannot write the engine's cache in {cache_directory()}; set DSTC_CACHE_DIR to a writable directory")


_loaded: dict[int, Any] = {}
_loading = threading.Lock()


def load(announce: Callable[[str], None] | None = None) -> Any:
    """The compiled ``run_worker`` function; compiles on first use and says so through ``announce``.

    It is loaded anew when further instructions have been declared. Raises SemanticsError if an instruction's
    semantics cannot be compiled.
    """
    with _loading:
        if len(REGISTRY) not in _loaded:
            _loaded[len(REGISTRY)] = _load(announce)
        return _loaded[len(REGISTRY)]


def _load(announce: Callable[[str], None] | None) -> Any:
    from numba.core.errors import NumbaError, UnsupportedBytecodeError

    from dstc_isa.engine.compiled.compile_error import semantics_error
    from dstc_isa.engine.compiled.warp_functions import register_all

    name = f"dstc_engine_{fingerprint()}"
    path = module_file(name)
    say = announce or (lambda text: None)
    fresh = not any(path.parent.glob("__pycache__/*.nbi"))
    if fresh:
        say(f"compiling the engine for this CPU, once ({TYPICAL_SECONDS}) ...")
    started = time.perf_counter()
    register_all()
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    try:
        module.run_worker.compile("void(int64)")
    except (NumbaError, UnsupportedBytecodeError) as error:
        raise semantics_error(error, path) from error
    if fresh:
        say(f"compiled in {time.perf_counter() - started:.1f} s; kept in {path.parent}")
    return module.run_worker
