"""Builds expression trees: precedence, literals, names."""

from typing import Any

from lark import Token, Transformer

from dstc_isa.rounded_once import written_float
from dstc_isa.syntax.names import builtin
from dstc_isa.syntax.tree import (
    Absolute,
    Bank,
    Binary,
    Bits,
    Builtin,
    Formal,
    Here,
    Keyword,
    MacroHead,
    Memory,
    Name,
    Node,
    Number,
    Piece,
    Prefix,
    Text,
    TypeName,
)

Word = Token | Piece

PRECEDENCE = {
    operator: level
    for level, operators in enumerate(
        ("||", "&&", "|", "^", "&", "== !=", "< <= > >=", "<< >>", "+ -", "* / %"),
    )
    for operator in operators.split()
}
MAXIMUM_DEPTH = 100
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


class ExpressionProblem(Exception):
    """Text that the grammar takes but that means nothing; ``start`` and ``end`` are columns from 0."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = end


class ExpressionBuilder(Transformer[Token, Any]):
    """Callbacks of the grammar's level 2."""

    def argument(self, children: list[Node]) -> Node:
        """An operand or argument."""
        return children[0]

    def keyword(self, children: list[Any]) -> Node:
        """``name=value``."""
        name, value = children
        return Keyword(name.start_pos, value.end, str(name), value, **_above(value))

    def type(self, children: list[Word]) -> Node:
        """A type alone."""
        (word,) = children
        return TypeName(*_span(word), str(word), pure=False)

    def typed_name(self, children: list[Word]) -> Node:
        """A type and the name it declares."""
        word, name = children
        return TypeName(_span(word)[0], _span(name)[1], str(word), str(name), pure=False)

    def macro(self, children: list[Any]) -> MacroHead:
        """Name and parameters of a macro."""
        name, *formals = children
        return MacroHead(str(name), tuple(f for f in formals if f is not None))

    def formal(self, children: list[Any]) -> Formal:
        """One parameter of a macro."""
        name, default = children
        return Formal(str(name), default)

    def expression(self, children: list[Any]) -> Node:
        """Precedence climbing over ``unary (operator unary)*`` with an explicit stack."""
        values: list[Node] = [children[0]]
        operators: list[str] = []
        for operator, operand in zip(children[1::2], children[2::2], strict=True):
            while operators and PRECEDENCE[operators[-1]] >= PRECEDENCE[operator]:
                _reduce(values, operators)
            operators.append(operator)
            values.append(operand)
        while operators:
            _reduce(values, operators)
        return values[0]

    def operator(self, children: list[Word]) -> str:
        """A binary operator."""
        return str(children[0])

    def prefix(self, children: list[Any]) -> Node:
        """A sign before an operand."""
        sign, operand = children
        return Prefix(sign.start_pos, operand.end, str(sign), operand, **_above(operand))

    def absolute(self, children: list[Any]) -> Node:
        """``|x|``."""
        left, operand, right = children
        return Absolute(left.start_pos, right.end_pos, operand, **_above(operand))

    def number(self, children: list[Word]) -> Node:
        """A numeric literal."""
        (word,) = children
        return Number(*_span(word), _number(word))

    def string(self, children: list[Word]) -> Node:
        """A quoted string."""
        (word,) = children
        return Text(*_span(word), _unescape(word))

    def here(self, children: list[Word]) -> Node:
        """``.``."""
        return Here(*_span(children[0]), pure=False)

    def group(self, children: list[Any]) -> Node:
        """Parentheses leave no node."""
        return children[1]  # type: ignore[no-any-return]

    def memory(self, children: list[Any]) -> Node:
        """``[x]``."""
        left, inner, right = children
        return Memory(left.start_pos, right.end_pos, inner, **_above(inner))

    def index(self, children: list[Node]) -> Node:
        """``[i]`` behind a name."""
        return children[0]

    def reference(self, children: list[Any]) -> Node:
        """A name, with indices and what follows its dots."""
        word, *indices, suffix = children
        start, end = _span(word)
        if suffix is not None:
            end = suffix.end_pos
        elif indices:
            end = indices[-1].end + 1
        behind = () if suffix is None else tuple(suffix[1:].split("."))
        if word == "c" and indices:
            if len(indices) != 2:
                raise ExpressionProblem("a constant is written c[bank][offset]", start, end)
            bank, offset = indices
            return Bank(start, end, bank, offset, behind, **_above(bank, offset))
        whole = builtin(word)
        head, *inner = (str(word),) if whole is not None else word.split(".")
        after = (*inner, *behind)
        value = whole if whole is not None else builtin(head)
        if value is None:
            if inner and indices:
                raise ExpressionProblem("an index stands before the dot: v[1].lo", start, end)
            return Name(start, end, head, tuple(indices), after, depth=_above(*indices)["depth"], pure=False)
        if indices:
            raise ExpressionProblem(f"{word} has no elements; declare an array: .reg name[4]", start, end)
        return Builtin(start, end, value, after)


def _span(token: Word) -> tuple[int, int]:
    return token.start_pos or 0, token.end_pos or 0


def _above(*below: Node) -> dict[str, Any]:
    """Depth and purity of a node over others; ExpressionProblem if it becomes too deep."""
    depth = 1 + max((node.depth for node in below), default=0)
    if depth > MAXIMUM_DEPTH:
        raise ExpressionProblem(f"this expression is nested more than {MAXIMUM_DEPTH} deep", 0, below[-1].end)
    return {"depth": depth, "pure": all(node.pure for node in below)}


def _reduce(values: list[Node], operators: list[str]) -> None:
    right, left = values.pop(), values.pop()
    values.append(Binary(left.start, right.end, operators.pop(), left, right, **_above(left, right)))


def _number(word: Word) -> int | float | Bits:
    """The value of a numeric literal; ExpressionProblem says what is wrong with it."""
    text = word.replace("_", "")
    try:
        lead = text[:2].lower()
        if lead == "0f":
            if len(text) != 10:
                raise ExpressionProblem("the bits of a float are 0f and eight hexadecimal digits", *_span(word))
            return Bits(int(text[2:], 16))
        if lead in ("0x", "0b"):
            return int(text, 0)
        if text.isdigit():
            return int(text[:400])
        return written_float(text)
    except ValueError:
        raise ExpressionProblem(f"malformed number {word}", *_span(word)) from None


def _unescape(word: str) -> str:
    """The characters of a quoted string; a backslash before n, t, a quote or itself is an escape."""
    parts, body = [], iter(word[1:-1])
    for character in body:
        parts.append(_ESCAPES.get(following := next(body), "\\" + following) if character == "\\" else character)
    return "".join(parts)
