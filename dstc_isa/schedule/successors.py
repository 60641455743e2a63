"""Which instructions may follow one."""

from collections.abc import Collection

from dstc_isa.isa.codec import DecodeError, decode
from dstc_isa.isa.effects import CONTROL_FLOW, Effect
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.values import ALWAYS, Predicate, Target


def following(isa: Isa, index: int, effects: Collection[Effect], word: int, target: int) -> tuple[int, ...]:
    """Indices of the instructions that may follow a word whose semantics touches this.

    ``target`` is where it branches, or -1; an indirect branch has none here.
    """
    if CONTROL_FLOW.isdisjoint(effects):
        return (index + 1,)
    decoded = decode(isa, word)
    predicates = [value for value in decoded.operands if isinstance(value, Predicate)]
    surely = decoded.guard == ALWAYS and all(predicate == ALWAYS for predicate in predicates)
    behind = () if surely else (index + 1,)
    return (*behind, target) if Effect.JUMP in effects and target >= 0 else behind


def successors_of_word(isa: Isa, index: int, word: int) -> tuple[int, ...]:
    """The same of a word whose branch counts from itself; one that is no instruction is taken as no branch."""
    try:
        instruction = decode(isa, word)
    except DecodeError:
        return (index + 1,)
    distance = next((value.address for value in instruction.operands if isinstance(value, Target)), None)
    target = -1 if distance is None else index + 1 + distance // isa.word.size
    return following(isa, index, instruction.declaration.effects, word, target)
