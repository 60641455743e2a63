"""``PRINT``: what of a warp is shown where control comes by, at no cost."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import evolve

from dstc_isa.assembler.directives import kernel_of
from dstc_isa.assembler.errors import ArgumentError, EvaluationError, KnownProblem
from dstc_isa.assembler.evaluate import Environment, describe, evaluate, integer
from dstc_isa.assembler.expand import Expander
from dstc_isa.assembler.guards import guard_of
from dstc_isa.assembler.kernel import KernelBuilder
from dstc_isa.assembler.printing import Item, Printing
from dstc_isa.assembler.reporting import split_operands
from dstc_isa.assembler.values import Named, NamedPredicate, Operand, RegisterArray
from dstc_isa.isa.values import HALVES, PT, REGISTERS, RZ, WARP_NUMBER, Constant, Predicate, Register, SpecialRegister
from dstc_isa.isa.warp import SpecialNumber
from dstc_isa.program import BANK_SHIFT, MAXIMUM_PRINTED, PARAMETER_BASE, PRINT_TYPES, PrintItem
from dstc_isa.syntax.names import builtin
from dstc_isa.syntax.parser import OperandProblem, parse_argument
from dstc_isa.syntax.tree import Builtin, Name, Node, Statement, Text

MAXIMUM_ITEMS = 512
TYPES = ("u32", "s32", "x", "f32", "f16x2", "f16", "u64", "s64", "x64")
WORD, PAIR = 1, 2
CLOCKS = (SpecialNumber.CLOCKLO, SpecialNumber.CLOCKHI)
_PARTS = {2: ("lo", "hi"), 4: ("x", "y", "z", "w")}
_WIDE = {"": "u64", "x": "x64"}
"""What two words are where one would be of this type."""

_HALVES = {"H0": 0, "H1": 1}
_KNOWN_WORDS = frozenset({"lo", "hi", "x", "y", "z", "w", *_HALVES})
_NAMED = re.compile(r'(?:"(?P<text>(?:[^"\\]|\\.)*)"|(?P<name>[A-Za-z_$][\w$]*))\s*=(?!=)\s*')
_SLICE = re.compile(r"(?P<base>[A-Za-z_$][\w$]*)\[(?P<first>[^\[\]:]*):(?P<stop>[^\[\]:]*)\](?P<suffix>(?:\.[\w$]+)*)")
_CONSTANT = re.compile(r"(?P<base>c\s*\[.*\]|SRZ|SR_\w+(?:\.[A-Z]+)?)\.(?P<type>[a-z]\w*)")
_PARAMETER_TYPES = {"ptr": "x64", "u64": "u64", "u32": "u32", "s32": "s32", "f32": "f32"}


class PrintProblem(OperandProblem):
    """What is wrong with a part of an operand of PRINT, and what may have been meant."""

    def __init__(self, message: str, start: int, end: int, expected: str = "", suggestion: str = "") -> None:
        super().__init__(message, start, end, expected)
        self.suggestion = suggestion


def show(expander: Expander, statement: Statement) -> None:
    """``PRINT "text", value, a[0:8].f32``."""
    kernel = kernel_of(expander, statement)
    if statement.control is not None:
        message = "PRINT takes no control prefix: it is no instruction, and takes no time"
        expander.reporter.at_piece(statement, statement.control, message, expander.uses)
        return
    guard = guard_of(expander, statement)
    reader = Reader(expander, kernel)
    items: list[Item | PrintItem] = []
    # What is shown may stand anywhere, so that the instructions may still be moved.
    uses = kernel.address_uses.count
    for index, (text, _) in enumerate(split_operands(statement.operands) if statement.operands else []):
        try:
            items += reader.items(index, text)
        except (OperandProblem, EvaluationError) as error:
            raise ArgumentError(index, error) from None
        if any(len(item.text) > MAXIMUM_PRINTED for item in items):
            raise ArgumentError(index, f"a text of PRINT has at most {MAXIMUM_PRINTED} characters")
        if len(items) > MAXIMUM_ITEMS:
            raise ArgumentError(index, f"PRINT shows at most {MAXIMUM_ITEMS} values")
    kernel.address_uses.count = uses
    if guard is not None:
        kernel.prints.append(Printing(statement, expander.location(statement), len(kernel.emitted), items, guard))


class Reader:
    """Reads the operands of a PRINT in a kernel."""

    def __init__(self, expander: Expander, kernel: KernelBuilder) -> None:
        self.expander = expander
        self.kernel = kernel

    @property
    def environment(self) -> Environment:
        """What expressions are evaluated in."""
        return self.expander.environment

    def items(self, operand: int, text: str) -> list[Item | PrintItem]:
        """What one operand shows; OperandProblem or EvaluationError with the place in its text."""
        name, start = None, 0
        if (match := _NAMED.match(text)) is not None:
            name, start = match["name"], match.end()
            if name is None:
                name = _text_of(text[: match.end("text") + 1])
        with _within(start):
            return self._named(operand, text[start:], name)

    def _named(self, operand: int, text: str, name: str | None) -> list[Item | PrintItem]:
        if (match := _SLICE.fullmatch(text)) is not None:
            return self._slice(operand, match, name)
        if (match := _CONSTANT.fullmatch(text)) is not None:
            node = parse_argument(match["base"])
            if match["type"] not in TYPES:
                raise _no_type(match["type"], node, match.end("type"))
            label = match["base"] if name is None else name
            return self._value(operand, evaluate(node, self.environment), match["type"], label, node)
        node = parse_argument(text)
        node, kind = self._typed(node)
        if isinstance(node, Name) and not node.indices and not any(word in _KNOWN_WORDS for word in node.suffix):
            bound = self.expander.scope.find(node.text)
            if isinstance(bound, RegisterArray) and bound.count > 1 and not bound.predicate:
                suffix = "".join("." + word for word in (*node.suffix, *([kind] if kind else [])))
                return self._elements(operand, node.text, range(bound.count), suffix, name, len(text))
        value = evaluate(node, self.environment)
        label = "" if name is None and isinstance(value, str | int | float) else name
        if label is None:
            label = self._label(node, text.removesuffix(f".{kind}"))
        return self._value(operand, value, kind, label, node)

    def _typed(self, node: Node) -> tuple[Node, str]:
        """A name without the type behind it, and the type; a part of a register stays."""
        if not isinstance(node, Name | Builtin) or not node.suffix or node.suffix[-1] not in TYPES:
            if isinstance(node, Name | Builtin) and node.suffix and node.suffix[-1] not in _KNOWN_WORDS:
                raise _no_type(node.suffix[-1], node, node.end)
            return node, ""
        if node.suffix[-1] == "x":
            try:
                evaluate(node, self.environment)
                return node, ""
            except EvaluationError:
                pass
        return evolve(node, suffix=node.suffix[:-1]), node.suffix[-1]

    def _slice(self, operand: int, match: re.Match[str], name: str | None) -> list[Item | PrintItem]:
        base = parse_argument(match["base"])
        bound = evaluate(base, self.environment)
        if not isinstance(bound, Named | Register) or bound == Register(RZ):
            raise EvaluationError(f"{describe(bound)} has no elements", base)
        count = bound.array.count - bound.offset // bound.array.width if isinstance(bound, Named) else RZ - bound.index
        ends = []
        for group, default in (("first", 0), ("stop", count)):
            with _within(match.start(group)):
                text = match[group]
                ends.append(integer(parse_argument(text), self.environment) if text.strip() else default)
        first, stop = ends
        if not 0 <= first < stop <= count:
            message = f"{match['base']} has elements 0 to {count - 1}, and {first}:{stop} is no part of them"
            raise PrintProblem(message, match.start("first"), match.end("stop"))
        return self._elements(operand, match["base"], range(first, stop), match["suffix"], name, match.end())

    def _elements(
        self, operand: int, base: str, indices: range, suffix: str, name: str | None, end: int
    ) -> list[Item | PrintItem]:
        """What elements of an array show, or machine registers behind ``base``; ``end``: of the operand's text."""
        items: list[Item | PrintItem] = []
        machine = builtin(base)
        first = machine.index if isinstance(machine, Register) else 0
        for index in indices:
            written = f"R{first + index}{suffix}" if machine is not None else f"{base}[{index}]{suffix}"
            try:
                node, kind = self._typed(parse_argument(written))
                parts = node.suffix if isinstance(node, Name | Builtin) else ()
                label = "".join([f"{base if name is None else name}[{index}]", *("." + word for word in parts)])
                items += self._value(operand, evaluate(node, self.environment), kind, label, node)
            except (OperandProblem, EvaluationError) as error:
                raise PrintProblem(str(error), 0, end, error.expected, getattr(error, "suggestion", "")) from None
        return items

    def _value(self, operand: int, value: Operand, kind: str, label: str, node: Node) -> list[Item | PrintItem]:
        """What a value shows under a name; ``kind``: the type that is written, or empty."""
        if isinstance(value, Register | Named):
            return [*_registers(operand, value, kind, label, node)]
        if isinstance(value, Predicate | NamedPredicate):
            _refuse(kind, node, "a predicate is shown as 0 or 1")
            if isinstance(value, Predicate) and not 0 <= value.index <= PT:
                raise EvaluationError("predicates are P0 to P6 and PT", node)
            return [Item(label, value, "", operand)]
        if isinstance(value, Constant):
            return self._constant(value, kind, label, node)
        if value == WARP_NUMBER:
            raise EvaluationError("SR_WARPID is a part of SR_VIRTID, which PRINT can show", node)
        if isinstance(value, SpecialRegister):
            if value.number in CLOCKS:
                raise EvaluationError("a clock has no value here: what PRINT shows is taken without time", node)
            if kind not in ("", "u32", "s32", "x"):
                raise EvaluationError(f"a special register is no .{kind}", node, expected=".u32, .s32 or .x")
            return [PrintItem("special", label, value.number, kind or "u32")]
        if isinstance(value, str | int | float):
            _refuse(kind, node, "a number or a text is shown as it is")
            text = str(value)
            if not all(c.isprintable() or c in "\n\t" for c in text):
                raise EvaluationError("a text has characters that can be shown, \\n and \\t", node)
            return [PrintItem("text", f"{label} = {text}" if label else text)]
        expected = "a register, predicate, parameter, special register, number or text"
        raise EvaluationError(f"PRINT shows no value of {describe(value)}", node, expected=expected)

    def _constant(self, value: Constant, kind: str, label: str, node: Node) -> list[Item | PrintItem]:
        """The items that show a constant, or the words of a wide parameter by its name."""
        if value != Constant(value.bank, value.offset):
            raise EvaluationError("a constant is shown as it is, without a sign or a half", node)
        if not 0 <= value.bank < 1 << 5 or value.offset < 0 or value.offset % 4:
            raise EvaluationError("a constant is at a multiple of 4 in bank 0 to 31", node)
        at = value.offset - PARAMETER_BASE
        named = next((p for p in self.kernel.parameters if value.bank == 0 and p.offset == at), None)
        kind = kind or (_PARAMETER_TYPES[named.type] if named else "u32")
        if kind == "f16":
            raise EvaluationError("a constant is no .f16", node, expected=".f16x2, which is two of them in a word")
        width = None
        if isinstance(node, Name) and named is not None:
            width = PRINT_TYPES[_PARAMETER_TYPES[named.type]]
            kind = _WIDE.get(kind, kind) if width == PAIR else kind
            if PRINT_TYPES[kind] > width:
                raise EvaluationError(f".{kind} takes two words, and {node.text} has one", node)
        place = value.bank << BANK_SHIFT | value.offset
        if width is None or PRINT_TYPES[kind] == width:
            return [PrintItem("constant", label, place, kind)]
        return [PrintItem("constant", f"{label}.{part}", place + 4 * i, kind) for i, part in enumerate(_PARTS[width])]

    def _label(self, node: Node, text: str) -> str:
        """What is written, with indices as numbers and without the type."""
        if isinstance(node, Name):
            indices = "".join(f"[{integer(index, self.environment)}]" for index in node.indices)
            return node.text + indices + "".join("." + word for word in node.suffix)
        return text


