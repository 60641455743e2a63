"""Bit fields of an instruction word."""

from attrs import frozen


@frozen
class Field:
    """A run of bits in the instruction word.

    ``lo`` is the lowest bit, ``width`` the number of bits. A ``signed`` field holds two's complement;
    ``scale`` low bits of the value are not stored and must be zero (a branch offset counts in 4 bytes).
    """

    lo: int
    width: int
    signed: bool = False
    scale: int = 0
    name: str = ""

    @property
    def mask(self) -> int:
        """The field's bits set, all others clear."""
        return ((1 << self.width) - 1) << self.lo

    @property
    def minimum(self) -> int:
        """Least value that fits."""
        return -(1 << (self.width - 1 + self.scale)) if self.signed else 0

    @property
    def maximum(self) -> int:
        """Greatest value that fits."""
        bits = self.width - 1 if self.signed else self.width
        return ((1 << bits) - 1) << self.scale

    def holds(self, value: int) -> bool:
        """Whether ``value`` is in range and a multiple of the scale."""
        stored = value >> self.scale
        beyond = stored >> (self.width - self.signed)
        return (beyond == 0 or (beyond == -1 and self.signed)) and stored << self.scale == value

    def insert(self, value: int) -> int:
        """The word that has ``value`` in this field and zeros elsewhere; ValueError if it does not fit."""
        if not self.holds(value):
            raise ValueError(f"{value} does not fit {self.width} bits at {self.lo}")
        return ((value >> self.scale) & ((1 << self.width) - 1)) << self.lo

    def extract(self, word: int) -> int:
        """The value this field has in ``word``."""
        raw = (word >> self.lo) & ((1 << self.width) - 1)
        if self.signed and raw >> (self.width - 1):
            raw -= 1 << self.width
        return raw << self.scale
