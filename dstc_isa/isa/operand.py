"""What every kind of operand has in common, and the encoding forms of an instruction."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from dstc_isa.isa.field import Field
from dstc_isa.isa.values import Value

REGISTER_FORM = 1
Modifiers = Mapping[str, int]
Width = int | str
"""Registers that an operand spans; a string names the modifier whose value decides (see ``width_of``)."""


@frozen
class Form:
    """One encoding form of an instruction: its code in bits 9-11 and which operands are not registers.

    ``special``: indices of the operands that are immediates, or the one that is a constant. ``moved``: index
    of the operand that gives up slot b to it and sits in slot c instead, -1 for none.
    """

    code: int
    special: tuple[int, ...] = ()
    constant: bool = False
    moved: int = -1


class Operand:
    """Base of all operand kinds. ``lane`` is the type that the semantics sees; ``optional`` may be left out."""

    optional: bool = False
    default: Value | None = None
    destination: bool = False
    what: str = "an operand"

    def fields(self, form: Form, index: int) -> tuple[Field, ...]:
        """The bit fields this operand occupies in a form."""
        raise NotImplementedError

    def reject(self, value: Value, modifiers: Modifiers) -> str | None:
        """Why ``value`` cannot stand here, or None if it can."""
        raise NotImplementedError

    def encode(self, value: Any, form: Form, index: int) -> int:
        """The word's bits for ``value``."""
        raise NotImplementedError

    def decode(self, word: int, form: Form, index: int) -> Value:
        """The value in ``word``."""
        raise NotImplementedError

    def format(self, value: Any) -> str:
        """Assembly text of ``value``."""
        return str(value)


def width_of(width: Width, modifiers: Modifiers) -> int:
    """Registers an operand spans; a string names the modifier whose value encodes it (see memory sizes)."""
    if isinstance(width, int):
        return width
    return {5: 2, 6: 4}.get(modifiers[width], 1)
