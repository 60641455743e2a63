"""Operands that are addresses: a register plus a number of bytes, in memory or in a constant bank."""

from typing import Any

from attrs import field, frozen

from dstc_isa.isa import masks
from dstc_isa.isa.fetch import Base, Call, Fetched, Lane, RegisterPlace, RowWord, Word
from dstc_isa.isa.field import Field
from dstc_isa.isa.operand import Form, Modifiers, Operand, Part, Parts
from dstc_isa.isa.register_operand import misplaced, needed, not_a_register
from dstc_isa.isa.values import RZ, Address, BankAddress, Constant, Value, Written


@frozen
class AddressOperand(Operand):
    """``[Ra + offset]``; ``wide`` names the modifier (or is True) that makes the base a 64-bit pair."""

    offset: Field
    wide: str | bool = False
    constant: bool = False
    base: Field | None = None
    bank: Field | None = None
    what: str = field(init=False, default="an address such as [R2+0x10]")

    def table(self, moved: bool) -> dict[type, Parts]:
        """See ``Operand``."""
        base = self.base or self.word.sources["a"].register
        return {
            Address: (
                Part("offset", self.offset, "offset"),
                Part("bank", self._bank if self.constant else None, "bank", fixed=-1),
                Part("register", base, "base", refusal=not_a_register(self.word), top=RZ),
            )
        }

    @property
    def _bank(self) -> Field:
        return needed(self.bank or self.word.constant_bank, "a constant's bank")

    def admits(self, value: Value) -> bool:
        """See ``Operand``."""
        return isinstance(value, Address) and (value.bank >= 0) == self.constant

    @property
    def expected(self) -> str:
        """See ``Operand``."""
        return f"expected {'a constant c[0x3][R2+0x10]' if self.constant else self.what}"

    def reject(self, value: Value, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        if isinstance(value, Address) and value.wide and self.admits(value) and not self.is_wide(modifiers):
            return "the base is one 32-bit register here"
        return super().reject(value, modifiers)

    def misfit(self, value: Any, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        return misplaced(value.register, self.span(modifiers), self.word.registers)

    @property
    def written(self) -> frozenset[type]:  # type: ignore[override]
        """See ``Operand``."""
        return frozenset({Constant, BankAddress} if self.constant else {Address})

    def parse(self, written: Written, modifiers: Modifiers, here: int) -> Value:
        """See ``Operand``."""
        if isinstance(written, Constant):
            if written.negate or written.absolute or written.half >= 0:
                what = "a sign" if written.half < 0 else f".H{written.half}"
                raise ValueError(f"a constant in memory is loaded as it is, without {what}")
            return Address(RZ, written.offset, bank=written.bank)
        if isinstance(written, BankAddress):
            return Address(written.register, written.offset, written.wide, written.bank)
        return super().parse(written, modifiers, here)

    def placeholder(self, name: str, form: Form, index: int) -> str:
        """See ``Operand``."""
        return "c[bank][Ra+offset]" if self.constant else "[Ra+offset]"

    def accepts(self) -> str:
        """See ``Operand``."""
        bank = f", bank 0 to {self._bank.maximum}" if self.constant else ""
        if isinstance(self.wide, str):
            base = f"a register, a pair with the {self.wide} modifier"
        else:
            base = "a pair of registers" if self.wide else "a register"
        return f"base {base}; offset {self.offset.minimum} to {self.offset.maximum} bytes{bank}"

    def is_wide(self, modifiers: Modifiers) -> bool:
        """Whether the base is a pair of registers."""
        return bool(modifiers[self.wide]) if isinstance(self.wide, str) else self.wide

    def span(self, modifiers: Modifiers) -> int:
        """See ``Operand``."""
        return 2 if self.is_wide(modifiers) else 1

    def touched(self, value: Any, modifiers: Modifiers) -> int:
        """See ``Operand``."""
        return masks.registers(value.register, self.span(modifiers))

    def row(self, value: Any, lane: Lane, modifiers: Modifiers) -> tuple[RowWord, ...]:
        """See ``Operand``."""
        kind = value.bank if self.constant else int(self.is_wide(modifiers))
        return (RegisterPlace(value.register), value.offset, kind)

    def fetch(self, lane: Lane) -> Fetched:
        """See ``Operand``."""
        kind = "constant" if self.constant else lane.value
        return Call(f"address_{kind}", (Word(0, Base.REGISTERS), Word(1), Word(2)))
