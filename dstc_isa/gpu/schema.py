"""The parameters of a GPU: name, type, unit, range and meaning, declared once."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import cache
from operator import attrgetter
from typing import Any, TypeGuard

import attrs
from attrs import frozen

from dstc_isa.isa.effects import Effect
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.unit import Block, Given, Number, Unit, UnitError, Values, Word
from dstc_isa.overview import Overview

SETTING = "SET"
"""The source of a parameter that was changed by name."""

SOURCES = {
    "HW": "measured on silicon by others",
    "JIA": "Jia et al. 2018, arXiv 1804.06826",
    "RAI": "Raihan et al. 2018, arXiv 1811.08309",
    "SIM": "configuration of a published simulator, SM7_QV100",
    "SPEC": "vendor document",
    "PTXAS": "read off stall counts in compiler output",
    "INF": "inferred from other values, see the note",
    "CHOSEN": "chosen by this project, see the note",
    SETTING: "set on the command line",
}


@frozen
class Spec:
    """What a parameter may be: ``kind`` is int, float or str; ``choices`` lists a str's values, none for any name.

    ``given``: the value for GPUs whose files have none. ``compiled``: compiled code has it in the machine's record, as
    the field ``l2_latency`` for ``l2.latency``.
    """

    kind: type
    unit: str
    meaning: str
    minimum: float = 0
    maximum: float = 0
    choices: tuple[str, ...] = ()
    given: Given | None = None
    compiled: bool = False

    @property
    def allowed(self) -> str:
        """The allowed values, for messages."""
        if self.kind is str:
            return f"one of {', '.join(self.choices)}" if self.choices else "a name"
        number = "an integer" if self.kind is int else "a number"
        return f"{number} from {self.minimum:g} to {self.maximum:g}" + (f" {self.unit}" if self.unit else "")


def whole(
    unit: str, meaning: str, minimum: int, maximum: int, *, given: Given | None = None, compiled: bool = False
) -> Any:
    """An integer parameter; ``given`` and ``compiled``: see ``Spec``."""
    return _field(Spec(int, unit, meaning, minimum, maximum, given=given, compiled=compiled))


def real(unit: str, meaning: str, minimum: float, maximum: float, *, given: Given | None = None) -> Any:
    """A real parameter."""
    return _field(Spec(float, unit, meaning, minimum, maximum, given=given))


def word(meaning: str, *choices: str, given: Given | None = None) -> Any:
    """A parameter that is a word."""
    return _field(Spec(str, "", meaning, choices=choices, given=given))


def cycles(
    meaning: str, minimum: int = 0, maximum: int = 1_000_000, *, given: Given | None = None, compiled: bool = False
) -> Any:
    """A time in core clock cycles; ``given`` and ``compiled``: see ``Spec``."""
    return whole("cycles", meaning, minimum, maximum, given=given, compiled=compiled)


def _field(spec: Spec) -> Any:
    return attrs.field(metadata={"spec": spec})


GUARD = "guard"
"""What a predicate is for as the guard of an instruction, or as the condition of a branch."""

TO = "to."
"""Begins the keys of latencies to the instructions of one unit, such as ``pipes.ALU.to.FMA``."""


@frozen(kw_only=True)
class PipeTiming:
    """An execution pipe of a sub-core; ``to``: its latencies to single units, and to GUARD, where they differ."""

    latency: int = cycles("from an instruction's issue to that of one that needs its result", 0, 1000)
    initiation: int = cycles("between two warp instructions on the pipe's port", 1, 256)
    accumulate: int = cycles("as latency, to an instruction of the pipe that takes the result as accumulator", 0, 1000)
    port: str = word("dispatch port; pipes with the same one take turns")
    to: tuple[tuple[str, int], ...] = ()

    def latencies(self, consumers: Sequence[str]) -> tuple[int, ...]:
        """From an instruction's issue to that of one that needs its result, by who it is."""
        to = dict(self.to)
        return tuple(to.get(name, self.latency) for name in consumers)

    @property
    def longest(self) -> int:
        """Cycles from an instruction's issue until nobody needs to wait for its result any more."""
        return max(self.latency, self.accumulate, *dict(self.to).values())


