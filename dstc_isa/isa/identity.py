"""Which instruction set a program's words are of: its parts, by name, each with a digest of its declarations."""

import hashlib
import inspect
from collections.abc import Callable, Iterable

from dstc_isa.isa.codec import declared_by
from dstc_isa.isa.instruction import OPCODE, Declaration

BASE = "dstc_isa"
EXTENSION_PREFIX = "dstc_isa_extension_"
DIGEST_DIGITS = 12

Parts = dict[str, str]
"""Name of the instruction set or of the file that extends it -> digest of the instructions used."""


def parts_of(words: Iterable[int]) -> Parts:
    """The parts that declare the opcodes of some words, in the order of their names.

    A digest covers the instructions that occur, not the others: mnemonic, bits, operands, modifiers, unit, and for
    instructions of other files the text of their semantics.
    """
    found: dict[str, set[str]] = {}
    for opcode in sorted({OPCODE.extract(word) for word in words}):
        declared = declared_by(opcode)
        if declared is not None:
            declaration, _ = declared
            found.setdefault(_origin(declaration), set()).add(_described(declaration))
    return {
        name: hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()[:DIGEST_DIGITS]
        for name, texts in sorted(found.items())
    }


def _origin(declaration: Declaration) -> str:
    module = declaration.function.__module__
    if module.startswith(BASE + "."):
        return BASE
    return module.removeprefix(EXTENSION_PREFIX)


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
        modifiers,
    )
    return repr(bits) + _semantics(declaration)


def _semantics(declaration: Declaration) -> str:
    """The text of an instruction that is not of the package, of its operands and its unit.

    The package's releases may mend semantics.
    """
    if _origin(declaration) == BASE:
        return ""
    unit = "" if declaration.unit.shipped else repr((declaration.unit.given, declaration.unit.vanishes))
    kinds = {type(operand): None for operand in declaration.operands if not operand.__module__.startswith(BASE + ".")}
    described: list[Callable[..., object]] = [declaration.function, *declaration.fetchers, *kinds]
    try:
        return unit + "".join(inspect.getsource(each) for each in described)
    except OSError:
        return declaration.description
