"""Where a warp's registers and predicates lie, and behind them what sources read like registers."""

from dstc_isa.isa.lanes import LANES
from dstc_isa.isa.operand import WIDEST_SOURCE
from dstc_isa.isa.values import PT, RZ

WORD_BYTES = 4
ROW_BYTES = WORD_BYTES * LANES
"""Bytes of one register of a warp."""

SINK_ROW = RZ + WIDEST_SOURCE
"""Where writes to RZ go: RZ and 31 rows behind it read as zero, the widest operand included."""

POOL_ROW = SINK_ROW + 4
"""First row of the launch's immediates and constants, which sources address like registers."""

PREDICATE_SLOTS = PT + 2
PREDICATE_SINK = PT + 1
"""Where writes to PT go."""
