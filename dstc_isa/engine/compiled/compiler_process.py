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

from dstc_isa.engine.code_rows import foreign
from dstc_isa.isa.extension import LOADED, load_extension
from dstc_isa.isa.identity import EXTENSION_PREFIX
from dstc_isa.isa.instruction_set import known

if TYPE_CHECKING:
    from dstc_isa.engine.compiled.cache import Code

# Read before anything of the package is imported: it must come from where it comes from here.
START = "import json, sys; sys.path[:] = json.loads(input()); "
PROGRAM = f"{START}from dstc_isa.engine.compiled.compiler_process import main; sys.exit(main())"
OTHER_ENGINE = 3
FOREIGN = "Foreign"
"""The kind of code that needs what files of the user's declare."""


def compile_apart(code: "Code", fingerprint: str) -> bool:
    """Compile some code and keep it; whether that was done.

    It is not where instructions were declared in a way that cannot be repeated, or where no process can be started.
    """
    extensions = _extensions() if type(code).__name__ == FOREIGN else []
    if extensions is None or not sys.executable:
        return False
    job = {"kind": type(code).__name__, "code": asdict(code), "extensions": extensions, "fingerprint": fingerprint}
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
    """The files and folders of declarations outside the package, in order; None if some did not come from one."""
    if all(d.function.__module__.startswith(EXTENSION_PREFIX) for isa in known() for d in foreign(isa)):
        return [str(path) for path in LOADED]
    return None


def main() -> int:
    """What the process does."""
    from dstc_isa.engine.compiled import cache

    job = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_other, daemon=True).start()
    for path in job["extensions"]:
        load_extension(Path(path))
    kind = {each.__name__: each for each in (cache.Entry, cache.Foreign)}[job["kind"]]
    code = kind(**{**job["code"], "packages": tuple(job["code"]["packages"])})
    if cache.code_fingerprint(code) != job["fingerprint"]:
        return OTHER_ENGINE
    cache.compile_here(code)
    return 0


def _end_with_the_other() -> None:
    sys.stdin.read()
    os._exit(1)
