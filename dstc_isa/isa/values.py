"""What an operand of an instruction holds once it is resolved: registers, predicates, immediates, addresses."""

from attrs import evolve, frozen

from dstc_isa.listing.numbers import constant, displaced, hexadecimal

RZ = 255
PT = 7
"""How RZ and PT are numbered, whatever stands for them in a word; the numbers below are registers and predicates."""

REGISTERS = RZ
"""General registers of a thread."""

SUFFIXES = ("H0", "H1", "H0_H0", "H1_H1", "F32", "ROW", "COL", "B0", "B1", "B2", "B3", "SIGN", "LO", "HI")
"""Words that may stand behind a register or constant; which ones an operand takes is that operand's."""

HALVES = {"H0": 0, "H1": 1, "H0_H0": 0, "H1_H1": 1}
"""Which half of a register each of the suffixes means that mean one."""


@frozen
class Register:
    """General register ``index`` (255 = RZ) as an operand, with its source modifiers.

    ``suffix``: the word behind it that says which part is meant, or how it is read, one of ``SUFFIXES``.
    """

    index: int
    negate: bool = False
    absolute: bool = False
    suffix: str = ""
    reuse: bool = False

    def __str__(self) -> str:
        name = "RZ" if self.index == RZ else f"R{self.index}"
        suffix = f".{self.suffix}" if self.suffix else ""
        if self.absolute and self.suffix == "H1":
            name, suffix = name + suffix, ""
        return decorate(name, self.negate, self.absolute, (".reuse" if self.reuse else "") + suffix)


@frozen
class Constant:
    """Constant bank operand ``c[bank][offset]``, offset in bytes; ``suffix`` as of a ``Register``."""

    bank: int
    offset: int
    negate: bool = False
    absolute: bool = False
    suffix: str = ""

    def __str__(self) -> str:
        suffix = f".{self.suffix}" if self.suffix else ""
        return decorate(constant(self.bank, hexadecimal(self.offset)) + suffix, self.negate, self.absolute)


@frozen
class Predicate:
    """Predicate register ``index`` (7 = PT), maybe negated."""

    index: int
    negate: bool = False

    def __str__(self) -> str:
        return ("!" if self.negate else "") + ("PT" if self.index == PT else f"P{self.index}")


@frozen
class Immediate:
    """A literal, as the unsigned or signed integer that its field stores."""

    value: int


@frozen
class Address:
    """A memory operand: base register (255 = RZ) plus a byte offset; for constant memory also the bank."""

    register: int
    offset: int
    wide: bool = False
    bank: int = -1

    def __str__(self) -> str:
        base = "" if self.register == RZ else f"R{self.register}" + (".64" if self.wide else "")
        inner = displaced(base, self.offset)
        return f"[{inner}]" if self.bank < 0 else constant(self.bank, inner)


@frozen
class SpecialRegister:
    """A read-only machine register such as SR_TID.X, by number."""

    number: int


WARP_NUMBER = SpecialRegister(1 << 8)
"""What SR_WARPID stands for, which no instruction reads by itself."""


@frozen
class BarrierRegister:
    """Convergence barrier register B0 to B15."""

    index: int

    def __str__(self) -> str:
        return f"B{self.index}"


@frozen
class Target:
    """A place in the kernel's code, as its distance in bytes from the next instruction."""

    address: int


@frozen
class Marker:
    """An operand that is only a word, such as PR (all predicates)."""

    text: str

    def __str__(self) -> str:
        return self.text


@frozen(eq=False, repr=False)
class BankAddress(Address):
    """``c[bank][R2+offset]`` as it is written, told apart from a plain memory operand by its type."""


@frozen(eq=False, repr=False)
class Complement:
    """``~R1`` as it is written: a source that is complemented, as a long sum's high word does with a negated one."""

    value: Register | Constant


@frozen(eq=False, repr=False)
class ConstantComplement(Complement):
    """``~c[bank][offset]``, told apart by its type: with it an instruction has another form."""

    value: Constant


Value = Register | Constant | Predicate | Immediate | Address | SpecialRegister | BarrierRegister | Target | Marker
Written = Value | Complement | int | float
"""What may be written for an operand; a bare ``Immediate`` is the bits of a float."""

ALWAYS = Predicate(PT)


def decorate(text: str, negate: bool, absolute: bool, behind: str = "") -> str:
    """Write the source modifiers around an operand's text."""
    return ("-" if negate else "") + (f"|{text}|" if absolute else text) + behind


def negated(value: Register | Constant) -> Register | Constant:
    """The same operand with its sign turned."""
    return evolve(value, negate=not value.negate)
