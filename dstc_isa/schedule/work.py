"""What scheduling must know of an instruction, and what it decides."""

from functools import lru_cache

from attrs import Factory, define

from dstc_isa.gpu import Gpu, PipeTiming
from dstc_isa.gpu.schema import consumers
from dstc_isa.isa.access import Access, addends
from dstc_isa.isa.codec import DecodeError, declared_by, decode
from dstc_isa.isa.control import NO_SCOREBOARD, SCOREBOARDS, Control, ControlFields, Prefix
from dstc_isa.isa.effects import Effect
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.masks import PREDICATE_MASK, REGISTER_MASK, predicate
from dstc_isa.isa.unit import Unit
from dstc_isa.isa.values import ALWAYS
from dstc_isa.program import ALL_WRITTEN, LEAST_SHIFT, RAW

NEXT_ISSUE = 1
"""Cycles until a warp's next instruction issues, at least: what has a latency of 0 is used no sooner."""


@define(eq=False)
class Work:
    """What is known of an instruction, and at last its control code.

    ``codes``: where its word has the control code. ``reads`` has its guard. ``guards``: predicates read as guard or as
    condition of a branch. ``kind``: its place among the users whose latencies differ, and ``to``: the latencies of its
    results by such places. ``late``: registers read some time after issue. ``tile``: accumulators that the
    outer-product pipe keeps in order. ``accumulators``: sources to which ``accumulate`` applies instead of a latency if
    ``pipe`` produced them. ``latency``: of a variable one the least. ``awaited``: who needs what it writes is to wait
    for its write scoreboard, since the latency varies, or is more than a stall count holds and NOPs cannot make up for
    it; else cycles do, unless it is waited for. ``guarded``: it may leave what it writes as it was. ``vanishes``: if
    its guard is false it takes no issue slot, a cycle less than its stall count. ``keeps_wait`` and so on: the author
    gave this part of the control code; ``fixed``: all of the word stays as it is. ``initiation``: cycles it holds its
    port for sure, 0 if guarded.
    """

    codes: ControlFields
    reads: int = 0
    writes: int = 0
    guards: int = 0
    kind: int = 0
    to: tuple[int, ...] = ()
    late: int = 0
    tile: int = 0
    accumulators: int = 0
    pipe: Unit | None = None
    latency: int = 0
    accumulate: int = 0
    variable: bool = False
    awaited: bool = False
    slow: bool = False
    port: str = ""
    initiation: int = 0
    indirect: bool = False
    jumps: bool = False
    guarded: bool = False
    vanishes: bool = False
    fixed: bool = False
    keeps_wait: bool = False
    keeps_read: bool = False
    keeps_write: bool = False
    keeps_stall: bool = False
    stall: int = 1
    yields: bool = False
    write: int = NO_SCOREBOARD
    read: int = NO_SCOREBOARD
    wait: int = 0
    producers: list[int] = Factory(list)

    def control_word(self) -> int:
        """The bits of the control code, of a longer stall as much as it holds."""
        stall = min(self.stall, self.codes.stall.maximum)
        return _control_word(self.codes, stall, self.yields, self.write, self.read, self.wait)

    @property
    def elapses(self) -> int:
        """Cycles that surely pass until the next instruction issues, as far as the stall count says."""
        return self.stall - self.vanishes

    @property
    def forwards(self) -> bool:
        """Whether its pipe's accumulators can have what it writes while others still wait for its scoreboard."""
        return self.awaited and not self.variable and self.accumulate < min(self.latency, self.codes.stall.maximum + 1)

    @property
    def longest(self) -> int:
        """The longest of its latencies."""
        return max(self.latency, self.accumulate, *self.to)

    def needs(self, result: tuple[int, ...], place: int) -> int:
        """The cycles until it can use a result in a place that it reads, one of the latencies of the result."""
        return result[-1 if self.guards >> place & 1 else self.kind]

    def boards(self) -> int:
        """Mask of the scoreboards it sets."""
        return (1 << self.write | 1 << self.read) & ((1 << SCOREBOARDS) - 1)


@lru_cache(maxsize=1 << 14)
def _control_word(codes: ControlFields, stall: int, yields: bool, write: int, read: int, wait: int) -> int:
    return codes.encode(Control(stall, yields, write, read, wait))


