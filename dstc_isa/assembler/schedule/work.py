"""What scheduling must know of an instruction, and what it decides."""

from functools import lru_cache

from attrs import Factory, define

from dstc_isa.assembler.emit import Emitted
from dstc_isa.gpu import Gpu
from dstc_isa.isa.codec import DecodeError, decode
from dstc_isa.isa.control import CONTROL_FIELDS, NO_SCOREBOARD, SCOREBOARDS, STALL, Control, Prefix
from dstc_isa.isa.effects import Effect
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.masks import PREDICATE_SHIFT
from dstc_isa.isa.unit import Unit
from dstc_isa.isa.values import PT
from dstc_isa.program import ALL_WRITTEN, LEAST_SHIFT, RAW

CONTROL_MASK = sum(field.mask for field in CONTROL_FIELDS)
REGISTER_WORDS_MASK = (1 << PREDICATE_SHIFT) - 1
MAXIMUM_STALL = STALL.maximum
NEXT_ISSUE = 1
"""Cycles until a warp's next instruction issues, at least: what has a latency of 0 is used no sooner."""


@define(eq=False)
class Work:
    """``guard``: its predicate, of a decoded word; ``reads`` has it in any case. ``late``: registers read some time
    after issue. ``tile``: accumulators that the outer-product pipe keeps in order. ``accumulators``: sources to
    which ``accumulate`` applies instead of ``latency`` if ``pipe`` produced them. ``awaited``: its write scoreboard
    covers what it writes, since the latency varies, or is more than a stall count holds and NOPs cannot make up for
    it; else cycles do. ``vanishes``: if its guard is false it takes no issue slot, a cycle less than its stall count.
    ``keeps_wait`` and so on: the author gave this part of the control code; ``fixed``: all of the word stays as it is.
    ``initiation``: cycles it holds its port for sure, 0 if guarded.
    """

    reads: int = 0
    guard: int = 0
    writes: int = 0
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
        return _control_word(min(self.stall, MAXIMUM_STALL), self.yields, self.write, self.read, self.wait)

    @property
    def elapses(self) -> int:
        """Cycles that surely pass until the next instruction issues, as far as the stall count says."""
        return self.stall - self.vanishes

    @property
    def forwards(self) -> bool:
        """Whether its pipe's accumulators can have what it writes while others still wait for its scoreboard."""
        return self.awaited and not self.variable and self.accumulate < min(self.latency, MAXIMUM_STALL + 1)

    def boards(self) -> int:
        """Mask of the scoreboards it sets."""
        return (1 << self.write | 1 << self.read) & ((1 << SCOREBOARDS) - 1)


@lru_cache(maxsize=1 << 14)
def _control_word(stall: int, yields: bool, write: int, read: int, wait: int) -> int:
    return Control(stall, yields, write, read, wait).encode()


def work_of(emitted: Emitted, gpu: Gpu, manual: bool, boards: bool) -> Work:
    """Gather it from an emitted instruction; a ``.word`` that decodes counts as written by hand.

    ``boards``: latencies that no stall count holds are left to scoreboards.
    """
    if emitted.plan is None:
        return decoded_work(emitted.word, gpu)
    declaration = emitted.plan.declaration
    work = _timed(declaration, gpu)
    work.reads, work.writes = emitted.reads, emitted.writes
    if not emitted.always:
        work.initiation = 0
        work.vanishes = gpu.vanishes(declaration.unit)
    work.indirect = Effect.INDIRECT in emitted.plan.effects
    work.jumps = Effect.JUMP in emitted.plan.effects
    _refine(work, declaration, emitted.word)
    if manual:
        _keep(work, Prefix(Control.decode(emitted.word)))
    elif emitted.statement.control is not None:
        _keep(work, _prefix(emitted.statement.control, emitted.word))
    work.awaited = _awaited(work, boards)
    return work


