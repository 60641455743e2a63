"""A kernel under assembly, and its completion once all its instructions and labels are known."""

from collections.abc import Callable, Iterator
from itertools import permutations

from attrs import Factory, define

from dstc_isa.assembler.allocate import Interval, OutOfRegisters, assign
from dstc_isa.assembler.emit import Emitted, RejectedOperand, contribute
from dstc_isa.assembler.matching import Place
from dstc_isa.assembler.printing import Printing
from dstc_isa.assembler.provenance import arrays_accessed
from dstc_isa.assembler.scope import Scope
from dstc_isa.assembler.values import AddressUses, Label, Late, Operand, RegisterArray, UnplacedLabel
from dstc_isa.isa.codec import overlap
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.masks import PREDICATE_MASK, PREDICATE_SHIFT, REGISTER_MASK
from dstc_isa.program import Kernel, Parameter, SharedArray
from dstc_isa.schedule.padding import can_pad, stays_whole
from dstc_isa.syntax.tree import Statement

Report = Callable[[Statement, Exception], None]


@define(eq=False, repr=False)
class KernelBuilder:
    """What a kernel has collected so far. ``labels`` are all of them, ``scope`` holds the kernel's own names.

    ``declared``: statement and argument that declare each parameter and shared array. ``through``: as in ``Kernel``.
    """

    name: str
    opening: Statement
    scope: Scope
    isa: Isa
    emitted: list[Emitted] = Factory(list)
    labels: list[Label] = Factory(list)
    intervals: list[Interval] = Factory(list)
    parameters: list[Parameter] = Factory(list)
    parameter_bytes: int = 0
    shared: list[SharedArray] = Factory(list)
    declared: dict[str, tuple[Statement, int]] = Factory(dict)
    shared_bytes: int = 0
    block: tuple[int, int, int] | None = None
    manual: bool = False
    address_uses: AddressUses = Factory(AddressUses)
    through: tuple[int, ...] = ()
    prints: list[Printing] = Factory(list)

    @property
    def here(self) -> int:
        """Address of the next instruction."""
        return len(self.emitted) * self.isa.word.size

    def release(self, scope: Scope) -> None:
        """End the life of a block's registers."""
        for array in scope.arrays:
            self.intervals.append(Interval(array, scope.start, len(self.emitted)))

    def labelled(self) -> None:
        """Note that a label stands here: who jumps to it does not come by a PRINT before it."""
        for each in reversed(self.prints):
            if each.index != len(self.emitted):
                break
            each.behind = True

    @property
    def arrays(self) -> list[RegisterArray]:
        """Every named register or predicate."""
        return [interval.array for interval in self.intervals]

    def complete(self, report: Callable[[Emitted | Printing | Statement, Exception], None]) -> None:
        """Assign registers and fill in what was deferred; every problem goes to ``report``."""
        fixed = self._named_directly()
        for inner, outer in self._kept_twice():
            name, line = inner.array.name, outer.array.declared.line
            report(inner.array.declared, KeptTwice(f"{name} is kept already by the block around this, at line {line}"))
        general = [i for i in self.intervals if not i.array.predicate]
        predicates = [i for i in self.intervals if i.array.predicate]
        try:
            assign(general, fixed & REGISTER_MASK, self.isa.word.registers)
            assign(predicates, (fixed & PREDICATE_MASK) >> PREDICATE_SHIFT, self.isa.word.predicates)
        except OutOfRegisters as error:
            report(error.array.declared, RegisterShortage(error, fixed, self.isa))
            return
        for each in self.prints:
            problem = each.problem(len(self.emitted))
            if problem is not None:
                report(each, problem)
        for index, emitted in enumerate(self.emitted):
            if emitted.guard is not None:
                predicate = emitted.guard.place()
                emitted.word |= self.isa.word.encode_guard(predicate)
                emitted.reads |= 1 << PREDICATE_SHIFT + predicate.index
            whole = True
            for place, value in emitted.deferred or ():
                try:
                    self._fill(emitted, index, place, value)
                except (RejectedOperand, UnplacedLabel) as error:
                    whole = False
                    report(emitted, error)
            if whole and emitted.plan is not None and emitted.plan.declaration.apart:
                shared = overlap(emitted.decoded)
                if shared is not None:
                    report(emitted, RejectedOperand(shared[1], emitted.plan.places[shared[0]].written))

    def _named_directly(self) -> int:
        """Mask of the machine's registers that instructions name, but for those that their block keeps."""
        kept = [0] * len(self.emitted)
        for interval in self.intervals:
            if interval.array.kept:
                bit = 1 << PREDICATE_SHIFT + interval.array.start
                for index in range(interval.start, interval.end):
                    kept[index] |= bit
                    interval.array.read |= bool(self.emitted[index].reads & bit)
                    interval.array.written |= bool(self.emitted[index].writes & bit)
        fixed = 0
        for emitted, within in zip(self.emitted, kept, strict=True):
            fixed |= (emitted.reads | emitted.writes) & ~within
        return fixed

    def _kept_twice(self) -> Iterator[tuple[Interval, Interval]]:
        """Pairs of a block and one around it that keep the same predicate, a block with itself included."""
        kept = [interval for interval in self.intervals if interval.array.kept]
        for inner, outer in permutations(kept, 2):
            if inner.array.start == outer.array.start and outer.start <= inner.start and inner.end <= outer.end:
                if (inner.start, inner.end) != (outer.start, outer.end) or kept.index(outer) < kept.index(inner):
                    yield inner, outer

    def _fill(self, emitted: Emitted, index: int, place: Place, value: Operand) -> None:
        here = index * self.isa.word.size
        if isinstance(value, Late):
            try:
                value = value.compute()
            except UnplacedLabel as error:
                raise RejectedOperand(str(error), place.written) from None
            except (ValueError, OverflowError) as error:
                raise RejectedOperand(str(error), place.written) from None
            except RecursionError:
                raise RejectedOperand("this expression is nested too deeply", place.written) from None
        assert emitted.plan is not None
        word, reads, writes = contribute(emitted.plan, place, value, here)
        emitted.word |= word
        emitted.reads |= reads
        emitted.writes |= writes
        if place.operand.relative and isinstance(value, int):
            emitted.target = value // self.isa.word.size

    @property
    def movable(self) -> bool:
        """Whether only branches depend on where an instruction stands, so that others can be put between."""
        return (
            can_pad(self.isa)
            and self.address_uses.count == 0
            and all(emitted.plan is not None for emitted in self.emitted)
            and stays_whole(self.isa, (emitted.word for emitted in self.emitted))
        )

    def follow_arrays(self) -> None:
        """Find ``through`` for the complete kernel; nothing is to be found where one array is all of shared memory."""
        if len(self.shared) > 1:
            through = tuple(1 + array for array in arrays_accessed(self.emitted))
            self.through = through if any(through) else ()

    def finish(self) -> Kernel:
        """The finished kernel, without control codes."""
        used = 0
        for emitted in self.emitted:
            used |= emitted.reads | emitted.writes
        own = {name: label.address for name, label in self._own_labels() if label.address is not None}
        return Kernel(
            name=self.name,
            words=tuple(emitted.word for emitted in self.emitted),
            labels=own,
            locations=tuple(emitted.location for emitted in self.emitted),
            parameters=tuple(self.parameters),
            shared=tuple(self.shared),
            shared_bytes=self.shared_bytes,
            registers=(used & REGISTER_MASK).bit_length(),
            block=self.block,
            through=self.through,
            prints=tuple(each.finish() for each in self.prints),
            isa=self.isa,
        )

    def _own_labels(self) -> list[tuple[str, Label]]:
        return [(name, bound) for name, bound in self.scope.names.items() if isinstance(bound, Label)]