def work_of(word: int, access: Access, gpu: Gpu, written: int, boards: bool) -> Work:
    """Gather it from an instruction, of whose control code ``written`` is its author's (a byte of ``ControlRecord``).

    ``boards``: latencies that no stall count holds are left to scoreboards. A word that is no instruction does nothing.
    """
    isa = gpu.isa
    found = declared_by(isa, word)
    if found is None or (written == RAW and not _decodes(isa, word)):
        codes = isa.word.control
        return Work(codes, fixed=True, keeps_wait=True, keeps_read=True, keeps_write=True, keeps_stall=True)
    declaration, _ = found
    work = _timed(declaration, gpu)
    work.reads, work.writes = access.reads, access.writes
    guard = isa.word.decode_guard(word)
    if guard != ALWAYS:
        work.initiation = 0
        work.guarded = True
        work.vanishes = gpu.vanishes(declaration.unit)
    work.guards = predicate(guard.index) | (access.reads & PREDICATE_MASK if declaration.unit.branches else 0)
    _refine(work, declaration, word)
    _keep(work, word, written)
    if written != RAW:
        work.indirect, work.jumps = Effect.INDIRECT in declaration.effects, Effect.JUMP in declaration.effects
    work.awaited = _awaited(work, boards and written != RAW)
    return work


def _decodes(isa: Isa, word: int) -> bool:
    try:
        decode(isa, word)
    except DecodeError:
        return False
    return True


def written_byte(prefix: Prefix | None) -> int:
    """What of an instruction's control code is its author's, who wrote a prefix or none (``ControlRecord``)."""
    if prefix is None:
        return 1 << LEAST_SHIFT
    kept = (prefix.wait, prefix.read, prefix.write, prefix.stall)
    least = 1 if prefix.stall else max(1, prefix.control.stall)
    return sum(1 << i for i, keeps in enumerate(kept) if keeps) | least << LEAST_SHIFT


def _awaited(work: Work, boards: bool) -> bool:
    """Whether its results are waited for, those of a long fixed latency also if its author gave it a scoreboard."""
    if not work.writes or work.variable:
        return bool(work.writes)
    long = work.longest >= work.codes.stall.maximum
    return long and (work.write != NO_SCOREBOARD if work.keeps_write else boards)


def to_users(gpu: Gpu, unit: Unit) -> tuple[int, ...]:
    """Latencies of a unit's results, by who uses them: the units in their order, and at last guards."""
    return _latencies(gpu.pipes[unit], consumers(gpu.isa.units))


@lru_cache(maxsize=1 << 10)
def _latencies(timing: PipeTiming, names: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(max(NEXT_ISSUE, latency) for latency in timing.latencies(names))


def _timed(declaration: Declaration, gpu: Gpu) -> Work:
    timing = gpu.pipes[declaration.unit]
    return Work(
        declaration.word.control,
        pipe=declaration.unit,
        kind=gpu.isa.units.index(declaration.unit),
        to=to_users(gpu, declaration.unit),
        latency=max(NEXT_ISSUE, gpu.soonest(declaration)),
        accumulate=max(NEXT_ISSUE, timing.accumulate),
        variable=declaration.variable_latency,
        slow=Effect.GLOBAL in declaration.effects,
        port=timing.port,
        initiation=timing.initiation,
    )


def _refine(work: Work, declaration: Declaration, word: int) -> None:
    """Masks that depend on which operand it is."""
    if declaration.unit.reads_late:
        work.late = work.reads & REGISTER_MASK
    if any(operand.accumulates for operand in declaration.operands):
        work.tile = work.reads & work.writes
        work.late &= ~work.tile
    elif work.accumulate != work.latency:
        work.accumulators = addends(decode(declaration.isa, word))


def _keep(work: Work, word: int, written: int) -> None:
    """Take over what the author gave; a part that is open has what it begins with."""
    control = work.codes.decode(word)
    work.keeps_wait, work.keeps_read, work.keeps_write, work.keeps_stall = (bool(written >> i & 1) for i in range(4))
    work.fixed = written & ALL_WRITTEN == ALL_WRITTEN
    work.yields = control.yields
    work.wait = control.wait if work.keeps_wait else 0
    work.read = control.read if work.keeps_read else NO_SCOREBOARD
    work.write = control.write if work.keeps_write else NO_SCOREBOARD
    work.stall = max(1, control.stall) if work.keeps_stall else written >> LEAST_SHIFT
