"""Test session set-up: the compiled engine is built once, before workers start that would each build it.

With DSTC_MUTANT set, only the outcome counts: engines are built when a test asks for them, and nothing is shrunk.
With --without-engine none is built: what would need one is skipped, and so is what is marked ``engine``, which needs
one in another process, and ``slow``.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import Phase, settings

MUTANT = bool(os.environ.get("DSTC_MUTANT"))
MOST_WORKERS = 8
"""Workers take some 500 MB each."""

COMPILERS = 2
"""Processes that compile at once: each takes some 600 MB."""

settings.register_profile(
    "dstc",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    phases=(Phase.explicit, Phase.generate) if MUTANT else tuple(Phase),
)
settings.load_profile("dstc")


def pytest_xdist_auto_num_workers() -> int:
    """Workers of ``-n auto``: the cores that this process may use, as far as memory goes."""
    from dstc_isa.host_threads import host_threads

    return min(host_threads(), MOST_WORKERS)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--without-engine", action="store_true", help="skip tests that need compiled code, and slow ones")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--without-engine"):
        refuse_engines()
    elif not MUTANT and not hasattr(config, "workerinput"):
        make_engines()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.config.getoption("--without-engine"):
        for mark in ("engine", "slow"):
            if item.get_closest_marker(mark):
                pytest.skip(mark)


def refuse_engines() -> None:
    """Skip a test at the point where it would load compiled code."""
    from dstc_isa.engine.compiled import cache

    def refuse(*_: Any) -> None:
        pytest.skip("needs compiled code", allow_module_level=True)

    cache.load = refuse  # type: ignore[assignment]


def make_engines() -> None:
    """Put the engine's machine code into the cache, where a worker of pytest-xdist finds it."""
    from dstc_isa.engine.compiled import cache
    from dstc_isa.engine.compiled.compiler_process import compile_apart
    from dstc_isa.engine.compiled.kept_code import KeptCode
    from dstc_isa.engine.compiled.tracking import COMPARE
    from dstc_isa.engine.compiled.workers import RUN_WORKER
    from dstc_isa.timing.timed_code import RUN_TASK, WATCHED_TASK
    from dstc_isa.trace.stepper import RUN_STEP

    def fill(entry: cache.Entry) -> None:
        fingerprint = cache.fingerprint(entry.packages)
        if not KeptCode(f"{entry.name}-{fingerprint}").there():
            print(f"compiling {entry.name} ...", flush=True)
            compile_apart(entry, fingerprint)

    fill(RUN_WORKER)  # The interpreter in it is shared by the others.
    with ThreadPoolExecutor(COMPILERS) as pool:
        list(pool.map(fill, (WATCHED_TASK, RUN_TASK, RUN_STEP, COMPARE)))
