"""What an engine returns, and the decoding of a launch that both engines share."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.engine.code_rows import ConstantReader
from dstc_isa.engine.launch import Launch, LaunchError
from dstc_isa.errors import DstcError
from dstc_isa.isa.codec import executed
from dstc_isa.isa.effects import Effect
from dstc_isa.isa.fetch import Lane
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.values import Constant
from dstc_isa.isa.volta.atomics import order_matters, red
from dstc_isa.overview import Overview
from dstc_isa.program import Kernel

DEFAULT_MAX_INSTRUCTIONS = 1 << 30
INSTRUCTION_LIMIT = (1 << 63) - 1


class SemanticsError(DstcError, RuntimeError):
    """An instruction whose semantics an engine cannot execute; the message names it and says why."""


@frozen
class Dependence:
    """How the outcome of a launch depends on the order of its CTAs, which is then that of ascending numbers.

    ``certain``: whether it does, or was only not found out for want of room. ``place``: the array element concerned,
    such as ``out[3]``. ``ctas`` and ``uses``: which two CTAs, None for several, and whether each reads, writes or
    reduces it. ``instruction``: index of the second one's instruction, None if it is not known.
    """

    certain: bool
    place: str
    ctas: tuple[int | None, int | None]
    uses: tuple[str, str]
    instruction: int | None

    def sentence(self, kernel: Kernel) -> str:
        """What a user should know."""
        order = "results are those of CTAs started in order on one host thread"
        if not self.certain:
            return f"CTAs may depend on their order, so {order}: too much memory is shared to tell ({self.place})"
        (first, second), (before, then) = self.ctas, self.uses
        who = "another CTA" if first is None else f"CTA {first}"
        other = "another" if second is None else f"CTA {second}"
        where = "" if self.instruction is None else f" ({kernel.place(self.instruction).split(', from ')[0]})"
        return f"CTAs depend on their order: {who} {before} {self.place} and {other} {then} it{where}; {order}"


@frozen(eq=False, repr=False)
class Execution(Overview):
    """The outcome of a launch.

    ``issued`` and ``skipped``: per instruction of the kernel, how often a warp issued it and how often its guard
    then held in no lane. ``seconds``: time of the run alone. ``threads``: host threads used. ``dependence``: how its
    CTAs were found to depend on their order, None if they do not or it was not looked for.
    """

    issued: npt.NDArray[np.int64]
    skipped: npt.NDArray[np.int64]
    seconds: float
    threads: int
    dependence: Dependence | None = None

    def overview(self) -> Mapping[str, object]:
        """How much was executed, and how fast."""
        return {
            "warp_instructions": self.warp_instructions,
            "seconds": f"{self.seconds:.4g}",
            "threads": self.threads,
            **({} if self.dependence is None else {"dependence": self.dependence.place}),
        }

    @property
    def warp_instructions(self) -> int:
        """Warp instructions issued, guarded-off ones included."""
        return int(self.issued.sum())


def decoded(launch: Launch) -> list[Instruction | None]:
    """The instructions of a launch, as ``instructions_of``; LaunchError for a constant outside its bank."""
    instructions = instructions_of(launch.kernel.isa, launch.kernel.words)
    check_constants(launch, constants_of(instructions))
    return instructions


def instructions_of(isa: Isa, words: Sequence[int]) -> list[Instruction | None]:
    """The instructions of a kernel; None for a word that is none, or cannot be executed, and faults when reached."""
    return [executed(isa, word) for word in words]


def constants_of(instructions: Sequence[Instruction | None]) -> dict[tuple[Constant, int], int]:
    """The constants that instructions read and how many words of each, with the index of the first that does."""
    found: dict[tuple[Constant, int], int] = {}
    for index, instruction in enumerate(instructions):
        if instruction is not None:
            for lane, value in zip(instruction.declaration.lanes, instruction.operands, strict=True):
                if isinstance(value, Constant):
                    found.setdefault((value, 1 + (lane is Lane.U64)), index)
    return found


def check_constants(launch: Launch, constants: Mapping[tuple[Constant, int], int]) -> None:
    """LaunchError for a constant outside its bank."""
    banks = ConstantReader(launch.banks)
    for (constant, words), index in constants.items():
        try:
            banks.read(constant, words)
        except IndexError as error:
            raise LaunchError(f"kernel {launch.kernel.name}, {launch.kernel.place(index)}: {error}") from None


def needs_one_thread(instructions: Sequence[Instruction | None]) -> bool:
    """Whether the result could depend on the order of CTAs, so that they must run one after the other.

    Any semantics that performs atomic operations counts, except on shared memory, and reductions that commute.
    """
    for instruction in instructions:
        if instruction is None:
            continue
        declaration = instruction.declaration
        if not declaration.effects >= {Effect.ATOMIC, Effect.GLOBAL}:
            continue
        names = declaration.modifier_values(instruction.modifiers)
        if declaration.function is not red or order_matters(names["operation"], names["kind"]):
            return True
    return False
