"""Print instructions as assembly text."""

from collections.abc import Callable

from attrs import evolve

from dstc_isa.isa.control import DEFAULT
from dstc_isa.isa.instruction import Declaration, Instruction
from dstc_isa.isa.values import ALWAYS, Register, Target


def format_mnemonic(declaration: Declaration, modifiers: tuple[int, ...], alias: str = "") -> str:
    """Mnemonic with the word of an alias, if it has one, and the words of modifiers that are not left out."""
    words = [declaration.mnemonic, alias] if alias else [declaration.mnemonic]
    for modifier, value in zip(declaration.modifiers, modifiers, strict=True):
        if value != modifier.default or modifier.kind.shown:
            words.append(modifier.kind.word_of(value))
    return ".".join(word for word in words if word)


def alias_of(instruction: Instruction) -> str:
    """The word behind its mnemonic that says what its operands make of an instruction, or nothing."""
    for alias in instruction.declaration.aliases:
        if alias.fits(instruction.declaration.modifier_values(instruction.modifiers), instruction.operands):
            return alias.word
    return ""


def format_instruction(
    instruction: Instruction, target: Callable[[int], str | None] | None = None, *, control: bool = True
) -> str:
    """One line of assembly that assembles to the same word.

    ``target`` names the destination of a branch from its distance in bytes to the next instruction, if it has a name;
    ``control`` prints the scheduling prefix where it is not the default. Without it the line is as nvdisasm lists it,
    which leaves out what is kept for reuse where the instruction yields, and of textures.
    """
    parts = []
    if not control and (instruction.control.yields or instruction.declaration.unit.memory):
        instruction = _forgetting(instruction)
    if control and instruction.control != DEFAULT:
        parts.append(str(instruction.control))
    if instruction.guard != ALWAYS:
        parts.append(f"@{instruction.guard}")
    parts.append(format_mnemonic(instruction.declaration, instruction.modifiers, alias_of(instruction)))
    operands = format_operands(instruction, target)
    if operands:
        parts.append(", ".join(operands))
    return " ".join(parts) + " ;"


def _forgetting(instruction: Instruction) -> Instruction:
    """An instruction that keeps no register for reuse."""
    operands = instruction.operands
    if not any(isinstance(value, Register) and value.reuse for value in operands):
        return instruction
    kept = tuple(evolve(value, reuse=False) if isinstance(value, Register) else value for value in operands)
    return evolve(instruction, operands=kept)


def format_operands(instruction: Instruction, target: Callable[[int], str | None] | None = None) -> list[str]:
    """The operand texts, optional ones left out where they hold their default, joined ones with that before them."""
    texts: list[str] = []
    names = instruction.declaration.modifier_values(instruction.modifiers)
    later: type | None = None
    behind = ""
    for operand, value in reversed(list(zip(instruction.declaration.operands, instruction.operands, strict=True))):
        if operand.idle(names) or (operand.hides(value, names) and later is not type(value)):
            continue
        later = type(value) if operand.optional else None
        named = target(value.address) if target and isinstance(value, Target) else None
        text = (operand.show(value, names) if named is None else named) + behind
        behind = f" {text}" if operand.joined else ""
        if not operand.joined:
            texts.append(text)
    return texts[::-1]
