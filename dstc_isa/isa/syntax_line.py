"""The line that an instruction is written as: mnemonic, modifiers and the names of its operands."""

from dstc_isa.isa.diagram import display
from dstc_isa.isa.field_operand import AddressOperand, BarrierOperand, SpecialRegisterOperand, TargetOperand
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.modifier import Flag
from dstc_isa.isa.operand import Form
from dstc_isa.isa.register_operand import Source


def place(declaration: Declaration, form: Form, index: int) -> str:
    """What stands for an operand in a form: ``Ra``, ``imm32``, ``[Ra+offset]``."""
    name, operand = declaration.names[index], declaration.operands[index]
    shown = display(name, operand)
    match operand:
        case Source() if index in form.special:
            return "c[bank][offset]" if form.constant else f"imm{operand.literal_field.width}"
        case Source() if operand.half:
            return f"{shown}.Hx"
        case AddressOperand():
            return "c[bank][Ra+offset]" if operand.constant else "[Ra+offset]"
        case SpecialRegisterOperand():
            return "SR"
        case BarrierOperand():
            return "B"
        case TargetOperand():
            return "label"
    return shown


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