@frozen(kw_only=True)
class Sm:
    """A streaming multiprocessor."""

    count: int = whole("", "SMs of the GPU", 1, 1024)
    subcores: int = whole("", "sub-cores of an SM, each issues one warp instruction a cycle", 1, 8, compiled=True)
    warps: int = whole("warps", "that an SM holds at once", 1, 256)
    ctas: int = whole("CTAs", "that an SM holds at once", 1, 64)
    threads: int = whole("threads", "that an SM holds at once", 32, 8192)
    registers: int = whole("32-bit registers", "of an SM", 1024, 1 << 20)
    register_unit: int = whole("registers", "to a multiple of which a warp's registers are allocated", 32, 4096)
    shared_bytes: int = whole("bytes", "of an SM's memory that can be shared memory", 1024, 1 << 20)
    l1_and_shared_bytes: int = whole("bytes", "of memory for L1 and shared memory together", 1024, 1 << 21)
    cta_launch_cycles: int = cycles("from the place for a CTA to its first instruction", 0, 100_000, compiled=True)


@frozen(kw_only=True)
class Scheduler:
    """The warp scheduler of a sub-core."""

    policy: str = word("gto: greedy, then the oldest warp; lrr: loose round robin", "gto", "lrr")


@frozen(kw_only=True)
class RegisterFile:
    """The register file of a sub-core."""

    banks: int = whole("", "banks; bank b holds registers with r mod banks = b", 1, 32)
    conflict_cycles: int = cycles(
        "for each source register that a bank cannot deliver within the initiation interval", 0, 16
    )


@frozen(kw_only=True)
class Shared:
    """Shared memory and the load and store unit before it."""

    latency: int = cycles("of a load without conflicts", 1, 10_000, compiled=True)
    banks: int = whole("", "banks of 4 bytes; each delivers one word a cycle", 1, 64, compiled=True)
    queue: int = whole("wavefronts", "that may wait in the load and store unit", 1, 4096, compiled=True)


@frozen(kw_only=True)
class L1:
    """The L1 cache of an SM; its size is what shared memory leaves over."""

    latency: int = cycles("of a hit", 1, 10_000, compiled=True)
    line_bytes: int = whole("bytes", "of a line", 128, 128)
    sector_bytes: int = whole("bytes", "of a sector, the unit of transfer", 32, 32)
    ways: int = whole("", "ways of a set", 1, 64, compiled=True)


@frozen(kw_only=True)
class L2:
    """The L2 cache of the GPU."""

    bytes: int = whole("bytes", "capacity", 1 << 16, 1 << 30)
    ways: int = whole("", "ways of a set", 1, 64, compiled=True)
    latency: int = cycles("of a hit", 1, 10_000, compiled=True)
    bandwidth: int = whole("B/cycle", "of all slices together", 1, 1 << 16)
    port_bandwidth: int = whole("B/cycle", "between L2 and one SM", 1, 4096)
    atomic_latency: int = cycles("of an atomic operation", 1, 10_000, compiled=True)
    queue_cycles: int = cycles("of transfers that may wait between an SM and L2 or DRAM", 1, 1 << 16, compiled=True)


@frozen(kw_only=True)
class Dram:
    """Device memory."""

    latency: int = cycles("of a load that misses in L2", 1, 10_000, compiled=True)
    bandwidth_gb_s: float = real("GB/s", "of all channels together", 0.001, 100_000)


@frozen(kw_only=True)
class Barrier:
    """CTA barriers."""

    latency: int = cycles("from the last arrival to the release", 0, 10_000, compiled=True)


@frozen(kw_only=True)
class Model:
    """The simulation itself."""

    epoch_cycles: int = cycles(
        "that SMs run apart before they exchange L2 contents and share DRAM anew",
        64,
        1 << 20,
        given=Given(4096, "CHOSEN", "see docs/timing.md for the error"),
    )


