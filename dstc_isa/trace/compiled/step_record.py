"""The record by which Python asks the interpreter for some instructions of a warp."""

import numpy as np

from dstc_isa.engine.compiled.record_views import record_view
from dstc_isa.engine.launch_records import LAUNCH, TRACE
from dstc_isa.engine.record_layout import RecordLayout, pointer

STEP = RecordLayout(
    "step",
    {
        "launch": pointer("the launch record", LAUNCH),
        "warps": "address of the first warp record of the CTA",
        "index": "number of the warp",
        "budget": "instructions to issue at most; 0 to look whether the warp is in an endless loop",
        "stops": pointer("traces of MOST_STEPS instructions and one more, to stop before marked ones; or 0", TRACE),
        "kept": pointer("room for a warp's state", np.int64),
        "issued": pointer("the counts of issued instructions", np.int64),
        "skipped": pointer("the counts of issued instructions whose guard held in no lane", np.int64),
        "count": "instructions that were issued",
    },
)

as_step = record_view(STEP)

MOST_STEPS = 4096
"""Instructions that one call issues."""
