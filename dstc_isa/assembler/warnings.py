"""Warnings about a kernel that assembles: what is declared or computed and never used, what is never reached."""

from collections.abc import Hashable, Iterable

from dstc_isa.assembler.emit import Emitted
from dstc_isa.assembler.flow import analyse
from dstc_isa.assembler.kernel import KernelBuilder
from dstc_isa.assembler.printing import Printing
from dstc_isa.assembler.reporting import Reporter
from dstc_isa.assembler.values import RegisterArray
from dstc_isa.diagnostics import WARNING
from dstc_isa.isa.effects import Effect
from dstc_isa.isa.fetch import Lane
from dstc_isa.isa.masks import PREDICATE_SHIFT, bits_of, place_name
from dstc_isa.isa.values import RZ, Address, Constant
from dstc_isa.program import PARAMETER_BASE
from dstc_isa.syntax.tree import Statement

MOST_BYTES = 16
"""The most bytes of constants that LDC reads at once."""


def warn(kernel: KernelBuilder, reporter: Reporter) -> None:
    """Report everything suspicious; a line that is expanded several times only if all its expansions are."""
    _labels(kernel, reporter)
    _names(kernel, reporter)
    _arrays(kernel, reporter)
    labels = {label.address // kernel.isa.word.size for label in kernel.labels if label.address is not None}
    shown: dict[int, int] = {}
    for each in kernel.prints:
        shown[each.index] = shown.get(each.index, 0) | each.reads()
    flow = analyse(kernel.emitted, labels, shown)
    if flow is None:
        return
    _unwritten(kernel, reporter)
    unreachable = _every(kernel.emitted, (not reached for reached in flow.reachable))
    told = False
    for index, emitted in enumerate(kernel.emitted):
        told = told and not flow.reachable[index]
        if not told and emitted.statement_id in unreachable and not _idle(emitted):
            _at(reporter, emitted, "control never gets here")
            told = True
    dead = _every(kernel.emitted, flow.dead)
    for emitted in kernel.emitted:
        if emitted.statement_id in dead and emitted.statement_id not in unreachable:
            _at(reporter, emitted, f"what {emitted.statement.word} computes is never used")
    if flow.falls_off:
        _at(reporter, kernel.emitted[-1], "control runs off the end of the kernel", expected=kernel.isa.ending)


def warn_of_declarations(kernels: list[KernelBuilder], reporter: Reporter) -> None:
    """Report parameters and shared arrays that nothing uses, in any of the kernels that have the line."""
    uses: dict[tuple[str, int, str], list[bool]] = {}
    places: dict[tuple[str, int, str], tuple[Statement, int, str]] = {}
    for kernel in kernels:
        used = _used_declarations(kernel)
        for name, (statement, index) in kernel.declared.items():
            key = (statement.source.name, statement.line, name)
            uses.setdefault(key, []).append(name in used)
            kind = "parameter" if any(p.name == name for p in kernel.parameters) else "shared array"
            places[key] = statement, index, f"{kind} {name} is never used"
    for key, held in uses.items():
        if not any(held):
            statement, index, message = places[key]
            reporter.at_operand(statement, index, UnusedDeclaration(message), severity=WARNING)


class UnusedDeclaration(Exception):
    """What a warning of a declared name says."""


def _used_declarations(kernel: KernelBuilder) -> set[str]:
    """Names that are used, or may be by their address.

    Constants can be read by number, or from an address that is computed; whoever names no shared array and yet uses
    shared memory knows where they are.
    """
    used = set(kernel.scope.used)
    if used >= set(kernel.declared):
        return used
    touched = False
    for emitted in kernel.emitted:
        if emitted.plan is None:
            return set(kernel.declared)
        touched = touched or Effect.SHARED in emitted.plan.effects
        for lane, value in zip(emitted.plan.declaration.lanes, emitted.decoded.operands, strict=True):
            if isinstance(value, Address) and value.bank == 0 and value.register != RZ:
                used |= {parameter.name for parameter in kernel.parameters}
            elif isinstance(value, Address | Constant) and value.bank == 0:
                size = MOST_BYTES if isinstance(value, Address) else 8 if lane is Lane.U64 else 4
                start = value.offset - PARAMETER_BASE
                used |= {p.name for p in kernel.parameters if start < p.offset + p.size and p.offset < start + size}
    names = {array.name for array in kernel.shared}
    return used | names if touched and not used & names else used


def _every(emitted: list[Emitted], holds: Iterable[bool]) -> set[int]:
    """Statements all of whose instructions have a property."""
    having: set[int] = set()
    lacking: set[int] = set()
    for e, value in zip(emitted, holds, strict=True):
        (having if value else lacking).add(e.statement_id)
    return having - lacking


def _idle(emitted: Emitted) -> bool:
    """Whether an instruction does nothing, as padding does."""
    return emitted.plan is not None and not emitted.plan.declaration.parameters


def _at(reporter: Reporter, emitted: Emitted | Printing, message: str, expected: str = "") -> None:
    reporter.at_word(emitted.statement, message, emitted.location[1:], severity=WARNING, expected=expected)


def _labels(kernel: KernelBuilder, reporter: Reporter) -> None:
    used = {(id(label.statement), label.name) for label in kernel.labels if label.used}
    for label in kernel.labels:
        if (id(label.statement), label.name) not in used and label.address is not None:
            token = next(t for t in label.statement.labels if t.rstrip(": \t") == label.name)
            reporter.at_piece(label.statement, token, f"label {label.name} is never used", severity=WARNING)


def _names(kernel: KernelBuilder, reporter: Reporter) -> None:
    groups: dict[Hashable, list[RegisterArray]] = {}
    for array in kernel.arrays:
        groups.setdefault((id(array.declared), array.name), []).append(array)
    for group in groups.values():
        array = group[0]
        kind = "predicate" if array.predicate else "register"
        if not any(a.used for a in group):
            reporter.at_word(array.declared, f"{kind} {array.name} is never used", severity=WARNING)
        elif not any(a.written for a in group):
            reporter.at_word(array.declared, f"{kind} {array.name} is read but never written", severity=WARNING)


def _arrays(kernel: KernelBuilder, reporter: Reporter) -> None:
    """Accesses to fixed places beyond the shared array that they name."""
    for emitted, number in zip(kernel.emitted, kernel.through, strict=False):
        if number:
            assert emitted.plan is not None
            array = kernel.shared[number - 1]
            address = next(v for v in emitted.decoded.operands if isinstance(v, Address))
            if address.register == RZ and not array.offset <= address.offset < array.offset + array.size:
                where = address.offset - array.offset
                message = f"byte {where} is outside shared array {array.name}, which has {array.size} bytes"
                _at(reporter, emitted, message)


def _unwritten(kernel: KernelBuilder, reporter: Reporter) -> None:
    """Registers that the source names by number and reads, and nothing writes."""
    written = 0
    for array in kernel.arrays:
        if array.used:
            written |= ((1 << array.size) - 1) << array.start + (PREDICATE_SHIFT if array.predicate else 0)
    for emitted in kernel.emitted:
        written |= emitted.writes
    places: list[tuple[Emitted | Printing, int]] = []
    for emitted in kernel.emitted:
        assert emitted.plan is not None
        places.append((emitted, 0 if emitted.plan.partial else emitted.reads))
    for place, reads in [*places, *((each, each.reads()) for each in kernel.prints)]:
        missing = reads & ~written
        written |= missing
        for number in bits_of(missing):
            _at(reporter, place, f"{place_name(number)} is read but never written")
