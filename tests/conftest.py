"""Test session set-up: the compiled engine is built once, before workers start that would each build it.

With DSTC_MUTANT set, only the outcome counts: engines are built when a test asks for them, and nothing is shrunk.
"""

import os

import pytest
from hypothesis import Phase, settings

MUTANT = bool(os.environ.get("DSTC_MUTANT"))

settings.register_profile(
    "dstc",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    phases=(Phase.explicit, Phase.generate) if MUTANT else tuple(Phase),
)
settings.load_profile("dstc")


def pytest_configure(config: pytest.Config) -> None:
    """Put the engine's machine code into the cache; a worker of pytest-xdist finds it there."""
    if not MUTANT and not hasattr(config, "workerinput"):
        from dstc_isa.engine.compiled import cache
        from dstc_isa.engine.compiled.machine import RUN_WORKER
        from dstc_isa.engine.compiled.tracking import COMPARE
        from dstc_isa.timing.machine import RUN_TASK, WATCHED_TASK
        from dstc_isa.trace.stepper import STEP

        for entry in (RUN_WORKER, COMPARE, RUN_TASK, WATCHED_TASK, STEP):
            cache.load(entry, print)
