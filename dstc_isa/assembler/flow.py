"""Control flow and liveness of a kernel, from what its instructions' semantics do and their operands name."""

from collections.abc import Mapping

from attrs import frozen

from dstc_isa.assembler.emit import Emitted
from dstc_isa.isa.effects import MEMORY, RUNNING, Effect
from dstc_isa.isa.masks import PREDICATE_MASK, REGISTER_MASK
from dstc_isa.schedule.successors import following

EVERYTHING = REGISTER_MASK | PREDICATE_MASK
_LASTING = MEMORY | RUNNING
"""What an instruction does beside writing its results."""


@frozen(eq=False, repr=False)
class Flow:
    """Per instruction: whether control can get there, and whether all it computes is lost."""

    reachable: list[bool]
    dead: list[bool]
    falls_off: bool


def analyse(emitted: list[Emitted], labels: set[int], shown: Mapping[int, int]) -> Flow | None:
    """Follow control from the first instruction; ``labels`` are the indices that have one.

    ``shown``: what is looked at before an instruction, by its index, as a mask.

    None if a raw ``.word`` makes the kernel opaque. An indirect branch is taken to go to any label or behind any
    other jump, and to need every register.
    """
    if any(e.plan is None for e in emitted):
        return None
    successors = [successors_of(index, e) for index, e in enumerate(emitted)]
    reachable = _reach(successors, {0} | landings(emitted, labels))
    falls_off = any(r and len(emitted) in s for r, s in zip(reachable, successors, strict=True))
    return Flow(reachable, _dead(emitted, successors, shown), falls_off)


def landings(emitted: list[Emitted], labels: set[int]) -> set[int]:
    """Where control may come in by an indirect branch, none if there is no such branch: the first instruction too."""
    effects = [frozenset() if e.plan is None else e.plan.effects for e in emitted]
    if not any(Effect.INDIRECT in each for each in effects):
        return set()
    return {0} | labels | {index + 1 for index, each in enumerate(effects) if Effect.JUMP in each}


def successors_of(index: int, emitted: Emitted) -> tuple[int, ...]:
    """Indices of the instructions that may follow one; an indirect branch has none here."""
    assert emitted.plan is not None
    return following(emitted.plan.declaration.isa, index, emitted.plan.effects, emitted.word, emitted.target)


def _reach(successors: list[tuple[int, ...]], roots: set[int]) -> list[bool]:
    reachable = [False] * len(successors)
    waiting = sorted(roots)
    while waiting:
        index = waiting.pop()
        if index < len(successors) and not reachable[index]:
            reachable[index] = True
            waiting += successors[index]
    return reachable


def _dead(emitted: list[Emitted], successors: list[tuple[int, ...]], shown: Mapping[int, int]) -> list[bool]:
    """Which instructions compute only what nothing reads; lanes may read each other's registers."""
    count = len(emitted)
    live_in = [0] * (count + 1)
    live_out = [0] * count
    kept = 0
    kills = [0] * count
    for index, e in enumerate(emitted):
        assert e.plan is not None
        if Effect.LANES in e.plan.effects:
            kept |= e.reads
        kills[index] = e.writes if e.always and not e.plan.partial else 0
    changed = True
    while changed:
        changed = False
        for index in range(count - 1, -1, -1):
            e = emitted[index]
            following = successors[index]
            out = 0
            for successor in following:
                if 0 <= successor <= count:
                    out |= live_in[successor]
            if e.plan is not None and Effect.INDIRECT in e.plan.effects:
                out = EVERYTHING
            live_out[index] = out
            into = e.reads | shown.get(index, 0) | out & ~kills[index]
            if into != live_in[index]:
                live_in[index] = into
                changed = True
    return [
        e.plan is not None
        and e.writes != 0
        and e.plan.effects.isdisjoint(_LASTING)
        and not e.plan.partial
        and not e.writes & (live_out[index] | kept)
        for index, e in enumerate(emitted)
    ]