@frozen
class GpuParameter:
    """A parameter as it took effect: ``source`` is a key of SOURCES, ``origin`` the file or the command line."""

    key: str
    value: Any
    unit: str
    source: str
    note: str
    origin: str


Timetable = tuple[tuple[str, PipeTiming, bool] | tuple[str, int], ...]
"""Every unit with its timing, and whether an instruction of it whose guard is false takes no issue slot; then the
latencies of memory that are below another instruction's, by key."""


_MEMORY = {
    frozenset({Effect.SHARED}): "shared.latency",
    frozenset({Effect.CONSTANT}): "shared.latency",
    frozenset({Effect.GLOBAL, Effect.LOAD}): "l1.latency",
    frozenset({Effect.GLOBAL, Effect.STORE}): "l2.latency",
    frozenset({Effect.GLOBAL, Effect.ATOMIC}): "l2.atomic_latency",
}
"""The latency, by its key, after which an instruction that touches this is done at the soonest."""

DIGEST_DIGITS, NAME_LIMIT = 12, 1000

MAXIMUM_PORTS = 15
"""Dispatch ports of a sub-core."""


@frozen
class ScheduledFor:
    """What control codes were filled in for: the name of a GPU, with changed values, and a digest of its timetable."""

    name: str
    digest: str

    def __str__(self) -> str:
        return f"{self.name} [{self.digest}]"


