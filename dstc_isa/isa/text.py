"""Print instructions as assembly text."""

from collections.abc import Callable, Sequence

from attrs import evolve

from dstc_isa.isa.control import DEFAULT, Control
from dstc_isa.isa.instruction import Declaration, Instruction
from dstc_isa.isa.modifier import Modifier
from dstc_isa.isa.operand import Modifiers, Operand
from dstc_isa.isa.values import ALWAYS, Predicate, Register, Target, Value

Named = Callable[[int], str | None]
"""Names the destination of a branch from its distance in bytes to the next instruction, if it has a name."""


def format_mnemonic(declaration: Declaration, modifiers: tuple[int, ...], alias: str = "") -> str:
    """Mnemonic with the word of an alias, if it has one, and the words of modifiers that are not left out."""
    words = (format_modifier(*each) for each in zip(declaration.modifiers, modifiers, strict=True))
    return ".".join(word for word in (declaration.mnemonic, alias, *words) if word)


def format_modifier(modifier: Modifier, value: int) -> str:
    """The word of a modifier, nothing if it is left out; ValueError for a value that has none."""
    word = modifier.kind.word_of(value)
    return word if value != modifier.default or modifier.kind.shown else ""


def alias_of(declaration: Declaration, modifiers: Modifiers, operands: Sequence[Value]) -> str:
    """The word behind its mnemonic that says what its operands make of an instruction, or nothing."""
    for alias in declaration.aliases:
        if declaration.fits(alias, modifiers, operands):
            return alias.word
    return ""


def format_instruction(instruction: Instruction, target: Named | None = None, *, control: bool = True) -> str:
    """One line of assembly that assembles to the same word.

    ``control`` prints the scheduling prefix where it is not the default. Without it the line is as nvdisasm lists it,
    which leaves out what is kept for reuse where the instruction yields, and of textures.
    """
    declaration = instruction.declaration
    if not control and (instruction.control.yields or declaration.unit.memory):
        instruction = _forgetting(instruction)
    names = declaration.modifier_values(instruction.modifiers)
    mnemonic = format_mnemonic(declaration, instruction.modifiers, alias_of(declaration, names, instruction.operands))
    operands = format_operands(declaration.operands, instruction.operands, names, target)
    return format_prefix(instruction.control if control else DEFAULT, instruction.guard) + statement(mnemonic, operands)


def format_prefix(control: Control, guard: Predicate) -> str:
    """What stands before the mnemonic: a control code that is not the default, and a guard."""
    return (f"{control} " if control != DEFAULT else "") + (f"@{guard} " if guard != ALWAYS else "")


def statement(mnemonic: str, operands: Sequence[str]) -> str:
    """An instruction from its mnemonic on."""
    return f"{mnemonic} {', '.join(operands)} ;" if operands else f"{mnemonic} ;"


def _forgetting(instruction: Instruction) -> Instruction:
    """An instruction that keeps no register for reuse."""
    operands = instruction.operands
    if not any(isinstance(value, Register) and value.reuse for value in operands):
        return instruction
    kept = tuple(evolve(value, reuse=False) if isinstance(value, Register) else value for value in operands)
    return evolve(instruction, operands=kept)


def format_operands(
    operands: Sequence[Operand], values: Sequence[Value], names: Modifiers, target: Named | None = None
) -> list[str]:
    """The operand texts, optional ones left out where they hold their default, joined ones with that before them."""
    texts: list[str] = []
    later: type | None = None
    behind = ""
    for operand, value in reversed(list(zip(operands, values, strict=True))):
        if operand.idle(names) or (operand.hides(value, names) and later is not type(value)):
            continue
        later = type(value) if operand.optional else None
        named = target(value.address) if target and isinstance(value, Target) else None
        text = (operand.show(value, names) if named is None else named) + behind
        behind = f" {text}" if operand.joined else ""
        if not operand.joined:
            texts.append(text)
    return texts[::-1]
