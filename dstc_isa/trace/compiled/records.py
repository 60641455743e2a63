"""The record of a step as Numba sees it."""

from dstc_isa.engine.compiled.records import record_view
from dstc_isa.trace.compiled.layout import STEP

as_step = record_view(STEP)