@frozen(kw_only=True, repr=False)
class Gpu(Overview):
    """A GPU; ``isa`` is the instruction set that it executes, ``rows`` tell where each value comes from."""

    clock_mhz: float = real("MHz", "core clock", 1, 100_000)
    kernel_launch_cycles: int = cycles("of a kernel launch, reported apart from the kernel's own", 0, 10_000_000)
    sm: Sm
    scheduler: Scheduler
    pipes: Mapping[Unit, PipeTiming]
    blocks: Mapping[Block, Values]
    register_file: RegisterFile
    shared: Shared
    l1: L1
    l2: L2
    dram: Dram
    barrier: Barrier
    model: Model
    isa: Isa
    name: str = attrs.field(default="")
    description: str = attrs.field(default="")
    rows: tuple[GpuParameter, ...] = attrs.field(default=(), eq=False, repr=False)

    def overview(self) -> Mapping[str, object]:
        """Name, size and clock, and what was set."""
        changed = {row.key: row.value for row in self.rows if row.source == "SET"}
        return {"name": self.name, "sms": self.sm.count, "clock_mhz": f"{self.clock_mhz:g}", **changed}

    def vanishes(self, unit: Unit) -> bool:
        """Whether an instruction of a unit whose guard is false takes no issue slot."""
        if unit.block is None or unit.vanishes is None:
            return False
        parameter, word = unit.vanishes
        return bool(self.blocks[unit.block][parameter] == word)

    def soonest(self, declaration: Declaration) -> int:
        """Cycles from an instruction's issue after which its result may be there; a fixed latency is just as long.

        What a cost function from a file of the user's makes of a variable one cannot be told.
        """
        unit, effects = declaration.unit, declaration.effects
        if not declaration.variable_latency:
            return self.pipes[unit].latency
        if unit.cost_function is not None and not unit.shipped:
            return 0
        memory = [key for reached, key in _MEMORY.items() if reached <= effects] if unit.memory else []
        return min((self._latency(key) for key in memory), default=self.pipes[unit].latency)

    def _latency(self, key: str) -> int:
        return int(attrgetter(key)(self))

    @property
    def timetable(self) -> Timetable:
        """All that control codes depend on; a unit from a file of the user's counts if it is not as declared."""
        units = tuple(
            (unit.name, timing, self.vanishes(unit))
            for unit, timing in self.pipes.items()
            if unit.shipped or not self._as_given(unit, timing)
        )
        return (*units, *self._quick_memory().items())

    def _quick_memory(self) -> dict[str, int]:
        """Latencies of memory by which a load could be done before an instruction of fixed latency that came first."""
        fixed = {each.unit for each in self.isa.declarations if not each.variable_latency}
        longest = max((max(self.pipes[unit].latencies(consumers(self.isa.units))) for unit in fixed), default=0)
        return {key: self._latency(key) for key in _MEMORY.values() if self._latency(key) < longest}

    def _as_given(self, unit: Unit, timing: PipeTiming) -> bool:
        """Whether a unit's timing, and what makes it vanish, are those of its declaration."""
        stated = {name: each.value for name, each in unit.given.items()}
        of_file = any(getattr(timing, name) != stated[name] for name in stated.keys() & _TIMING.keys())
        of_file = of_file or dict(timing.to) != dict(_to_users(stated))
        if of_file or unit.block is None or unit.vanishes is None:
            return not of_file
        usual = unit.block.parameters[unit.vanishes[0]].given
        return usual is not None and self.vanishes(unit) == (usual.value == unit.vanishes[1])

    @property
    def compiled_parameters(self) -> dict[str, int]:
        """The values of ``compiled_parameters()``."""
        keys = [key for key, spec in _specs((), ()).items() if spec.compiled]
        return {key.replace(".", "_"): attrgetter(key)(self) for key in keys}

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters that were changed by name, such as with ``--set``."""
        return {row.key: row.value for row in self.rows if row.source == SETTING}

    @property
    def target(self) -> ScheduledFor:
        """What programs are scheduled for on it."""
        digest = hashlib.sha256(repr(self.timetable).encode()).hexdigest()[:DIGEST_DIGITS]
        vanish = (f"{u.block.name}.{u.vanishes[0]}" for u in self.isa.units if u.block and u.vanishes)
        timed = ("pipes.", *vanish, *self._quick_memory())
        changed = [f"{row.key}={row.value}" for row in self.rows if row.source == SETTING and row.key.startswith(timed)]
        name = "".join(c if c.isprintable() else "?" for c in " ".join([self.name, *changed]))
        return ScheduledFor(name[:NAME_LIMIT], digest)


def specs(isa: Isa) -> Mapping[str, Spec]:
    """Dotted key -> what it may be, for every parameter of a GPU of an instruction set, its units included."""
    return _specs(tuple(isa.units), tuple(isa.blocks))


def of_units(isa: Isa) -> Set[str]:
    """The keys of its units."""
    return specs(isa).keys() - _specs((), ()).keys()


def compiled_parameters() -> Mapping[str, Spec]:
    """The parameters that compiled code reads, by the names that it has for them, such as ``l2_latency``."""
    return {key.replace(".", "_"): spec for key, spec in _specs((), ()).items() if spec.compiled}


@cache
def _specs(units: tuple[Unit, ...], blocks: tuple[Block, ...]) -> dict[str, Spec]:
    found: dict[str, Spec] = {}
    for field in attrs.fields(Gpu):
        if "spec" in field.metadata:
            found[field.name] = field.metadata["spec"]
        elif field.name == "pipes":
            for unit in units:
                for name, spec in _TIMING.items():
                    found[f"pipes.{unit.name}.{name}"] = spec
                for consumer in consumers(units):
                    found[f"pipes.{unit.name}.{TO}{consumer}"] = _to(consumer)
        elif field.name == "blocks":
            for block in blocks:
                if block.name in attrs.fields_dict(Gpu):
                    raise UnitError(f"block {block.name}: a GPU has a table of that name already")
                for name, parameter in block.parameters.items():
                    found[f"{block.name}.{name}"] = _spec(parameter)
        elif _is_table(field.type):
            for part in attrs.fields(field.type):
                found[f"{field.name}.{part.name}"] = part.metadata["spec"]
    return found


_TIMING: dict[str, Spec] = {f.name: f.metadata["spec"] for f in attrs.fields(PipeTiming) if "spec" in f.metadata}


def consumers(units: Iterable[Unit]) -> tuple[str, ...]:
    """Whose latency may differ from others': the units by name, and at last GUARD."""
    return (*(unit.name for unit in units), GUARD)


@cache
def _to(consumer: str) -> Spec:
    what = "a guard or the condition of a branch" if consumer == GUARD else f"an instruction of {consumer}"
    return Spec(int, "cycles", f"as latency, to {what}", 0, 1000)


