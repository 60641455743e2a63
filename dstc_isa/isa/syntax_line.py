"""The line that an instruction is written as: mnemonic, modifiers and the names of its operands."""

from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.modifier import Flag
from dstc_isa.isa.operand import Form


def place(declaration: Declaration, form: Form, index: int) -> str:
    """What stands for an operand in a form: ``Ra``, ``imm32``, ``[Ra+offset]``."""
    return declaration.operands[index].placeholder(declaration.names[index], form, index)


def syntax(declaration: Declaration, form: Form) -> str:
    """The line that one form is written as, optional parts in braces."""
    mnemonic = declaration.mnemonic
    for modifier in declaration.modifiers:
        word = f".{modifier.kind.word}" if isinstance(modifier.kind, Flag) else f".<{modifier.name}>"
        mnemonic += word if modifier.default is None else f"{{{word}}}"
    written = ""
    for index, operand in enumerate(declaration.operands):
        text, begun = place(declaration, form, index), bool(written) and not written.endswith(", }")
        if operand.optional:
            written += f"{{, {text}}}" if begun else f"{{{text}, }}"
        else:
            written += f", {text}" if begun else text
    return f"{mnemonic} {written}".rstrip()


def least_line(declaration: Declaration, mnemonic: str) -> str:
    """The shortest line of register operands, behind a mnemonic as it was written: ``IADD3 Rd, Ra, Rb, Rc``."""
    form = declaration.forms[0]
    names = [place(declaration, form, i) for i, operand in enumerate(declaration.operands) if not operand.optional]
    return f"{mnemonic} {', '.join(names)}".rstrip()
