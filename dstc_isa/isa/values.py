"""What an operand of an instruction holds once it is resolved: registers, predicates, immediates, addresses."""

from attrs import evolve, frozen

RZ = 255
PT = 7
"""How RZ and PT are numbered, whatever stands for them in a word; the numbers below are registers and predicates."""

REGISTERS = RZ
"""General registers of a thread."""


@frozen
class Register:
    """General register ``index`` (255 = RZ) as an operand, with its source modifiers.

    ``half``: -1 for the whole register, 0 or 1 for H0 or H1.
    """

    index: int
    negate: bool = False
    absolute: bool = False
    half: int = -1
    reuse: bool = False

    def __str__(self) -> str:
        text = "RZ" if self.index == RZ else f"R{self.index}"
        if self.half >= 0:
            text += f".H{self.half}"
        if self.reuse:
            text += ".reuse"
        return decorate(text, self.negate, self.absolute)


@frozen
class Constant:
    """Constant bank operand ``c[bank][offset]``, offset in bytes; ``half`` as of a ``Register``."""

    bank: int
    offset: int
    negate: bool = False
    absolute: bool = False
    half: int = -1

    def __str__(self) -> str:
        half = f".H{self.half}" if self.half >= 0 else ""
        return decorate(f"c[0x{self.bank:x}][0x{self.offset:x}]{half}", self.negate, self.absolute)


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
        if self.offset < 0:
            inner = f"{base}-0x{-self.offset:x}"
        elif self.offset or not base:
            inner = f"{base}+0x{self.offset:x}" if base else f"0x{self.offset:x}"
        else:
            inner = base
        return f"[{inner}]" if self.bank < 0 else f"c[0x{self.bank:x}][{inner}]"


@frozen
class SpecialRegister:
    """A read-only machine register such as SR_TID.X, by number."""

    number: int


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


def decorate(text: str, negate: bool, absolute: bool) -> str:
    """Write the source modifiers around an operand's text."""
    if absolute:
        text = f"|{text}|"
    return f"-{text}" if negate else text


def negated(value: Register | Constant) -> Register | Constant:
    """The same operand with its sign turned."""
    return evolve(value, negate=not value.negate)
