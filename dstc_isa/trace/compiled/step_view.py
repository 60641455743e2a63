"""The record of a step as Numba sees it."""

from dstc_isa.engine.compiled.record_views import record_view
from dstc_isa.trace.compiled.step_record import STEP

as_step = record_view(STEP)
