"""Operands that are one of several names, and sets of scoreboards."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from dstc_isa.isa.fetch import Lane, RowWord
from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import ImmediateOperand
from dstc_isa.isa.operand import Condition, Modifiers, Operand, Part, Parts
from dstc_isa.isa.values import BarrierRegister, Marker, Value, Written


@frozen
class NameOperand(Operand):
    """One of ``names``, with the numbers that are stored; convergence barriers may be among them.

    ``fits``: why a name cannot stand beside modifiers, None if it can.
    """

    at: Field
    names: Mapping[str, int]
    destination: bool = False
    only: Condition = ""
    default: Marker | None = None
    fits: Callable[[str, Modifiers], str | None] | None = field(default=None, repr=False)

    @property
    def written(self) -> frozenset[type]:  # type: ignore[override]
        """See ``Operand``."""
        return frozenset(BarrierRegister if name in BARRIERS else Marker for name in self.names)

    @property
    def what(self) -> str:  # type: ignore[override]
        """The names."""
        return f"one of {', '.join(self.names)}"

    def table(self, moved: bool) -> dict[type, Parts]:
        """See ``Operand``."""
        part = Part("text", self.at, codes=self.names, refusal=self.expected, undefined="{} has no name")
        return {Marker: (part,)}

    def parse(self, written: Written, modifiers: Modifiers, here: int) -> Value:
        """See ``Operand``."""
        return Marker(str(written)) if isinstance(written, BarrierRegister) else super().parse(written, modifiers, here)

    def stray(self, value: Any, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        reason = None if self.fits is None else self.fits(value.text, modifiers)
        return reason or super().stray(value, modifiers)

    def vocabulary(self) -> Mapping[str, Value]:
        """See ``Operand``."""
        return {name: Marker(name) for name in self.names if name not in BARRIERS}

    def row(self, value: Any, lane: Lane, modifiers: Modifiers) -> tuple[RowWord, ...]:
        """See ``Operand``."""
        return (self.names[value.text],)


BARRIERS = {f"B{number}": number for number in range(16)}
"""The convergence barriers by their names."""


@frozen
class ScoreboardSet(ImmediateOperand):
    """Scoreboards as ``{3,1}``, stored as the number with these bits."""

    def show(self, value: Any, modifiers: Modifiers) -> str:
        """See ``Operand``."""
        numbers = [number for number in reversed(range(self.at.width)) if value.value >> number & 1]
        return f"{{{','.join(map(str, numbers))}}}"
