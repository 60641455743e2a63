"""Values that are known only while assembling: named registers, label addresses, sums with a register."""

from collections.abc import Callable

from attrs import define, evolve, frozen

from dstc_isa.isa.values import Address, BankAddress, Complement, Constant, Immediate, Predicate, Register, Value
from dstc_isa.rounded_once import WrittenFloat
from dstc_isa.syntax.tree import Bits, Statement


@define(eq=False, repr=False)
class RegisterArray:
    """Registers declared by ``.reg``, or predicates declared by ``.pred``: virtual until the kernel ends.

    ``count`` elements of ``width`` registers each. ``start`` is the first register once it is assigned,
    ``alignment`` what the uses demand of it. ``kept``: one of the machine's own, which its block keeps to itself.
    """

    name: str
    width: int
    count: int
    declared: Statement
    is_array: bool = False
    predicate: bool = False
    alignment: int = 1
    start: int = -1
    read: bool = False
    written: bool = False
    kept: bool = False

    @property
    def size(self) -> int:
        """Registers in all."""
        return self.width * self.count

    @property
    def used(self) -> bool:
        """Whether any instruction names it."""
        return self.read or self.written


@frozen(eq=False, repr=False)
class Named:
    """A use of a named register: ``offset`` registers into the array, ``width`` wide as declared."""

    array: RegisterArray
    offset: int
    width: int
    negate: bool = False
    absolute: bool = False
    half: int = -1
    reuse: bool = False

    def __str__(self) -> str:
        return self.array.name

    def place(self) -> Register:
        """The register it became."""
        return Register(self.array.start + self.offset, self.negate, self.absolute, self.half, self.reuse)


@frozen(eq=False, repr=False)
class NamedPredicate:
    """A use of a named predicate."""

    array: RegisterArray
    negate: bool = False

    def __str__(self) -> str:
        return self.array.name

    def place(self) -> Predicate:
        """The predicate it became."""
        return Predicate(self.array.start, self.negate)


@frozen(eq=False, repr=False)
class NamedAddress:
    """A memory operand whose base is a named register."""

    base: Named
    offset: int
    wide: bool
    bank: int = -1

    def place(self) -> Address:
        """The address it became."""
        return Address(self.base.place().index, self.offset, self.wide, self.bank)


@frozen(eq=False, repr=False)
class NamedBankAddress(NamedAddress):
    """``c[bank][name+offset]``."""

    def place(self) -> Address:
        """The address it became."""
        return BankAddress(self.base.place().index, self.offset, self.wide, self.bank)


@frozen(eq=False, repr=False)
class Sum:
    """A register plus bytes, as it stands inside brackets; ``wide`` if ``.64`` is written on the register."""

    base: Register | Named
    offset: int
    wide: bool


@frozen(eq=False, repr=False)
class NamedComplement:
    """``~name``."""

    base: Named

    def place(self) -> Complement:
        """The complement it became."""
        return Complement(self.base.place())


@define(eq=False, repr=False)
class Label:
    """A label; ``address`` is in bytes from the start of the kernel, None until it is placed."""

    name: str
    statement: Statement
    address: int | None = None
    used: bool = False


@frozen(eq=False, repr=False)
class PassedLabel:
    """A label that a macro's parameter stands for."""

    label: Label


@frozen(eq=False, repr=False)
class Misdeclared:
    """What a name stands for whose declaration was refused: its uses are not reported again."""


@frozen(eq=False, repr=False)
class Late:
    """A number that depends on a label further down; ``compute`` gives it once all labels are placed.

    Raises ``UnplacedLabel`` for a label that was never placed and ValueError for an impossible operation.
    """

    compute: Callable[[], "int | float"]


@define
class AddressUses:
    """Counts the uses of labels and ``.`` that are no branch targets: instructions must then stay where they are."""

    count: int = 0


class UnplacedLabel(Exception):
    """A label that no executed statement placed."""


Numeric = int | float | Bits | Late
Virtual = Named | NamedPredicate | NamedAddress | NamedComplement
"""What names registers or predicates that are assigned when the kernel ends; ``place`` tells which they became."""

Operand = Value | Virtual | Complement | Sum | Numeric | str
STANDS_FOR: dict[type, type] = {
    Named: Register,
    NamedPredicate: Predicate,
    NamedAddress: Address,
    NamedBankAddress: BankAddress,
    NamedComplement: Complement,
    Late: int,
    Bits: Immediate,
    WrittenFloat: float,
}
"""What operand kinds know these as."""

Bound = Operand | RegisterArray | Label | PassedLabel | Misdeclared


def negated(value: Operand) -> Operand | None:
    """The same register, constant or predicate with its sign turned; None if it has none."""
    if isinstance(value, Register | Constant | Predicate | Named | NamedPredicate):
        return evolve(value, negate=not value.negate)
    return None
