"""A PRINT in the kernel under assembly, until registers are assigned."""

from collections.abc import Iterator

from attrs import define, frozen

from dstc_isa.assembler.emit import RejectedOperand
from dstc_isa.assembler.values import Named, NamedPredicate
from dstc_isa.isa.masks import PREDICATE_SHIFT
from dstc_isa.isa.values import PT, RZ, Predicate, Register
from dstc_isa.program import NEGATED, PRINT_TYPES, Location, Print, PrintItem
from dstc_isa.syntax.tree import Statement

PRINT = "PRINT"
Shown = Named | Register | NamedPredicate | Predicate


@frozen(eq=False, repr=False)
class Item:
    """A register or predicate under a name; ``operand`` is the written one that it comes from."""

    text: str
    value: Shown
    type: str
    operand: int

    def finish(self) -> PrintItem:
        """The item as programs keep it, with the register that a name became."""
        value = self.value.place() if isinstance(self.value, Named | NamedPredicate) else self.value
        if isinstance(value, Predicate):
            return PrintItem("predicate", self.text, number_of(value))
        return PrintItem("register", self.text, value.index, self.type)


def number_of(predicate: Predicate) -> int:
    """A predicate as a PRINT keeps it."""
    return predicate.index + NEGATED * predicate.negate


@define(eq=False, repr=False)
class Printing:
    """A PRINT: the instruction before which it stands, what it shows, and where it comes from."""

    statement: Statement
    location: Location
    index: int
    items: list[Item | PrintItem]
    guard: NamedPredicate | Predicate
    behind: bool = False

    def _shown(self) -> Iterator[tuple[Shown, int, str]]:
        """Registers and predicates that it reads, with the operand to blame and the type."""
        yield self.guard, -1, ""
        for item in self.items:
            if isinstance(item, Item):
                yield item.value, item.operand, item.type

    def problem(self, instructions: int) -> RejectedOperand | None:
        """What is wrong with it in a kernel of so many instructions, once it is known which names they use."""
        if self.index >= instructions:
            return RejectedOperand("no instruction follows, before which PRINT could show anything", 1 << 30)
        for value, operand, _ in self._shown():
            if isinstance(value, Named | NamedPredicate) and not value.array.used:
                name = value.array.name
                return RejectedOperand(f"no instruction names {name}, so that there is nothing to show", operand)
        return None

    def reads(self) -> int:
        """Mask of the registers and predicates that it shows, as of an instruction."""
        mask = 0
        for value, _, kind in self._shown():
            place = value.place() if isinstance(value, Named | NamedPredicate) else value
            if isinstance(place, Predicate):
                mask |= (place.index != PT) << PREDICATE_SHIFT + place.index
            elif place.index != RZ:
                mask |= ((1 << PRINT_TYPES[kind]) - 1) << place.index
        return mask

    def finish(self) -> Print:
        """The finished record."""
        guard = self.guard.place() if isinstance(self.guard, NamedPredicate) else self.guard
        items = tuple(item.finish() if isinstance(item, Item) else item for item in self.items)
        return Print(self.index, items, self.location, number_of(guard), self.behind)
