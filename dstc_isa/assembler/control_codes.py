"""Control codes of a complete kernel, and warnings about those that its author wrote."""

from functools import lru_cache

from attrs import evolve

from dstc_isa.assembler.emit import Emitted
from dstc_isa.assembler.flow import landings, successors_of
from dstc_isa.assembler.kernel import KernelBuilder
from dstc_isa.assembler.reporting import Reporter
from dstc_isa.diagnostics import HAZARD
from dstc_isa.gpu import Gpu
from dstc_isa.isa.access import Access, accessed_by
from dstc_isa.isa.control import Control, Prefix
from dstc_isa.program import MAXIMUM_INSTRUCTIONS, RAW, ControlRecord, Kernel
from dstc_isa.schedule import Code, Hazard, schedule
from dstc_isa.schedule.padding import padded
from dstc_isa.schedule.reuse import with_reuse
from dstc_isa.schedule.work import written_byte

_ALL = written_byte(Prefix(Control()))


def finished(kernel: KernelBuilder, gpu: Gpu, reporter: Reporter, severity: str) -> Kernel:
    """The kernel with codes filled in that are not written; the hazards that the written ones leave are reported."""
    labels = {label.address // kernel.isa.word.size for label in kernel.labels if label.address is not None}
    code = _code(kernel, labels)
    scheduled = schedule(code, gpu)
    for hazard in scheduled.hazards:
        _report(kernel, hazard, reporter, severity)
    words = scheduled.words
    if not kernel.manual:
        words = with_reuse(kernel.isa, words, code.accesses, code.record.written, labels)
    return padded(evolve(kernel.finish(), words=words, control=code.record), scheduled.padding)


def _code(kernel: KernelBuilder, labels: set[int]) -> Code:
    """What there is to be scheduled; a ``.word`` that decodes counts as written by hand."""
    emitted = kernel.emitted
    entries = landings(emitted, labels)
    room = MAXIMUM_INSTRUCTIONS - len(emitted) if kernel.movable and not entries else 0
    written = bytes(_ALL if kernel.manual and e.plan is not None else _written(e) for e in emitted)
    return Code(
        [e.word for e in emitted],
        [accessed_by(kernel.isa, e.word) if e.plan is None else Access(e.reads, e.writes) for e in emitted],
        [(index + 1,) if e.plan is None else successors_of(index, e) for index, e in enumerate(emitted)],
        ControlRecord(written, tuple(sorted(entries)), room > 0),
        room,
    )


def _written(emitted: Emitted) -> int:
    if emitted.plan is None:
        return RAW
    return _written_by(emitted.statement.control)


@lru_cache(maxsize=1 << 12)
def _written_by(prefix: str | None) -> int:
    return written_byte(None if prefix is None else Prefix.parse(prefix))


def _report(kernel: KernelBuilder, hazard: Hazard, reporter: Reporter, severity: str) -> None:
    emitted, producer = kernel.emitted[hazard.consumer], kernel.emitted[hazard.producer]
    name = f"{producer.statement.word or '.word'} at {producer.location[0]}"
    reporter.at_word(
        emitted.statement,
        hazard.message(emitted.statement.word or ".word", name),
        emitted.location[1:],
        severity=severity,
        expected=hazard.mend,
        kind=HAZARD,
    )
