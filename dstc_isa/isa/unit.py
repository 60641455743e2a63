"""Functional units: what instructions run on, declared in one place with all that the machine must know of them.

An ordinary unit has a dispatch port, a latency and an initiation interval, which a GPU's file gives. A unit that costs
more than these can tell has a cost function, and a ``Block``: state in each sub-core, with the parameters that go with
it, counters, a bound and reasons of stalls.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import Factory, define, field, frozen

from dstc_isa.errors import DstcError
from dstc_isa.isa.effects import FIELDS
from dstc_isa.isa.warp import ARRAYS, SCALARS

STATE_WORDS = 96
"""64-bit words that a unit's warp state may have."""

TRACED_WORDS = 1
"""First words of that state, which are kept for each instruction that a warp has run ahead of its time."""


OF_ENGINES = frozenset(
    {
        "registers",
        "predicates",
        "thread_ids",
        "threads",
        "scratch",
        "shared",
        "launch",
        "cta",
        "tracker",
        "last_allocation",
        "last_address",
        "traffic",
        "access",
        "access_first",
        "access_bytes",
        "next_look",
        "addresses",
        "size",
        "unit_state",
    }
)
"""Fields by which engines know a warp beside those of ``isa.warp``: no unit may call its own so."""


class UnitError(DstcError, TypeError):
    """A unit was declared inconsistently."""


@frozen
class Given:
    """A parameter's value where a GPU's file has none; ``source``: its evidence, a key of ``gpu.schema.SOURCES``."""

    value: float | str
    source: str
    note: str = ""


@frozen
class Number:
    """An integer parameter: what it means, its range, unit and value."""

    meaning: str
    minimum: int
    maximum: int
    unit: str = "cycles"
    given: Given | None = None
    power_of_two: bool = False


@frozen
class Word:
    """A parameter that is one of some words; a cost function sees its place among them."""

    meaning: str
    choices: tuple[str, ...]
    given: Given | None = None


Parameters = Mapping[str, Number | Word]
Values = Mapping[str, Any]


@frozen
class Cell:
    """A field of state: what it means, how many 64-bit words it has, and what they are at first."""

    meaning: str
    words: int = 1
    first: int = 0


@frozen
class StallReason:
    """Why a warp does not issue.

    ``awaited``: what it waits for, in a few words. ``advice``: what to try where this takes much of the time.
    """

    name: str
    meaning: str
    awaited: str
    advice: str = ""


@define(eq=False)
class Block:
    """A part of each sub-core that units work with, such as an accumulation buffer.

    ``name``: its table in a GPU's file. ``state``: of each sub-core. ``counters``: of each SM, with their meaning.
    ``bound``: from counters (summed over the GPU) and parameters, the cycles that it must be busy in all, so that the
    GPU's sub-cores together need their share of them. ``holds``: why a warp waits while it holds its units' port.
    ``awaits``: why one waits for a scoreboard of its units' instructions. ``isa``: name of its instruction set, once
    an instruction of that runs on a unit with it.
    """

    name: str
    title: str
    meaning: str
    parameters: Parameters = field(factory=dict)
    state: Mapping[str, Cell] = field(factory=dict)
    counters: Mapping[str, str] = field(factory=dict)
    bound: Callable[[Mapping[str, int], Values], float] | None = None
    holds: StallReason | None = None
    awaits: StallReason | None = None
    isa: str = field(default="", init=False)