def decoded_work(word: int, gpu: Gpu) -> Work:
    """Gather it from an instruction word, with the control code it has; a word that is none does nothing."""
    try:
        instruction = decode(word)
    except DecodeError:
        return Work(fixed=True, keeps_wait=True, keeps_read=True, keeps_write=True, keeps_stall=True)
    declaration, guard = instruction.declaration, instruction.guard
    work = _timed(declaration, gpu)
    names = declaration.modifier_values(instruction.modifiers)
    for operand, value in zip(declaration.operands, instruction.operands, strict=True):
        reads, writes = operand.masks(value, names)
        work.reads |= reads
        work.writes |= writes
    if guard.index != PT:
        work.guard = 1 << PREDICATE_SHIFT + guard.index
        work.reads |= work.guard
        work.initiation = 0
        work.vanishes = gpu.vanishes(declaration.unit)
    _refine(work, declaration, word)
    _keep(work, Prefix(instruction.control))
    work.awaited = _awaited(work, boards=False)
    return work


def reopened_work(word: int, gpu: Gpu, written: int, boards: bool) -> Work:
    """Gather it from an instruction word, of whose control code ``written`` stays (a byte of ``ControlRecord``)."""
    work = decoded_work(word, gpu)
    if written == RAW or work.pipe is None:
        return work
    work.keeps_wait, work.keeps_read, work.keeps_write, work.keeps_stall = (bool(written >> i & 1) for i in range(4))
    work.fixed = written & ALL_WRITTEN == ALL_WRITTEN
    if not work.keeps_wait:
        work.wait = 0
    if not work.keeps_read:
        work.read = NO_SCOREBOARD
    if not work.keeps_write:
        work.write = NO_SCOREBOARD
    if not work.keeps_stall:
        work.stall = written >> LEAST_SHIFT
    effects = decode(word).declaration.effects
    work.indirect, work.jumps = Effect.INDIRECT in effects, Effect.JUMP in effects
    work.awaited = _awaited(work, boards)
    return work


def written_byte(work: Work) -> int:
    """What of an instruction's control code is its author's, before anything is filled in (``ControlRecord``)."""
    kept = (work.keeps_wait, work.keeps_read, work.keeps_write, work.keeps_stall)
    least = 1 if work.keeps_stall else work.stall
    return sum(1 << i for i, keeps in enumerate(kept) if keeps) | least << LEAST_SHIFT


def _awaited(work: Work, boards: bool) -> bool:
    """Whether a scoreboard covers its results, which of a long fixed latency may be one that its author gave it."""
    if not work.writes or work.variable:
        return bool(work.writes)
    long = max(work.latency, work.accumulate) >= MAXIMUM_STALL
    return long and (work.write != NO_SCOREBOARD if work.keeps_write else boards)


def _timed(declaration: Declaration, gpu: Gpu) -> Work:
    timing = gpu.pipes[declaration.unit]
    return Work(
        pipe=declaration.unit,
        latency=max(NEXT_ISSUE, timing.latency),
        accumulate=max(NEXT_ISSUE, timing.accumulate),
        variable=declaration.variable_latency,
        slow=Effect.GLOBAL in declaration.effects,
        port=timing.port,
        initiation=timing.initiation,
    )


def _refine(work: Work, declaration: Declaration, word: int) -> None:
    """Masks that depend on which operand it is."""
    if declaration.unit.reads_late:
        work.late = work.reads & REGISTER_WORDS_MASK
    if any(operand.accumulates for operand in declaration.operands):
        work.tile = work.reads & work.writes
        work.late &= ~work.tile
    elif work.accumulate != work.latency:
        instruction = decode(word)
        names = declaration.modifier_values(instruction.modifiers)
        others = 0
        for operand, value in zip(declaration.operands, instruction.operands, strict=True):
            reads, _ = operand.masks(value, names)
            if operand.slot == "c":
                work.accumulators |= reads
            else:
                others |= reads
        work.accumulators &= ~others


def _prefix(text: str, word: int) -> Prefix:
    """What the author wrote; a prefix that was refused counts as the default that stands in the word."""
    try:
        return Prefix.parse(text)
    except ValueError:
        return Prefix(Control.decode(word))


def _keep(work: Work, prefix: Prefix) -> None:
    control = prefix.control
    work.keeps_wait, work.keeps_read = prefix.wait, prefix.read
    work.keeps_write, work.keeps_stall = prefix.write, prefix.stall
    work.fixed = prefix.wait and prefix.read and prefix.write and prefix.stall
    work.stall = max(1, control.stall)
    work.yields = control.yields
    work.write, work.read, work.wait = control.write, control.read, control.wait