def _is_table(kind: Any) -> TypeGuard[type[attrs.AttrsInstance]]:
    """Whether a field of a GPU is a table of parameters."""
    return isinstance(kind, type) and attrs.has(kind) and all("spec" in part.metadata for part in attrs.fields(kind))


def _spec(parameter: Number | Word) -> Spec:
    if isinstance(parameter, Word):
        return Spec(str, "", parameter.meaning, choices=parameter.choices)
    return Spec(int, parameter.unit, parameter.meaning, parameter.minimum, parameter.maximum)


def given(isa: Isa) -> Mapping[str, Given]:
    """The values that declarations of parameters and units state, for GPUs whose files have none."""
    plain = {key: spec.given for key, spec in _specs((), ()).items() if spec.given is not None}
    timings = {f"pipes.{unit.name}.{name}": value for unit in isa.units for name, value in unit.given.items()}
    parameters = {
        f"{b.name}.{name}": p.given for b in isa.blocks for name, p in b.parameters.items() if p.given is not None
    }
    return plain | timings | parameters


def is_optional(isa: Isa, key: str) -> bool:
    """Whether a file may leave a key out: for accumulation, and to single units, the latency holds then."""
    return key.endswith(".accumulate") or f".{TO}" in key or key in given(isa)


def powers_of_two(isa: Isa) -> list[str]:
    """Keys whose values must be powers of two."""
    of_blocks = (
        f"{block.name}.{name}"
        for block in isa.blocks
        for name, parameter in block.parameters.items()
        if isinstance(parameter, Number) and parameter.power_of_two
    )
    return [*of_blocks, "shared.banks"]


class UnitTimings(dict[Unit, PipeTiming]):
    """Timing of each unit; of one that was declared after the GPU was read, as its declaration gives it."""

    def __missing__(self, unit: Unit) -> PipeTiming:
        lacking = [name for name in ("latency", "initiation", "port") if name not in unit.given]
        if lacking:
            raise UnitError(f"unit {unit.name} gives no {lacking[0]}, and the GPU was read before it was declared")
        return _pipe_timing({name: each.value for name, each in unit.given.items()})


class BlockValues(dict[Block, Values]):
    """Parameters of each block, likewise."""

    def __missing__(self, block: Block) -> Values:
        lacking = [name for name, each in block.parameters.items() if each.given is None]
        if lacking:
            raise UnitError(f"block {block.name} gives no {lacking[0]}, and the GPU was read before it was declared")
        return {name: each.given.value for name, each in block.parameters.items() if each.given is not None}


def _pipe_timing(values: Mapping[str, Any]) -> PipeTiming:
    stated = {name: value for name, value in values.items() if value is not None and not name.startswith(TO)}
    return PipeTiming(**{"accumulate": values["latency"], **stated}, to=_to_users(values))


def _to_users(values: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    return tuple((name.removeprefix(TO), value) for name, value in values.items() if name.startswith(TO))


def build(isa: Isa, name: str, description: str, rows: Mapping[str, GpuParameter]) -> Gpu:
    """The configuration with these values; all keys but the optional ones must be there."""
    values = {key: row.value for key, row in rows.items()}
    pipes = UnitTimings()
    for unit in isa.units:
        prefix = f"pipes.{unit.name}."
        pipes[unit] = _pipe_timing({k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)})
    blocks = BlockValues({b: {part: values[f"{b.name}.{part}"] for part in b.parameters} for b in isa.blocks})
    parts: dict[str, Any] = {"pipes": pipes, "blocks": blocks, "isa": isa}
    for field in attrs.fields(Gpu):
        if "spec" in field.metadata:
            parts[field.name] = values[field.name]
        elif field.name not in parts and _is_table(field.type):
            make: Any = field.type
            own = {part.name: values[f"{field.name}.{part.name}"] for part in attrs.fields(make)}
            parts[field.name] = make(**own)
    return Gpu(**parts, name=name, description=description, rows=tuple(rows[key] for key in specs(isa) if key in rows))
