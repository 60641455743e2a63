"""Which instruction set a program's words are of: its parts, by name, each with a digest of its declarations."""

import hashlib
import inspect
from collections.abc import Callable, Iterable

from dstc_isa.isa.codec import declared_by
from dstc_isa.isa.effects import outside
from dstc_isa.isa.instruction import PACKAGE, Declaration, is_shipped
from dstc_isa.isa.instruction_set import Isa

EXTENSION_PREFIX = "dstc_isa_extension_"
DIGEST_DIGITS = 12

Parts = dict[str, str]
"""Name of the instruction set, or of the file that extends it -> digest of what is used of it."""


def parts_of(isa: Isa, words: Iterable[int]) -> Parts:
    """The instruction set of some words, and the files of the user's that declare some of them, with digests.

    A digest covers the instructions that occur, not the others: mnemonic, bits, operands, modifiers, unit, and for
    instructions of files the text of their semantics. That of the set itself covers the format of its words.
    """
    found: dict[str, set[str]] = {isa.name: {repr(isa.word)}}
    for word in set(words):
        declared = declared_by(isa, word)
        if declared is not None:
            declaration, _ = declared
            found.setdefault(_origin(declaration), set()).add(_described(declaration))
    return {
        name: hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()[:DIGEST_DIGITS]
        for name, texts in found.items()
    }


def _origin(declaration: Declaration) -> str:
    module = declaration.function.__module__
    return declaration.isa.name if is_shipped(declaration.function) else module.removeprefix(EXTENSION_PREFIX)


def _described(declaration: Declaration) -> str:
    modifiers = [(m.name, m.kind.words(), m.kind.at, m.default) for m in declaration.modifiers]
    bits = (
        declaration.mnemonic,
        declaration.opcode,
        declaration.unit.name,
        declaration.variable_latency,
        declaration.names,
        declaration.operands,
        declaration.lanes,
        declaration.results,
        declaration.forms,
        declaration.held,
        modifiers,
    )
    return repr(bits) + _semantics(declaration)


def _semantics(declaration: Declaration) -> str:
    """The text of an instruction that is not of the package, of its operands and its unit.

    The package's releases may mend semantics.
    """
    if declaration.shipped:
        return ""
    unit = "" if declaration.unit.shipped else repr((declaration.unit.given, declaration.unit.vanishes))
    kinds = {type(operand): None for operand in declaration.operands if not operand.__module__.startswith(PACKAGE)}
    described: list[Callable[..., object]] = [declaration.function, *declaration.fetchers, *kinds]
    try:
        return unit + "".join(inspect.getsource(each) for each in described) + values(declaration)
    except OSError:
        return declaration.description


def values(declaration: Declaration) -> str:
    """The values that code compiled for an instruction keeps: of constants of its file and of others."""
    unit = declaration.unit
    costs = [] if unit.cost_function is None or unit.shipped else [unit.cost_function]
    own = [each for each in (declaration.function, *declaration.fetchers, *costs) if not is_shipped(each)]
    return repr([sorted(outside(each).items()) for each in own])
