"""What an engine keeps of an operand in a decoded row, and how it makes of that what the semantics receives.

An operand kind says both: the words of its row (``RowWord``), and an expression over them (``Fetched``). The engines
give the places of the words and the functions that are named by a string a meaning; any other function is one of
lanes, which both engines execute as they do semantics.
"""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from attrs import frozen

from dstc_isa.isa.values import Constant, Immediate

ABSOLUTE, NEGATE = 1, 2
"""Flags of the signs that are applied to what was read."""


class Lane(Enum):
    """What the semantics receives for an operand: 32 lanes of a type, or a scalar."""

    U32 = "u32"
    S32 = "s32"
    F32 = "f32"
    U64 = "u64"
    BOOL = "bool"
    INDEX = "index"
    SCALAR = "scalar"
    WARP = "warp"


@frozen
class RegisterPlace:
    """Word of a row: where a register is. What is ``written`` to RZ goes where nobody reads."""

    index: int
    written: bool = False


@frozen
class RegisterNumber:
    """Word of a row: the number of a register, with RZ as above."""

    index: int
    written: bool = False


@frozen
class PredicatePlace:
    """Word of a row: where a predicate is, with PT as RZ above."""

    index: int
    written: bool = False


@frozen
class Pooled:
    """Word of a row: where registers are that hold a number in every lane, two of them if it is ``wide``."""

    value: Immediate | Constant
    wide: bool = False


RowWord = int | RegisterPlace | RegisterNumber | PredicatePlace | Pooled


class Base(Enum):
    """What a word of a row counts from."""

    NOTHING = ""
    REGISTERS = "registers"
    PREDICATES = "predicates"


@frozen
class Word:
    """The word at ``number`` of an operand's row: a number itself, or a place among registers or predicates."""

    number: int
    base: Base = Base.NOTHING


@frozen
class Call:
    """A function of words and of what other functions return; one that is named is the engine's own."""

    function: str | Callable[..., Any]
    arguments: "tuple[Fetched, ...]"


Fetched = Word | Call


def words_in(fetched: Fetched) -> Iterator[Word]:
    """The words that an expression names."""
    if isinstance(fetched, Word):
        yield fetched
        return
    for argument in fetched.arguments:
        yield from words_in(argument)


def functions_in(fetched: Fetched) -> Iterator[Callable[..., Any]]:
    """The functions of lanes that an expression calls, other than the engine's own."""
    if isinstance(fetched, Call):
        if not isinstance(fetched.function, str):
            yield fetched.function
        for argument in fetched.arguments:
            yield from functions_in(argument)
