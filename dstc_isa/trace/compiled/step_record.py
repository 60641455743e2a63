"""The record by which Python asks the interpreter for some instructions of a warp."""

from dstc_isa.engine.compiled.record_views import record_view
from dstc_isa.engine.record_layout import RecordLayout

STEP = RecordLayout(
    "step",
    {
        "launch": "address of the launch record",
        "warps": "address of the first warp record of the CTA",
        "index": "number of the warp",
        "budget": "instructions to issue at most; 0 to look whether the warp is in an endless loop",
        "stops": "address of room for traces of MOST_STEPS instructions and one more, to stop before marked ones; or 0",
        "kept": "address of room for a warp's state",
        "issued": "address of the counts of issued instructions",
        "skipped": "address of the counts of issued instructions whose guard held in no lane",
        "count": "instructions that were issued",
    },
)

as_step = record_view(STEP)

MOST_STEPS = 4096
"""Instructions that one call issues."""
