"""Programs that come with the package: assembled once, then kept as objects in the user's cache."""

import hashlib
import time
from functools import cache
from pathlib import Path

from dstc_isa.cache_directory import cache_directory, make_room
from dstc_isa.gpu import Gpu, GpuError, load_gpu
from dstc_isa.gpu.schema import Timetable
from dstc_isa.isa.volta import VOLTA
from dstc_isa.object import ObjectError, read_object, write_object
from dstc_isa.object.load import load_file
from dstc_isa.program import Program
from dstc_isa.program_files import program_directory
from dstc_isa.whole_file import write_whole

PACKAGES = ("assembler", "diagnostics", "gpu", "isa", "listing", "object", "schedule", "syntax", "units")
"""What an object is made by, with the modules beside them: a change in these makes the kept ones useless."""

_started = time.time()

_loaded: dict[tuple[str, Timetable], Program] = {}


def load_shipped(name: str, gpu: Gpu | None = None) -> Program:
    """One of the programs that come with the package, for a GPU's timetable; GpuError if it executes other ones."""
    gpu = gpu or load_gpu()
    if gpu.isa is not VOLTA:
        raise GpuError(f"GPU {gpu.name} executes {gpu.isa.name}, and the programs of the package are of {VOLTA.name}")
    key = (name, gpu.timetable)
    if key not in _loaded:
        _loaded[key] = _kept(name, gpu)
    return _loaded[key]


def _kept(name: str, gpu: Gpu) -> Program:
    path = _kept_file(name, gpu.timetable)
    # It says itself what it is, whatever a file is called.
    head = path.name.encode()
    try:
        data = path.read_bytes()
        if data.startswith(head):
            return read_object(data.removeprefix(head))
    except (OSError, ObjectError):
        pass
    program = load_file(program_directory() / name, gpu=gpu)
    if any(source.stat().st_mtime > _started for source in _source_files()):
        return program  # Made by, or of, something else than what the name says.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, head + write_object(program))
        make_room(path.parent)
    except OSError:
        pass  # A cache that cannot be written makes the next start slower, no more.
    return program


def _kept_file(name: str, timetable: Timetable) -> Path:
    digest = hashlib.sha256(f"{_sources()} {timetable!r}".encode()).hexdigest()[:16]
    return cache_directory() / "programs" / f"{Path(name).stem}-{digest}.kept"


@cache
def _sources() -> str:
    """Hash of the programs, where they lie, which their line tables say, and what assembles them."""
    digest = hashlib.sha256(str(program_directory()).encode())
    for path in _source_files():
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _source_files() -> list[Path]:
    package = Path(__file__).resolve().parents[1]
    files = [path for part in PACKAGES for path in (package / part).rglob("*") if path.suffix in (".py", ".lark")]
    return sorted([*files, *package.glob("*.py"), *program_directory().rglob("*.dasm")])