@define(eq=False, repr=False)
class Unit:
    """What instructions run on; ``name`` is its table among the pipes of a GPU's file.

    ``given``: timing where such a file has none: ``latency``, ``initiation``, ``accumulate`` and ``port``.
    ``reads_late``: sources are read some time after issue, so a scoreboard guards them. ``memory``: the load and
    store unit, whose instructions go through its queue. ``branches``: its latency is what a taken branch costs, and the
    start of a CTA. ``state``: fields of the warp by which semantics tell the
    cost function what they did; all zero before each of its instructions. ``block``: what its cost function works
    with. ``vanishes``: a parameter of the block, and the word for which an instruction whose guard is false takes no
    issue slot. ``floats``: the registers it writes are FP32 numbers where operands do not say what they are.
    ``compiled``: a module whose ``register()`` gives operations of the unit's own their meaning in compiled code, if
    Numba cannot translate them. ``isa``: name of the instruction set that it is part of, by its first instruction.
    """

    name: str
    meaning: str
    given: Mapping[str, Given] = Factory(dict)
    reads_late: bool = False
    memory: bool = False
    branches: bool = False
    state: Mapping[str, Cell] = Factory(dict)
    block: Block | None = None
    vanishes: tuple[str, str] | None = None
    floats: bool = False
    compiled: str | None = None
    cost_function: Callable[..., None] | None = field(default=None, init=False)
    shipped: bool = field(default=False, init=False)
    isa: str = field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        """Raise UnitError if it contradicts itself."""
        _check(self)

    def __repr__(self) -> str:
        return f"Unit({self.name})"

    def cost(self, function: Callable[..., None]) -> Callable[..., None]:
        """Declare what an instruction costs, once it has executed.

        The function is compiled, and called as ``function(charge, warp, block, parameters, counters)``: a record of
        what is charged (``timing.model_records.CHARGE``), the warp, the block's state in the sub-core, the parameters
        of the unit (latency, initiation, accumulate) and of its block, the block's counters.
        """
        if self.shipped or self.cost_function is not None:
            raise UnitError(f"unit {self.name} has a cost already, or is the package's: declare a unit of your own")
        self.cost_function = function
        return function

    @property
    def state_words(self) -> int:
        """64-bit words of its warp state."""
        return sum(cell.words for cell in self.state.values())

    @property
    def in_time(self) -> bool:
        """Whether its instructions run when they issue: what they leave for it is more than a trace keeps."""
        return self.memory or self.state_words > TRACED_WORDS


def _check(unit: Unit) -> None:
    if unit.state_words > STATE_WORDS:
        raise UnitError(f"unit {unit.name} has {unit.state_words} words of warp state; there is room for {STATE_WORDS}")
    taken = [name for name in unit.state if name in {*SCALARS, *ARRAYS, *OF_ENGINES}]
    if taken:
        raise UnitError(f"unit {unit.name}: a warp has a field {taken[0]} already")
    block = unit.block
    if unit.vanishes is not None:
        parameter, word = unit.vanishes
        declared = None if block is None else block.parameters.get(parameter)
        if not isinstance(declared, Word) or word not in declared.choices:
            raise UnitError(f"unit {unit.name} vanishes by {parameter} = {word}, which its block does not have")
    if block is None:
        return
    if any("size" in names for names in (block.parameters, block.state, block.counters)):
        raise UnitError(f"block {block.name}: nothing of it can be called size, which every record has")
    reserved = sorted({"latency", "initiation", "accumulate", "port"} & set(block.parameters))
    if reserved:
        raise UnitError(f"block {block.name}: {reserved[0]} is a parameter of every unit")


def check_beside(unit: Unit, others: Sequence[Unit]) -> None:
    """Raise UnitError if a unit cannot stand beside others of an instruction set."""
    if any(other.name == unit.name for other in others):
        raise UnitError(f"there is a unit {unit.name} already")
    taken = [name for name in unit.state if name in FIELDS]
    if taken:
        raise UnitError(f"unit {unit.name}: a warp has a field {taken[0]} already")
    block = unit.block
    for other in (each.block for each in others):
        if block is None or other is None or other is block:
            continue
        if other.name == block.name:
            raise UnitError(f"there is a block {block.name} already")
        counters = sorted(set(block.counters) & set(other.counters))
        if counters:
            raise UnitError(f"block {block.name}: block {other.name} has a counter {counters[0]} already")