class KeptTwice(Exception):
    """A block keeps a predicate that one around it keeps already."""


class RegisterShortage(Exception):
    """The registers, or predicates, that there are do not suffice; the message lists who holds them."""

    def __init__(self, error: OutOfRegisters, fixed: int, isa: Isa) -> None:
        array, word = error.array, isa.word
        kind, count = ("predicates", word.predicates) if array.predicate else ("registers", word.registers)
        mask = (fixed & PREDICATE_MASK) >> PREDICATE_SHIFT if array.predicate else fixed & REGISTER_MASK
        live = [f"{a.name} ({a.size})" for a in error.live]
        if mask:
            live.append(f"{_runs(mask, 'P' if array.predicate else 'R')} named directly ({mask.bit_count()})")
        aligned = f" at a multiple of {array.alignment}" if array.alignment > 1 else ""
        super().__init__(
            f"{count} {kind} do not suffice: no room for {array.name} ({array.size}{aligned})"
            f"; live here: {', '.join(live) or 'nothing'}"
        )


def _runs(mask: int, letter: str) -> str:
    """Register numbers of a mask as ranges: R0-R5, R8."""
    runs, start = [], -1
    for number in range(mask.bit_length() + 1):
        if mask >> number & 1:
            start = number if start < 0 else start
        elif start >= 0:
            runs.append(f"{letter}{start}" if start == number - 1 else f"{letter}{start}-{letter}{number - 1}")
            start = -1
    return ", ".join(runs)
