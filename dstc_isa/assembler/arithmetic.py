"""Constant arithmetic: C's operators on integers of at most 64 bits and on floats."""

import math
import operator as op
from collections.abc import Callable
from typing import Any

LIMIT = 1 << 64
Number = int | float

_INTEGER_ONLY = {"%", "<<", ">>", "&", "|", "^"}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": op.eq,
    "!=": op.ne,
    "<": op.lt,
    "<=": op.le,
    ">": op.gt,
    ">=": op.ge,
}
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": op.add,
    "-": op.sub,
    "*": op.mul,
    "&": op.and_,
    "|": op.or_,
    "^": op.xor,
}


def checked(value: Number) -> Number:
    """The value itself; ValueError if an integer needs more than 64 bits, or a float is no finite number."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("this number is beyond the range of floating point, some 1.8e308 on either side of zero")
    if isinstance(value, int) and not -LIMIT < value < LIMIT:
        raise ValueError("this number does not fit 64 bits")
    return value


def binary(operator: str, left: Number, right: Number) -> Number:
    """``left operator right`` as in C; ValueError says why there is no result."""
    if operator in _COMPARISONS:
        return int(_COMPARISONS[operator](left, right))
    if operator == "&&":
        return int(bool(left) and bool(right))
    if operator == "||":
        return int(bool(left) or bool(right))
    if isinstance(left, int) and isinstance(right, int):
        return checked(_integers(operator, left, right))
    if operator in _INTEGER_ONLY:
        raise ValueError(f"{operator} takes integers, not floats")
    if operator == "/":
        if right == 0:
            raise ValueError("division by zero")
        return checked(left / right)
    return checked(float(_OPERATORS[operator](left, right)))


def _integers(operator: str, left: int, right: int) -> int:
    if operator in ("/", "%"):
        if right == 0:
            raise ValueError("division by zero")
        quotient = abs(left) // abs(right)
        quotient = quotient if (left < 0) == (right < 0) else -quotient
        return quotient if operator == "/" else left - quotient * right
    if operator in ("<<", ">>"):
        if not 0 <= right <= 64:
            raise ValueError(f"a shift is by 0 to 64 bits, not {right}")
        return left << right if operator == "<<" else left >> right
    return int(_OPERATORS[operator](left, right))


def prefix(operator: str, value: Number) -> Number:
    """``-value``, ``~value`` or ``!value``; ValueError for ``~`` of a float."""
    if operator == "-":
        return -value
    if operator == "!":
        return int(not value)
    if isinstance(value, float):
        raise ValueError("~ takes an integer, not a float")
    return checked(~value)


def is_true(value: Number) -> bool:
    """Whether a condition holds; ValueError for NaN."""
    if isinstance(value, float) and math.isnan(value):
        raise ValueError("the condition is not a number")
    return bool(value)
