"""One instruction on the reference engine: fetch operands, call the semantics, write results."""

from typing import Any

import numpy as np

from dstc_isa.engine.code_rows import (
    ConstantReader,
    Fetch,
    fetches,
    predicate_slot,
    register_row,
    source_words,
    words_of,
)
from dstc_isa.engine.execution import SemanticsError
from dstc_isa.engine.reference.fetch import FETCHES
from dstc_isa.engine.reference.warp import ReferenceWarp
from dstc_isa.isa.fetch import Call, Fetched, Lane, Pooled, PredicatePlace, RegisterNumber, RegisterPlace, RowWord
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.lanes import FULL_MASK, LANES, ballot, narrow, spread, u32


def execute(warp: ReferenceWarp, instruction: Instruction, banks: ConstantReader) -> None:
    """Execute for the lanes of ``warp.mask``, which is not empty; a fault is left in ``warp.fault``.

    Raises SemanticsError if the semantics fail or return something else than declared.
    """
    declaration = instruction.declaration
    results, parameters = fetches(declaration)
    fetched = {fetch.name: _argument(warp, fetch, instruction, banks) for fetch in parameters}
    arguments = [fetched.get(f"x{number}", warp) for number in range(len(declaration.parameters))]
    mask = warp.mask
    warp.reset(declaration.unit)
    try:
        with np.errstate(all="ignore"):
            outcome = declaration.function(*arguments)
        if warp.fault:
            return
        outcomes = outcome if len(results) > 1 else (outcome,)
        for fetch, value in zip(results, outcomes, strict=False):
            _write(warp, mask, fetch.lane, words_of(fetch, instruction)[0], value)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise SemanticsError(f"the semantics of {declaration.mnemonic} cannot be executed: {what}") from error


def _argument(warp: ReferenceWarp, fetch: Fetch, instruction: Instruction, banks: ConstantReader) -> Any:
    words = [_held(warp, word, banks) for word in words_of(fetch, instruction)]
    return _evaluated(fetch.fetched, words)


def _held(warp: ReferenceWarp, word: RowWord, banks: ConstantReader) -> Any:
    """What a word of a row is here: a number, or what lies at the place that it names."""
    match word:
        case RegisterPlace():
            row = register_row(word)
            return warp.registers[row : row + 2]
        case RegisterNumber():
            return register_row(word)
        case PredicatePlace():
            return warp.predicates[predicate_slot(word)]
        case Pooled():
            return [np.full(LANES, each, np.uint32) for each in source_words(word.value, word.wide, banks)]
    return word


def _evaluated(fetched: Fetched, words: list[Any]) -> Any:
    if not isinstance(fetched, Call):
        return words[fetched.number]
    function = FETCHES[fetched.function] if isinstance(fetched.function, str) else fetched.function
    return function(*(_evaluated(argument, words) for argument in fetched.arguments))


def _write(warp: ReferenceWarp, mask: int, lane: Lane, word: RowWord, outcome: Any) -> None:
    if isinstance(word, PredicatePlace):
        place = predicate_slot(word)
        warp.predicates[place] = (warp.predicates[place] & ~mask & FULL_MASK) | (ballot(outcome) & mask)
        return
    assert isinstance(word, RegisterPlace)
    row = register_row(word)
    words = [narrow(outcome), narrow(outcome >> np.uint64(32))] if lane is Lane.U64 else [u32(outcome)]
    executing = spread(mask)
    for offset, each in enumerate(words):
        warp.registers[row + offset][executing] = each[executing]
