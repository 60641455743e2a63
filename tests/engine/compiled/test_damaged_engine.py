"""A file of the kept engine, damaged: it alone is compiled anew, and results are right.

The file is that of the smallest entry point, which a run on two threads needs.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dstc_isa import cache_directory
from dstc_isa.engine.compiled import cache
from dstc_isa.engine.compiled.tracking import COMPARE
from dstc_isa.engine.compiled.workers import RUN_WORKER

pytestmark = pytest.mark.engine

PROGRAM = """
import sys
import numpy as np
import dstc_isa
x = np.arange(70, dtype=np.float32)
y = np.ones(70, np.float32)
given = dict(grid=3, block=32, gpu=None, threads=2, x=x, y=y, a=2.0, n=70)
dstc_isa.run(sys.argv[1], announce=lambda text: print(text, file=sys.stderr), **given)
np.save(sys.argv[2], y)
"""
HELLO = Path(__file__).parents[3] / "programs" / "hello.dasm"


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    """The smallest file of an engine in a cache directory of its own."""
    for entry in (RUN_WORKER, COMPARE):
        cache.load(entry, print)
    of = cache.fingerprint()
    place = tmp_path / "cache" / "engine"
    place.mkdir(parents=True)
    for name in ("run_worker", "compare"):
        kept = cache_directory.kept_place(f"engine/{name}-{of}.code")
        assert kept is not None
        shutil.copy(kept / "engine" / f"{name}-{of}.code", place)
    return place / f"compare-{of}.code"


def ran(directory: Path) -> str:
    """Run a kernel in a process of its own and check what it computed; what was said."""
    environment = {**os.environ, cache_directory.VARIABLE: str(directory / "cache")}
    command = [sys.executable, "-c", PROGRAM, str(HELLO), str(directory / "y.npy")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    np.testing.assert_array_equal(np.load(directory / "y.npy"), 2 * np.arange(70, dtype=np.float32) + 1)
    (directory / "y.npy").unlink()
    return ended.stderr


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1000]),
    "emptied": lambda path: path.write_bytes(b""),
    "foreign": lambda path: path.write_bytes(b"\x7fELF" + bytes(1 << 20)),
    "a directory": directory,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_engine_is_made_again(engine: Path, tmp_path: Path, damage: str) -> None:
    assert ran(tmp_path) == ""
    DAMAGES[damage](engine)
    assert "compiling the engine for this CPU, once" in ran(tmp_path)
    assert ran(tmp_path) == ""
