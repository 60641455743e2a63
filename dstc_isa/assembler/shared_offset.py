"""Numbers that are offsets into shared arrays: which array each one counts from, through all arithmetic on it."""

from typing import TYPE_CHECKING, TypeVar, cast

_Number = TypeVar("_Number", bound=int | float)

PLAIN = -1
"""No array: any other number."""

MIXED = -2
"""No single array: what comes of several, or of arithmetic that leaves no offset into one."""


class SharedOffset(int):
    """A number that depends on where shared arrays lie; ``array``: the index of the one it counts from, or MIXED."""

    array: int

    def __new__(cls, value: int, array: int) -> "SharedOffset":
        """Mark ``value``."""
        marked = super().__new__(cls, value)
        marked.array = array
        return marked

    if TYPE_CHECKING:

        def __init__(self, value: int, array: int) -> None:
            """A number that is marked, as ``__new__`` takes it."""


def array_of(value: object) -> int:
    """The index of the array that a number counts from, PLAIN or MIXED."""
    return value.array if isinstance(value, SharedOffset) else PLAIN


def joined(first: int, second: int) -> int:
    """What the sum of two numbers counts from, by what they do."""
    if PLAIN in (first, second):
        return max(first, second) if MIXED not in (first, second) else MIXED
    return MIXED


def marked(result: _Number, operator: str, left: object, right: object) -> _Number:
    """The ``result`` of an operator, marked by what its operands count from."""
    first, second = array_of(left), array_of(right)
    if (first == PLAIN and second == PLAIN) or not isinstance(result, int):
        return result
    stays = operator == "+" or (operator == "-" and second == PLAIN)
    return cast(_Number, SharedOffset(result, joined(first, second) if stays else MIXED))
