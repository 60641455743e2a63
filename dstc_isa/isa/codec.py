"""Encode instructions to 128-bit words and decode words to instructions."""

from functools import cache, lru_cache

from dstc_isa.errors import DstcError
from dstc_isa.isa.control import Control
from dstc_isa.isa.instruction import GUARD, GUARD_NOT, OPCODE, REGISTRY, Declaration, Instruction
from dstc_isa.isa.operand import Form
from dstc_isa.isa.values import Predicate


class DecodeError(DstcError, ValueError):
    """A word is not an instruction of this ISA; the message says why."""


class OperandError(DstcError, ValueError):
    """An operand value that its place does not take; ``index`` says which."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(reason)
        self.index = index


def encode(instruction: Instruction) -> int:
    """The 128-bit word; OperandError if an operand is out of its range."""
    declaration, form = instruction.declaration, instruction.form
    names = declaration.modifier_values(instruction.modifiers)
    word = (
        encode_fixed(declaration, form, instruction.modifiers)
        | encode_guard(instruction.guard)
        | instruction.control.encode()
    )
    for index, (operand, value) in enumerate(zip(declaration.operands, instruction.operands, strict=True)):
        reason = operand.reject(value, names)
        if reason:
            raise OperandError(index, reason)
        word |= operand.encode(value, form, index)
    return word


def encode_fixed(declaration: Declaration, form: Form, modifiers: tuple[int, ...]) -> int:
    """The bits of opcode and modifiers."""
    word = declaration.code(form)
    for modifier, chosen in zip(declaration.modifiers, modifiers, strict=True):
        word |= modifier.kind.at.insert(chosen)
    return word


def encode_guard(guard: Predicate) -> int:
    """The bits of a guard."""
    return GUARD.insert(guard.index) | (GUARD_NOT.mask if guard.negate else 0)


@lru_cache(maxsize=1 << 16)
def decode(word: int) -> Instruction:
    """The instruction of a 128-bit word; DecodeError if there is none or reserved bits are set."""
    entry = _by_opcode(len(REGISTRY)).get(OPCODE.extract(word))
    if entry is None:
        raise DecodeError(f"undefined opcode 0x{OPCODE.extract(word):03x}")
    declaration, form, reserved = entry
    if word & reserved:
        raise DecodeError(f"{declaration.mnemonic} with reserved bits 0x{word & reserved:x} set")
    modifiers: dict[str, int] = {}
    for modifier in declaration.modifiers:
        value = modifier.kind.at.extract(word)
        try:
            modifier.kind.word_of(value)
        except ValueError:
            raise DecodeError(f"{declaration.mnemonic} with undefined {modifier.name} {value}") from None
        modifiers[modifier.name] = value
    operands = []
    for index, operand in enumerate(declaration.operands):
        try:
            value_at = operand.decode(word, form, index)
            reason = operand.misfit(value_at, modifiers)
        except ValueError as error:
            reason = str(error)
        if reason:
            raise DecodeError(f"{declaration.mnemonic}, operand {declaration.names[index]}: {reason}")
        operands.append(value_at)
    guard = Predicate(GUARD.extract(word), bool(word & GUARD_NOT.mask))
    try:
        control = Control.decode(word)
    except ValueError as error:
        raise DecodeError(f"{declaration.mnemonic}: {error}") from None
    return Instruction(declaration, form, tuple(operands), tuple(modifiers.values()), guard, control)


def declared_by(opcode: int) -> tuple[Declaration, Form] | None:
    """The declaration and the form that have a 12-bit opcode, None if there are none."""
    entry = _by_opcode(len(REGISTRY)).get(opcode)
    return None if entry is None else entry[:2]


def reserved_bits(declaration: Declaration, form: Form) -> int:
    """The bits no field of this form accounts for; they are zero in every valid word."""
    taken = 0
    for _, field in declaration.fields(form):
        taken |= field.mask
    return ~taken & ((1 << 128) - 1)


@cache
def _by_opcode(declared: int) -> dict[int, tuple[Declaration, Form, int]]:
    """Opcode -> declaration, form, reserved bits; keyed by how many are declared, so extensions are seen."""
    return {d.code(form): (d, form, reserved_bits(d, form)) for d in REGISTRY[:declared] for form in d.forms}
