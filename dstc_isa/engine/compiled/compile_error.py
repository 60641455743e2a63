"""Says in a few lines which instruction's semantics Numba could not compile, and why."""

import re
from collections.abc import Sequence

from dstc_isa.engine.code_rows import dispatch_number
from dstc_isa.engine.compiled.generate import INDENT
from dstc_isa.engine.execution import SemanticsError
from dstc_isa.isa.instruction import Declaration

SHOWN_LINES = 4
_FAILED = "Failed in nopython mode pipeline"
_BRANCH = re.compile(r"operation == (\d+):")
_NOISE = re.compile(r" at 0x[0-9a-f]+|: %\".*")
_PLACE = ("During: ", "File ")
_CANDIDATES = ("There are", "- Of which", "Overload in", "With argument", "Rejected", "raised from")


def semantics_error(error: Exception, module: str, source: str, declared: Sequence[Declaration]) -> SemanticsError:
    """What Numba's ``error`` on the module that was generated for ``declared`` means for the author of one of them."""
    message = str(error)
    declaration = guilty(message, module, source, declared)
    reason = "\n".join(f"  {line}" for line in causes(message))
    if declaration is None:
        costs = {d.unit.name for d in declared if d.unit.cost_function is not None and not d.unit.shipped}
        what = f"what files of the user's declare, instructions or the cost of {', '.join(costs)}," if costs else ""
        return SemanticsError(f"{what or 'the declared instructions'} cannot be compiled:\n{reason}")
    file = declaration.function.__code__.co_filename
    inside = re.search(rf"{re.escape(file)} \((\d+)\)", message)
    line = int(inside[1]) if inside else declaration.function.__code__.co_firstlineno
    return SemanticsError(
        f"{file}:{line}: the semantics of {declaration.mnemonic} cannot be compiled:\n{reason}\n"
        f"  expected: operators and the functions of dstc_isa.isa.lanes and dstc_isa.isa.warp, and results of the "
        f"declared types"
    )


def guilty(message: str, module: str, source: str, declared: Sequence[Declaration]) -> Declaration | None:
    """The instruction whose branch of the generated module ``message`` names first, if it names one."""
    lines = source.splitlines()
    named = re.search(rf"{re.escape(module)} \((\d+)\)", message)
    at = int(named[1]) - 1 if named else 0
    if not 0 < at < len(lines) or not lines[at].startswith(INDENT):
        return None
    for line in reversed(lines[:at]):
        branch = _BRANCH.search(line)
        if branch:
            return next((each for each in declared if dispatch_number(each) == int(branch[1])), None)
    return None


def causes(message: str) -> list[str]:
    """The lines of a Numba message behind its last stage heading that say what is wrong."""
    found: list[str] = []
    for line in message.rsplit(_FAILED, maxsplit=1)[-1].splitlines()[1:]:
        text = _NOISE.sub("", line.strip())
        if text.startswith(_PLACE):
            break
        if text and not text.startswith(_CANDIDATES):
            found.append(text)
    return found[:SHOWN_LINES]
