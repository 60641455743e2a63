"""From an expression to its value in a scope."""

from typing import Any

from attrs import Factory, evolve, frozen

from dstc_isa.assembler import arithmetic
from dstc_isa.assembler.errors import EvaluationError, KnownProblem
from dstc_isa.assembler.other_names import SPECIAL_NAMES
from dstc_isa.assembler.reporting import closest
from dstc_isa.assembler.scope import Scope
from dstc_isa.assembler.shared_offset import marked
from dstc_isa.assembler.values import (
    AddressUses,
    Label,
    Late,
    Misdeclared,
    Named,
    NamedAddress,
    NamedBankAddress,
    NamedComplement,
    NamedPredicate,
    Operand,
    PassedLabel,
    RegisterArray,
    Sum,
    UnplacedLabel,
    negated,
)
from dstc_isa.isa.remembered import until_changed
from dstc_isa.isa.values import (
    RZ,
    SUFFIXES,
    Address,
    BankAddress,
    Complement,
    Constant,
    ConstantComplement,
    Predicate,
    Register,
)
from dstc_isa.listing.numbers import SPECIAL_FLOATS
from dstc_isa.syntax.names import special_names
from dstc_isa.syntax.parser import OperandProblem, parse_argument
from dstc_isa.syntax.tree import (
    Absolute,
    Bank,
    Binary,
    Bits,
    Builtin,
    Here,
    Keyword,
    Memory,
    Name,
    Node,
    Number,
    Prefix,
    Text,
    TypeName,
)

_PARTS = {(2, "lo"): (0, 1), (2, "hi"): (1, 1), (4, "lo"): (0, 2), (4, "hi"): (2, 2)} | {
    (4, part): (offset, 1) for offset, part in enumerate("xyzw")
}


@frozen(eq=False, repr=False)
class Environment:
    """What an expression is evaluated in; ``here`` is the address of this instruction or None outside kernels.

    ``uses`` counts the labels and ``.`` in it.
    """

    scope: Scope
    here: int | None = None
    uses: AddressUses = Factory(AddressUses)


EMPTY = Environment(Scope())


@until_changed(1 << 16)
def pure_value(text: str) -> Operand | None:
    """The value of an operand that depends on no name, remembered; None if it does or has no value."""
    if text in SPECIAL_FLOATS:
        return SPECIAL_FLOATS[text]
    if text == "-0":
        return -0.0
    try:
        node = parse_argument(text)
        return evaluate(node, EMPTY) if node.pure else None
    except (OperandProblem, EvaluationError):
        return None


def evaluate(node: Node, environment: Environment) -> Operand:
    """The value of an expression; EvaluationError if it has none."""
    return _EVALUATORS[type(node)](node, environment)  # type: ignore[no-any-return]


def number(node: Node, environment: Environment) -> int | float:
    """The value of an expression that must be a number that is known here."""
    value = evaluate(node, environment)
    if isinstance(value, Late):
        raise EvaluationError("the address of a label further down is not known here", node)
    if not isinstance(value, int | float):
        raise EvaluationError(f"expected a number, not {describe(value)}", node)
    return value


def integer(node: Node, environment: Environment) -> int:
    """The value of an expression that must be an integer that is known here."""
    value = number(node, environment)
    if not isinstance(value, int):
        raise EvaluationError(f"expected an integer, not {value}", node)
    return value


def describe(value: Operand) -> str:
    """A value in words, for messages."""
    if isinstance(value, Bits):
        return "the bits of a float"
    if isinstance(value, Late):
        return "an address"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, Register | Named):
        return f"the register {value}"
    if isinstance(value, Predicate | NamedPredicate):
        return f"the predicate {value}"
    if isinstance(value, Constant):
        return f"the constant {value}"
    if isinstance(value, Address | NamedAddress):
        return "an address in brackets"
    if isinstance(value, Sum):
        return "a register plus an offset"
    if isinstance(value, Complement | NamedComplement):
        return "a complement"
    return str(value)


def _number(node: Number, environment: Environment) -> Operand:
    try:
        return node.value if isinstance(node.value, Bits) else arithmetic.checked(node.value)
    except ValueError as error:
        raise EvaluationError(str(error), node) from None


def _text(node: Text, environment: Environment) -> Operand:
    return node.value


def _here(node: Here, environment: Environment) -> Operand:
    if environment.here is None:
        raise EvaluationError("there is no address outside a kernel", node)
    environment.uses.count += 1
    return environment.here


