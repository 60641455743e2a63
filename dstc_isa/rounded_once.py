"""Written numbers that are rounded once to FP32 or FP16, though a float of Python's stands between."""

import math
from decimal import Decimal
from fractions import Fraction

LEAST = 1e-300
"""Where a number below this is rounded does not matter: in FP32 it is zero."""


class WrittenFloat(float):
    """The nearest float of a decimal number; ``odd``: the one from which FP32 and FP16 are rounded rightly."""

    odd: float

    def __new__(cls, near: float, odd: float) -> "WrittenFloat":
        """Both floats of one number."""
        self = super().__new__(cls, near)
        self.odd = odd
        return self

    def __neg__(self) -> "WrittenFloat":
        return WrittenFloat(-float(self), -self.odd)

    def __abs__(self) -> "WrittenFloat":
        return WrittenFloat(abs(float(self)), abs(self.odd))


def written_float(text: str) -> float:
    """The float of a decimal number; ValueError for what is none."""
    near = float(text)
    if not LEAST < abs(near) < math.inf:
        return near
    exact = Fraction(Decimal(text.strip().replace("_", "")))
    return near if exact == near else WrittenFloat(near, _odd(near, exact))


def before_rounding(number: int | float) -> float:
    """The float whose rounding to at most 30 bits is that of the number as it was written."""
    if isinstance(number, WrittenFloat):
        return number.odd
    try:
        near = float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
    return near if near == number or math.isnan(near) else _odd(near, Fraction(number))


def _odd(near: float, exact: Fraction) -> float:
    """The float with an odd last bit among the two around a number that is none."""
    if math.ulp(near) == 0 or int(abs(near) / math.ulp(near)) % 2 or not math.isfinite(near):
        return near
    return math.nextafter(near, math.inf if exact > near else -math.inf)
