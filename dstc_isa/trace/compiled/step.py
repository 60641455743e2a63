"""Some instructions of one warp, as Python asks for them."""

from typing import Any

from dstc_isa.engine.compiled.jit import merged
from dstc_isa.engine.compiled.loops import looker_of
from dstc_isa.engine.compiled.record_views import as_launch, warp_at


def stepper_of(run_warp: Any) -> Any:
    """The function that runs a warp for some instructions, around a compiled interpreter of warps."""

    look = looker_of(run_warp)

    @merged
    def advance(step: Any) -> Any:
        """Issue instructions, or look for an endless loop, as the record says."""
        launch = as_launch(step.launch)
        if step.budget == 0:
            look(launch, step.warps, step.index, step.kept)
        else:
            warp = warp_at(step.warps, step.index)
            code = launch.code
            step.count = run_warp(warp, code, launch.code_size, step.issued, step.skipped, step.budget, step.stops)

    return advance
