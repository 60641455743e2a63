"""Encode instructions to words and decode words to instructions."""

from dstc_isa.errors import DstcError
from dstc_isa.isa.instruction import Declaration, Instruction, Modified
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.operand import Form, Operand
from dstc_isa.isa.remembered import until_changed
from dstc_isa.isa.values import Value


class DecodeError(DstcError, ValueError):
    """A word is not an instruction of this ISA; the message says why."""


class OperandError(DstcError, ValueError):
    """An operand value that its place does not take; ``index`` says which."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(reason)
        self.index = index


def encode(instruction: Instruction) -> int:
    """The word; OperandError if an operand is out of its range, ValueError if the guard or the control code is."""
    declaration, form = instruction.declaration, instruction.form
    names = declaration.modifier_values(instruction.modifiers)
    word = (
        encode_fixed(declaration, form, instruction.modifiers)
        | declaration.word.encode_guard(instruction.guard)
        | declaration.word.control.encode(instruction.control)
    )
    for index, (operand, value) in enumerate(zip(declaration.operands, instruction.operands, strict=True)):
        reason = operand.unstorable(value, names)
        if reason:
            raise OperandError(index, reason)
        word |= operand.encode(value, form, index)
    differing = declaration.differing(instruction.operands)
    if differing >= 0:
        raise OperandError(differing, f"this operand is {declaration.same[0]} again")
    return word


def encode_fixed(declaration: Declaration, form: Form, modifiers: tuple[int, ...]) -> int:
    """The bits of opcode and modifiers."""
    word = declaration.code(form)
    for modifier, chosen in zip(declaration.modifiers, modifiers, strict=True):
        word |= modifier.kind.at.insert(chosen)
    for held in declaration.held:
        word |= held.at.insert(held.value)
    return word


@until_changed(1 << 16)
def decode(isa: Isa, word: int) -> Instruction:
    """The instruction of a word of an instruction set; DecodeError if there is none or reserved bits are set."""
    opcode = isa.word.opcode.extract(word)
    entry = _by_opcode(isa).get(opcode)
    if entry is None:
        raise DecodeError(f"undefined opcode 0x{opcode:03x}")
    declaration, form, reserved = entry
    if word & reserved:
        raise DecodeError(f"{declaration.mnemonic} with reserved bits 0x{word & reserved:x} set")
    for fixed in declaration.held:
        if fixed.at.extract(word) != fixed.value:
            raise DecodeError(f"{declaration.mnemonic} without 0x{fixed.value:x} in the bits from {fixed.at.lo} on")
    modifiers: dict[str, int] = {}
    for modifier in declaration.modifiers:
        value = modifier.kind.at.extract(word)
        try:
            modifier.kind.word_of(value)
        except ValueError:
            raise DecodeError(f"{declaration.mnemonic} with undefined {modifier.name} {value}") from None
        modifiers[modifier.name] = value
    broken = declaration.rule(modifiers) if declaration.rule is not None else None
    if broken is not None:
        raise DecodeError(f"{declaration.mnemonic}: {broken}")
    operands: list[Value] = []
    for index, operand in enumerate(declaration.operands):
        try:
            operands.append(decode_operand(operand, form, index, word, modifiers))
        except ValueError as error:
            raise DecodeError(f"{declaration.mnemonic}, operand {declaration.names[index]}: {error}") from None
    guard = isa.word.decode_guard(word)
    try:
        control = isa.word.control.decode(word)
    except ValueError as error:
        raise DecodeError(f"{declaration.mnemonic}: {error}") from None
    return Instruction(declaration, form, tuple(operands), tuple(modifiers.values()), guard, control)


def decode_operand(operand: Operand, form: Form, index: int, word: int, modifiers: Modified) -> Value:
    """The value of the operand at ``index`` of a form; ValueError if there is none beside these modifiers."""
    held = operand.decode(word, form, index)
    stray = operand.stray(held, modifiers)
    if stray is None:
        return held
    other = operand.alternative(held, modifiers)
    if other is None:
        raise ValueError(stray)
    return other


def obstacle(instruction: Instruction) -> str | None:
    """Why the machine cannot execute an instruction, as the rest of a sentence; None if it can."""
    declaration = instruction.declaration
    if declaration.unmodelled:
        return f"{declaration.mnemonic} is not executed: {declaration.unmodelled}"
    for modifier, value in zip(declaration.modifiers, instruction.modifiers, strict=True):
        if value in modifier.kind.unmodelled:
            word = modifier.kind.word_of(value)
            how = f"with .{word}" if word else f"without .{next(iter(modifier.kind.words()))}"
            return f"{declaration.mnemonic} is not executed {how}"
    names = declaration.modifier_values(instruction.modifiers)
    for operand, held in zip(declaration.operands, instruction.operands, strict=True):
        part = operand.obstacle(held, names)
        if part:
            return f"{declaration.mnemonic} is not executed with {part}"
    return misplaced(instruction)


def misplaced(instruction: Instruction) -> str | None:
    """Which registers cannot stand where they do though a word has them, as a sentence; None if all can."""
    declaration = instruction.declaration
    names = declaration.modifier_values(instruction.modifiers)
    for name, operand, held in zip(declaration.names, declaration.operands, instruction.operands, strict=True):
        reason = operand.misfit(held, names)
        if reason:
            return f"{declaration.mnemonic}, operand {name}: {reason}"
    shared = overlap(instruction)
    return None if shared is None else f"{declaration.mnemonic}, operand {declaration.names[shared[0]]}: {shared[1]}"


def overlap(instruction: Instruction) -> tuple[int, str] | None:
    """The first source that lies in a destination that is to be ``apart``, by its place, and why it cannot."""
    declaration = instruction.declaration
    if not declaration.apart:
        return None
    names = declaration.modifier_values(instruction.modifiers)
    operands = list(zip(declaration.operands, instruction.operands, strict=True))
    for target, written in operands:
        for place, (operand, held) in enumerate(operands):
            if operand.lies_in(held, target, written, names):
                return place, f"this lies in the registers from {written} on, which are written while it is read"
    return None


@until_changed(1 << 16)
def executed(isa: Isa, word: int) -> Instruction | None:
    """The instruction of a word; None for one that is none, or that the machine cannot execute."""
    try:
        instruction = decode(isa, word)
    except DecodeError:
        return None
    return instruction if obstacle(instruction) is None else None


def declared_by(isa: Isa, word: int) -> tuple[Declaration, Form] | None:
    """The declaration and the form that have the opcode of a word, None if there are none."""
    entry = _by_opcode(isa).get(isa.word.opcode.extract(word))
    return None if entry is None else entry[:2]


def reserved_bits(declaration: Declaration, form: Form) -> int:
    """The bits no field of this form accounts for; they are zero in every valid word."""
    taken = 0
    for _, field in declaration.fields(form):
        taken |= field.mask
    return ~taken & ((1 << declaration.word.bits) - 1)


@until_changed()
def _by_opcode(isa: Isa) -> dict[int, tuple[Declaration, Form, int]]:
    """Opcode -> declaration, form, reserved bits."""
    return {d.code(form): (d, form, reserved_bits(d, form)) for d in isa.declarations for form in d.forms}
