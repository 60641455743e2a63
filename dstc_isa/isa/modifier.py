"""Instruction modifiers: the dotted words after a mnemonic, as enumerations with a bit field each."""

from enum import IntEnum
from functools import cache

from attrs import frozen

from dstc_isa.isa.field import Field


def text_of(member: IntEnum) -> str:
    """The words a modifier value is written as: ``_64`` is written ``64``, ``F32__RN`` is ``F32.RN``, ``_`` nothing."""
    return _text(member.name)


def _text(name: str) -> str:
    return name.lstrip("_").replace("__", ".")


@cache
def _words(values: type[IntEnum]) -> dict[str, int]:
    return {_text(name): int(member) for name, member in values.__members__.items() if _text(name)}


@frozen
class Choice:
    """A modifier with one word out of ``values``, stored in ``at``; those in ``unmodelled`` are not executed.

    ``default``: the value that is not written, if there is one; a default of the semantics' parameter says the same.
    Of several names of one value the first is printed, and all may be written. ``shown``: the word of the default is
    printed, too.
    """

    values: type[IntEnum]
    at: Field
    unmodelled: frozenset[int] = frozenset()
    default: int | None = None
    shown: bool = False

    def words(self) -> dict[str, int]:
        """Word -> stored value."""
        return _words(self.values)

    def word_of(self, value: int) -> str:
        """The word of a stored value; ValueError if it has none."""
        return text_of(self.values(value))


@frozen
class Flag:
    """A modifier that is there (1) or not (0); with 1 in ``unmodelled`` it is not executed."""

    word: str
    at: Field
    unmodelled: frozenset[int] = frozenset()
    shown: bool = False

    def words(self) -> dict[str, int]:
        """Word -> stored value."""
        return {self.word: 1}

    def word_of(self, value: int) -> str:
        """The word, or nothing when the flag is clear."""
        return self.word if value else ""


@frozen
class Modifier:
    """A named modifier of an instruction; ``default`` is the value that is not written, None if one must be."""

    name: str
    kind: Choice | Flag
    default: int | None


class Sign(IntEnum):
    """Interpretation of integer operands."""

    U32 = 0
    S32 = 1


class Compare(IntEnum):
    """Integer comparison."""

    F = 0
    LT = 1
    EQ = 2
    LE = 3
    GT = 4
    NE = 5
    GE = 6
    T = 7


class FloatCompare(IntEnum):
    """Float comparison; the forms with U are also true when an operand is NaN."""

    F = 0
    LT = 1
    EQ = 2
    LE = 3
    GT = 4
    NE = 5
    GE = 6
    NUM = 7
    NAN = 8
    LTU = 9
    EQU = 10
    LEU = 11
    GTU = 12
    NEU = 13
    GEU = 14
    T = 15


class Combine(IntEnum):
    """How a comparison joins its predicate operand."""

    AND = 0
    OR = 1
    XOR = 2


class Size(IntEnum):
    """Width of a memory access; 8 and 16 bit loads extend to 32 bits."""

    U8 = 0
    S8 = 1
    U16 = 2
    S16 = 3
    _32 = 4
    _64 = 5
    _128 = 6


class WideSize(IntEnum):
    """Width of an access, ``Size`` and one more."""

    U8 = 0
    S8 = 1
    U16 = 2
    S16 = 3
    _32 = 4
    _64 = 5
    _128 = 6
    U__128 = 7


SIZE_BYTES = (1, 1, 2, 2, 4, 8, 16, 16)
"""Bytes of each ``WideSize``, and so of each ``Size``."""