def _builtin(node: Builtin, environment: Environment) -> Operand:
    value: Operand = node.value
    for word in node.suffix:
        value = _suffixed(value, word, node)
    return value


def _name(node: Name, environment: Environment) -> Operand:
    bound = environment.scope.find(node.text)
    if bound is None:
        raise EvaluationError(f"unknown name {node.text}", node, _nearest(node.text, environment.scope))
    if isinstance(bound, Misdeclared):
        raise KnownProblem(f"{node.text} is not rightly declared", node)
    value: Operand
    if isinstance(bound, PassedLabel):
        bound = bound.label
    if isinstance(bound, RegisterArray):
        value = NamedPredicate(bound) if bound.predicate else Named(bound, 0, bound.width)
    elif isinstance(bound, Label):
        bound.used = True
        environment.uses.count += 1
        value = bound.address if bound.address is not None else _late_label(bound)
    else:
        value = bound
    for index in node.indices:
        value = _element(value, integer(index, environment), node)
    for word in node.suffix:
        value = _suffixed(value, word, node)
    return value


def _nearest(name: str, scope: Scope) -> str:
    """A name that was perhaps meant: one that differs by a slip, what another assembler's stands for, or a like one."""
    own, known = scope.visible(), SPECIAL_NAMES.get(name, "")
    return closest(name, own, 0.8) or known or closest(name, [*special_names(), *own])


def _late_label(label: Label) -> Late:
    def compute() -> int:
        if label.address is None:
            raise UnplacedLabel(f"label {label.name} is in a part that was left out")
        return label.address

    return Late(compute)


def _element(value: Operand, index: int, node: Node) -> Operand:
    if isinstance(value, Named):
        offset = value.offset + index * value.array.width
        if value.width != value.array.width or not 0 <= offset < value.array.size:
            last = value.array.count - 1
            raise EvaluationError(f"{value.array.name} has elements 0 to {last}, not {index}", node)
        return evolve(value, offset=offset)
    if isinstance(value, Register) and value.index < RZ:
        if not 0 <= value.index + index < RZ:
            raise EvaluationError(f"there is no register R{value.index + index}", node)
        return evolve(value, index=value.index + index)
    raise EvaluationError(f"{describe(value)} has no elements", node)


def _suffixed(value: Operand, word: str, node: Node) -> Operand:
    if isinstance(value, Register | Named):
        if word == "reuse":
            return evolve(value, reuse=True)
        if word in SUFFIXES:
            return evolve(value, suffix=word)
        if word == "64":
            return Sum(value, 0, True)
    if isinstance(value, Constant) and word in SUFFIXES:
        return evolve(value, suffix=word)
    if isinstance(value, Named) and (value.width, word) in _PARTS:
        offset, width = _PARTS[value.width, word]
        return evolve(value, offset=value.offset + offset, width=width)
    if isinstance(value, Register) and word == "hi" and value.index == RZ - 1:
        raise EvaluationError(f"there is no register R{RZ}", node)
    if isinstance(value, Register) and word in ("lo", "hi") and value.index < RZ:
        return evolve(value, index=value.index + (word == "hi"))
    expected = ""
    if isinstance(value, Named):
        parts = [part for width, part in _PARTS if width == value.width]
        expected = ", ".join("." + part for part in (*parts, "reuse", *SUFFIXES))
    if isinstance(value, Constant):
        expected = ", ".join("." + part for part in SUFFIXES)
    raise EvaluationError(f"{describe(value)} has no part .{word}", node, expected=expected)


def _prefix(node: Prefix, environment: Environment) -> Operand:
    value = evaluate(node.operand, environment)
    if isinstance(value, Late):
        late = value
        return Late(lambda: arithmetic.prefix(node.operator, late.compute()))
    if isinstance(value, int | float):
        try:
            return marked(arithmetic.prefix(node.operator, value), node.operator, 0, value)
        except ValueError as error:
            raise EvaluationError(str(error), node) from None
    if isinstance(value, Bits) and node.operator == "-":
        return Bits(value.value ^ 1 << 31)
    if node.operator == "~" and isinstance(value, Constant):
        return ConstantComplement(value)
    if node.operator == "~" and isinstance(value, Register):
        return Complement(value)
    if node.operator == "~" and isinstance(value, Named):
        return NamedComplement(value)
    is_predicate = isinstance(value, Predicate | NamedPredicate)
    turned = negated(value) if node.operator == ("!" if is_predicate else "-") else None
    if turned is None:
        raise EvaluationError(f"{node.operator} does not apply to {describe(value)}", node)
    return turned