def _registers(operand: int, value: Register | Named, kind: str, label: str, node: Node) -> Iterator[Item]:
    """The items that show a register, or the registers of a wide name."""
    if value.negate or value.absolute or value.reuse:
        raise EvaluationError("a register is shown as it is, without a sign or .reuse", node)
    if isinstance(value, Register) and value.index != RZ and not 0 <= value.index < REGISTERS:
        raise EvaluationError(f"registers are R0 to R{REGISTERS - 1} and RZ", node)
    if value.suffix and value.suffix not in HALVES:
        raise EvaluationError(f"a register is shown as it is, without .{value.suffix}", node)
    if value.suffix:
        if kind not in ("", "f16"):
            raise EvaluationError(f"a half of a register is .f16, not .{kind}", node)
        yield Item(label, evolve(value, suffix=""), value.suffix[:2], operand)
        return
    if kind == "f16":
        raise EvaluationError(
            ".f16 is a half of a register", node, expected="its half before it, as .H0.f16, or .f16x2"
        )
    width = value.width if isinstance(value, Named) else WORD
    if width == PAIR:
        kind = _WIDE.get(kind, kind)
    kind = kind or "u32"
    size = PRINT_TYPES[kind]
    if size > width:
        if isinstance(value, Named) and value.offset + size > value.array.size:
            raise EvaluationError(f".{kind} takes two registers, and {value.array.name} ends with this one", node)
        if isinstance(value, Register) and value.index >= REGISTERS - 1:
            raise EvaluationError(f".{kind} takes two registers, and there is none behind {value}", node)
        yield Item(label, value, kind, operand)
    elif size == width:
        yield Item(label, value, kind, operand)
    else:
        assert isinstance(value, Named)
        for place, part in enumerate(_PARTS[width // size]):
            item = evolve(value, offset=value.offset + place * size, width=size)
            yield Item(f"{label}.{part}", item, kind, operand)


def _refuse(kind: str, node: Node, why: str) -> None:
    if kind:
        raise EvaluationError(f"no type goes here: {why}", node)


def _no_type(word: str, node: Node, end: int) -> EvaluationError:
    return EvaluationError(
        f"there is no type .{word}",
        evolve(node, start=end - len(word) - 1, end=end),
        expected=", ".join("." + t for t in TYPES),
    )


def _text_of(text: str) -> str:
    node = parse_argument(text)
    assert isinstance(node, Text)
    return node.value


@contextmanager
def _within(start: int) -> Iterator[None]:
    """Errors of a part of an operand that begins at a column have their place in the whole operand."""
    try:
        yield
    except KnownProblem:
        raise
    except (OperandProblem, EvaluationError) as error:
        place = error.node if isinstance(error, EvaluationError) else error
        suggestion = getattr(error, "suggestion", "")
        raise PrintProblem(str(error), place.start + start, place.end + start, error.expected, suggestion) from None
