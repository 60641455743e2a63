"""The timing model's records as Numba sees them."""

from dstc_isa.engine.compiled.record_views import record_at, record_view
from dstc_isa.timing.model_records import (
    BANK_WORDS,
    CHARGE,
    CLOCK,
    FILL,
    INSTRUCTION_TIMING,
    LOGGED,
    MACHINE,
    PENDING,
    SM,
    SUBCORE,
    TASK,
    UNIT,
)

as_machine = record_view(MACHINE)
as_sm = record_view(SM)
as_subcore = record_view(SUBCORE)
as_clock = record_view(CLOCK)
as_charge = record_view(CHARGE)
as_task = record_view(TASK)
sm_at = record_at(SM)
subcore_at = record_at(SUBCORE)
clock_at = record_at(CLOCK)
timing_at = record_at(INSTRUCTION_TIMING)
unit_at = record_at(UNIT)
fill_at = record_at(FILL)
logged_at = record_at(LOGGED)
pending_at = record_at(PENDING)
bank_words_at = record_at(BANK_WORDS)