def _binary(node: Binary, environment: Environment) -> Operand:
    left = evaluate(node.left, environment)
    right = evaluate(node.right, environment)
    operator = node.operator
    if isinstance(left, int | float) and isinstance(right, int | float):
        try:
            return marked(arithmetic.binary(operator, left, right), operator, left, right)
        except (ValueError, OverflowError) as error:
            raise EvaluationError(str(error), node) from None
    if isinstance(left, int | float | Late) and isinstance(right, int | float | Late):
        first, second = left, right
        return Late(lambda: arithmetic.binary(operator, _known(first), _known(second)))
    if operator == "+" and isinstance(left, int):
        left, right = right, left
    if operator in ("+", "-") and isinstance(right, int):
        step = right if operator == "+" else marked(-right, operator, 0, right)
        if isinstance(left, Constant) and not left.suffix:
            return evolve(left, offset=left.offset + step)
        if isinstance(left, ConstantComplement) and not left.value.suffix:
            return ConstantComplement(evolve(left.value, offset=left.value.offset + step))
        if isinstance(left, Register | Named):
            return Sum(left, step, False)
        if isinstance(left, Sum):
            return evolve(left, offset=marked(left.offset + step, "+", left.offset, step))
    raise EvaluationError(f"{operator} does not apply to {describe(left)} and {describe(right)}", node)


def _known(value: int | float | Late) -> int | float:
    return value.compute() if isinstance(value, Late) else value


def _absolute(node: Absolute, environment: Environment) -> Operand:
    value = evaluate(node.operand, environment)
    if isinstance(value, Register | Named | Constant):
        if value.negate:
            raise EvaluationError("the minus stands before the bars: -|R1|", node)
        for word in node.suffix:
            value = _suffixed(value, word, node)
        assert isinstance(value, Register | Named | Constant)
        return evolve(value, absolute=True)
    if isinstance(value, int | float) and not node.suffix:
        return marked(abs(value), "||", 0, value)  # bars leave no offset into an array
    raise EvaluationError(f"{describe(value)} has no absolute value", node)


def _memory(node: Memory, environment: Environment) -> Operand:
    value = evaluate(node.operand, environment)
    if isinstance(value, int):
        return Address(RZ, value)
    base, offset, wide = _base(value, node.operand)
    if isinstance(base, Named):
        return NamedAddress(base, offset, wide)
    return Address(base.index, offset, wide)


def _bank(node: Bank, environment: Environment) -> Operand:
    bank = integer(node.bank, environment)
    value = evaluate(node.offset, environment)
    found: Operand
    if isinstance(value, int):
        found = Constant(bank, value)
    else:
        base, offset, wide = _base(value, node.offset)
        if isinstance(base, Named):
            found = NamedBankAddress(base, offset, wide, bank)
        else:
            found = BankAddress(base.index, offset, wide, bank)
    for word in node.suffix:
        found = _suffixed(found, word, node)
    return found


def _base(value: Operand, node: Node) -> tuple[Register | Named, int, bool]:
    total = value if isinstance(value, Sum) else Sum(value, 0, False) if isinstance(value, Register | Named) else None
    if total is None:
        raise EvaluationError(
            f"{describe(value)} is no address", node, expected="a register plus a number of bytes, such as [R2+0x10]"
        )
    base = total.base
    if base.negate or base.absolute or base.suffix or base.reuse:
        raise EvaluationError("the base of an address is a plain register", node)
    wide = total.wide or (isinstance(base, Named) and base.width > 1)
    return base, total.offset, wide


def _misplaced(node: Any, environment: Environment) -> Operand:
    what = f"{node.name}=" if isinstance(node, Keyword) else node.type
    raise EvaluationError(f"{what} does not stand here", node)


_EVALUATORS: dict[type, Any] = {
    Number: _number,
    Text: _text,
    Here: _here,
    Builtin: _builtin,
    Name: _name,
    Prefix: _prefix,
    Binary: _binary,
    Absolute: _absolute,
    Memory: _memory,
    Bank: _bank,
    Keyword: _misplaced,
    TypeName: _misplaced,
}
