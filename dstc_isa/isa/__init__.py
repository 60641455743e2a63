"""The instruction set: declarations, encoding, decoding, printing and semantics."""

from dstc_isa.isa import (
    communication,
    control_flow,
    convert,
    float,
    half,
    integer,
    logic,
    memory,
    predicate,
    sequenced,
    structured,
    tensor,
)

FAMILIES = (
    integer,
    logic,
    predicate,
    float,
    half,
    convert,
    communication,
    memory,
    control_flow,
    tensor,
    sequenced,
    structured,
)
