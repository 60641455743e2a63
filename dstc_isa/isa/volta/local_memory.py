"""Loads and stores of a thread's own memory, in which it keeps what does not fit its registers."""

from dstc_isa.isa.modifier import Size
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.memory_modifiers import ORDINARY, Evicted, Shared, Stored, Width
from dstc_isa.isa.volta.shorthand import Loaded
from dstc_isa.isa.volta.units import LSU

_NONE = "threads have no memory of their own"


@instruction("LDL", 0x983, LSU, variable=True, unmodelled=_NONE)
def ldl(address: Shared, evicted: Evicted = ORDINARY, size: Width = Size._32) -> Loaded:
    """Load from the thread's memory; the address counts from its start."""


@instruction("STL", 0x387, LSU, variable=True, unmodelled=_NONE)
def stl(address: Shared, rb: Stored, evicted: Evicted = ORDINARY, size: Width = Size._32) -> None:
    """Store to the thread's memory."""
