"""Control codes of a finished kernel, and warnings about those that its author wrote."""

from dstc_isa.assembler.kernel import KernelBuilder
from dstc_isa.assembler.reporting import Reporter
from dstc_isa.assembler.schedule import Hazard, schedule
from dstc_isa.diagnostics import WARNING
from dstc_isa.gpu import Gpu
from dstc_isa.isa.field import WORD_BYTES

_USES = {
    "RAW": "reads {0} before {1} has its result",
    "WAW": "writes {0} before {1} has",
    "WAR": "overwrites {0}, which {1} may still have to read",
}


def set_control_codes(kernel: KernelBuilder, gpu: Gpu, reporter: Reporter) -> None:
    """Fill in the codes that are not written, and report the hazards that the written ones leave."""
    labels = {label.address // WORD_BYTES for label in kernel.labels if label.address is not None}
    for hazard in schedule(kernel.emitted, labels, gpu, kernel.manual):
        _report(kernel, hazard, reporter)


def _report(kernel: KernelBuilder, hazard: Hazard, reporter: Reporter) -> None:
    emitted, producer = kernel.emitted[hazard.consumer], kernel.emitted[hazard.producer]
    name = f"{producer.statement.word or '.word'} at {producer.location[0]}"
    if hazard.missing:
        mend = f"{hazard.missing} more cycles of stall between them"
    elif hazard.unset:
        mend = f"a scoreboard on the one that {'reads' if hazard.kind == 'WAR' else 'writes'}, and a wait for it"
    else:
        mend = "a wait for its scoreboard"
    reporter.at_word(
        emitted.statement,
        f"{hazard.kind} hazard: {emitted.statement.word or '.word'} {_USES[hazard.kind].format(hazard.name, name)}",
        emitted.location[1:],
        severity=WARNING,
        expected=mend,
    )
