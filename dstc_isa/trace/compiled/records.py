"""The record of a step as Numba sees it."""

from dstc_isa.engine.compiled.records import RecordType, record_view
from dstc_isa.trace.compiled.layout import STEP_OFFSETS

as_step = record_view(RecordType("step", STEP_OFFSETS, {}))
