"""Bit fields of an instruction word."""

from attrs import evolve, frozen


@frozen
class Field:
    """A run of bits in the instruction word, or several.

    ``lo`` is the lowest bit, ``width`` the number of bits. A ``signed`` field holds two's complement;
    ``scale`` low bits of the value are not stored and must be zero (a branch offset counts in 4 bytes). ``rest``: where
    the higher bits are, if they do not follow the lower ones.
    """

    lo: int
    width: int
    signed: bool = False
    scale: int = 0
    name: str = ""
    rest: "Field | None" = None

    def __attrs_post_init__(self) -> None:
        """Raise ValueError for a field in parts that is more than a plain number."""
        if self.rest is not None and (self.signed or self.scale or self.rest.signed or self.rest.scale):
            raise ValueError("a field in parts is a plain number")

    @property
    def pieces(self) -> "tuple[Field, ...]":
        """The field's runs of neighbouring bits, the lowest first."""
        if self.rest is None:
            return (self,)
        return (evolve(self, rest=None), *self.rest.pieces)

    @property
    def mask(self) -> int:
        """The field's bits set, all others clear."""
        own = ((1 << self.width) - 1) << self.lo
        return own if self.rest is None else own | self.rest.mask

    @property
    def minimum(self) -> int:
        """Least value that fits."""
        return -(1 << (self.width - 1 + self.scale)) if self.signed else 0

    @property
    def maximum(self) -> int:
        """Greatest value that fits."""
        bits = self.width - 1 if self.signed else self.width
        if self.rest is not None:
            return self.rest.maximum << bits | (1 << bits) - 1
        return ((1 << bits) - 1) << self.scale

    def holds(self, value: int) -> bool:
        """Whether ``value`` is in range and a multiple of the scale."""
        if self.rest is not None:
            return 0 <= value <= self.maximum
        stored = value >> self.scale
        beyond = stored >> (self.width - self.signed)
        return (beyond == 0 or (beyond == -1 and self.signed)) and stored << self.scale == value

    def insert(self, value: int) -> int:
        """The word that has ``value`` in this field and zeros elsewhere; ValueError if it does not fit."""
        if not self.holds(value):
            raise ValueError(f"{value} does not fit {self.width} bits at {self.lo}")
        if self.rest is not None:
            return (value & ((1 << self.width) - 1)) << self.lo | self.rest.insert(value >> self.width)
        return ((value >> self.scale) & ((1 << self.width) - 1)) << self.lo

    def extract(self, word: int) -> int:
        """The value this field has in ``word``."""
        raw = (word >> self.lo) & ((1 << self.width) - 1)
        if self.rest is not None:
            return raw | self.rest.extract(word) << self.width
        if self.signed and raw >> (self.width - 1):
            raw -= 1 << self.width
        return raw << self.scale
