"""Control codes of a finished kernel, and warnings about those that its author wrote."""

from dstc_isa.assembler.kernel import KernelBuilder
from dstc_isa.assembler.reporting import Reporter
from dstc_isa.assembler.schedule import Hazard, schedule
from dstc_isa.gpu import Gpu
from dstc_isa.isa.field import WORD_BYTES


def set_control_codes(kernel: KernelBuilder, gpu: Gpu, reporter: Reporter, severity: str) -> None:
    """Fill in the codes that are not written, and report the hazards that the written ones leave."""
    labels = {label.address // WORD_BYTES for label in kernel.labels if label.address is not None}
    for hazard in schedule(kernel.emitted, labels, gpu, kernel.manual):
        _report(kernel, hazard, reporter, severity)


def _report(kernel: KernelBuilder, hazard: Hazard, reporter: Reporter, severity: str) -> None:
    emitted, producer = kernel.emitted[hazard.consumer], kernel.emitted[hazard.producer]
    name = f"{producer.statement.word or '.word'} at {producer.location[0]}"
    reporter.at_word(
        emitted.statement,
        hazard.message(emitted.statement.word or ".word", name),
        emitted.location[1:],
        severity=severity,
        expected=hazard.mend,
    )
