"""Compilation in a process of its own: Ctrl-C ends it at once, which within LLVM it would not.

The process leaves what it made with the kept code, ends when whoever started it does, and says nothing.
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import asdict

from dstc_isa.isa.extension import load_extension
from dstc_isa.isa.identity import EXTENSION_PREFIX
from dstc_isa.isa.instruction import REGISTRY

if TYPE_CHECKING:
    from dstc_isa.engine.compiled.cache import Entry

# Read before anything of the package is imported: it must come from where it comes from here.
START = "import json, sys; sys.path[:] = json.loads(input()); "
PROGRAM = f"{START}from dstc_isa.engine.compiled.compiler_process import main; sys.exit(main())"
OTHER_ENGINE = 3


def compile_apart(entry: "Entry", fingerprint: str) -> bool:
    """Compile an entry point and keep it; whether that was done.

    It is not where instructions were declared in a way that cannot be repeated, or where no process can be started.
    """
    extensions = _extensions()
    if extensions is None or not sys.executable:
        return False
    job = {"entry": asdict(entry), "extensions": extensions, "fingerprint": fingerprint}
    try:
        process = subprocess.Popen(
            # -P: the working directory is no place of modules.
            [sys.executable, "-P", "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    try:
        assert process.stdin is not None
        process.stdin.write(f"{json.dumps(sys.path)}\n{json.dumps(job)}\n".encode())
        process.stdin.flush()
        return process.wait() == 0
    except BrokenPipeError:
        return False
    finally:
        process.kill()
        process.wait()
        # Closed last: its end is what tells the process that nobody waits.
        _close(process)


def _close(process: "subprocess.Popen[bytes]") -> None:
    try:
        if process.stdin is not None:
            process.stdin.close()
    except BrokenPipeError:
        pass


def _extensions() -> list[str] | None:
    """The files of declarations outside the package, in order; None if some did not come from a file."""
    found: list[str] = []
    for declaration in REGISTRY:
        name = declaration.function.__module__
        file = sys.modules[name].__file__ if name in sys.modules else None
        if name.startswith("dstc_isa.isa."):
            continue
        if not name.startswith(EXTENSION_PREFIX) or file is None:
            return None
        if file not in found:
            found.append(file)
    return found


def main() -> int:
    """What the process does."""
    from dstc_isa.engine.compiled import cache

    job = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_other, daemon=True).start()
    for path in job["extensions"]:
        load_extension(Path(path))
    entry = cache.Entry(**{**job["entry"], "packages": tuple(job["entry"]["packages"])})
    if cache.fingerprint(entry.packages) != job["fingerprint"]:
        return OTHER_ENGINE
    cache.compile_here(entry)
    return 0


def _end_with_the_other() -> None:
    sys.stdin.read()
    os._exit(1)
