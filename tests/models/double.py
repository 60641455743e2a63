"""Models of double-precision arithmetic."""

from tests.models.floating import compared
from tests.models.numbers import F64, Number, add, fused, multiply, number
from tests.models.state import Operands, lane_model

NAN = 0xFFF8 << 48
"""What a NaN result is."""


def taken(x: Operands, name: str) -> Number:
    """A source."""
    return number(getattr(x, name), F64)


def finished(bits: int) -> int:
    """A result; a NaN as the machine has it."""
    return NAN if bits == F64.nan else bits


@lane_model("dadd")
def dadd(x: Operands) -> int:
    return finished(add(taken(x, "da"), taken(x, "dc"), F64))


@lane_model("dmul")
def dmul(x: Operands) -> int:
    return finished(multiply(taken(x, "da"), taken(x, "db"), F64))


@lane_model("dfma")
def dfma(x: Operands) -> int:
    return finished(fused(taken(x, "da"), taken(x, "db"), taken(x, "dc"), F64))


@lane_model("dsetp")
def dsetp(x: Operands) -> tuple[bool, bool]:
    return compared(x, taken(x, "da"), taken(x, "db"))
