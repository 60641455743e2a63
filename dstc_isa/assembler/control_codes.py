"""Control codes of a complete kernel, and warnings about those that its author wrote."""

from attrs import evolve

from dstc_isa.assembler.kernel import KernelBuilder
from dstc_isa.assembler.reporting import Reporter
from dstc_isa.assembler.schedule import Hazard, schedule
from dstc_isa.assembler.schedule.padding import padded
from dstc_isa.diagnostics import HAZARD
from dstc_isa.gpu import Gpu
from dstc_isa.isa.field import WORD_BYTES
from dstc_isa.program import MAXIMUM_INSTRUCTIONS, Kernel


def finished(kernel: KernelBuilder, gpu: Gpu, reporter: Reporter, severity: str) -> Kernel:
    """The kernel with codes filled in that are not written; the hazards that the written ones leave are reported."""
    labels = {label.address // WORD_BYTES for label in kernel.labels if label.address is not None}
    room = MAXIMUM_INSTRUCTIONS - len(kernel.emitted) if kernel.movable else 0
    scheduled = schedule(kernel.emitted, labels, gpu, kernel.manual, room)
    for hazard in scheduled.hazards:
        _report(kernel, hazard, reporter, severity)
    return padded(evolve(kernel.finish(), control=scheduled.record), scheduled.padding)


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
