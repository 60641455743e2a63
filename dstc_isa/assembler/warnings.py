"""Warnings about a kernel that assembles: what is declared or computed and never used, what is never reached."""

from collections.abc import Hashable, Iterable

from dstc_isa.assembler.emit import PREDICATE_SHIFT, Emitted
from dstc_isa.assembler.flow import analyse
from dstc_isa.assembler.kernel import KernelBuilder
from dstc_isa.assembler.reporting import Reporter
from dstc_isa.assembler.values import RegisterArray
from dstc_isa.diagnostics import WARNING
from dstc_isa.isa.field import WORD_BYTES


def warn(kernel: KernelBuilder, reporter: Reporter) -> None:
    """Report everything suspicious; a line that is expanded several times only if all its expansions are."""
    _labels(kernel, reporter)
    _names(kernel, reporter)
    labels = {label.address // WORD_BYTES for label in kernel.labels if label.address is not None}
    flow = analyse(kernel.emitted, labels)
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
        _at(reporter, kernel.emitted[-1], "control runs off the end of the kernel", expected="EXIT")


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


def _at(reporter: Reporter, emitted: Emitted, message: str, expected: str = "") -> None:
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


def _unwritten(kernel: KernelBuilder, reporter: Reporter) -> None:
    """Registers that the source names by number and reads, and nothing writes."""
    written = 0
    for array in kernel.arrays:
        if array.used:
            written |= ((1 << array.size) - 1) << array.start + (PREDICATE_SHIFT if array.predicate else 0)
    for emitted in kernel.emitted:
        written |= emitted.writes
    for emitted in kernel.emitted:
        assert emitted.plan is not None
        missing = 0 if emitted.plan.partial else emitted.reads & ~written
        written |= missing
        while missing:
            number = (missing & -missing).bit_length() - 1
            missing &= missing - 1
            name = f"R{number}" if number < PREDICATE_SHIFT else f"P{number - PREDICATE_SHIFT}"
            _at(reporter, emitted, f"{name} is read but never written")
