"""The syntax tree: statements, blocks of statements, and expressions with their columns."""

from attrs import define, field, frozen
from lark import Token

from dstc_isa.isa.values import Value
from dstc_isa.syntax.source import Source


@frozen
class Bits:
    """A number given by its 32 bits: ``0f3f800000``."""

    value: int


@frozen(eq=False)
class Node:
    """An expression; ``start`` and ``end`` are columns in the operand's text, from 0.

    ``depth`` is the height of the tree, ``pure`` says that the value depends on no name and no place.
    """

    start: int
    end: int
    depth: int = field(default=1, kw_only=True)
    pure: bool = field(default=True, kw_only=True)


@frozen(eq=False)
class Number(Node):
    """A literal number."""

    value: int | float | Bits


@frozen(eq=False)
class Text(Node):
    """A quoted string."""

    value: str


@frozen(eq=False)
class Here(Node):
    """``.``: the address of this instruction."""


@frozen(eq=False)
class Builtin(Node):
    """A register, predicate or other name of the machine, with the words behind its dots."""

    value: Value
    suffix: tuple[str, ...] = ()


@frozen(eq=False)
class Name(Node):
    """A name that the program declares, with indices and the words behind its dots."""

    text: str
    indices: tuple[Node, ...] = ()
    suffix: tuple[str, ...] = ()


@frozen(eq=False)
class Bank(Node):
    """``c[bank][offset]``."""

    bank: Node
    offset: Node


@frozen(eq=False)
class Prefix(Node):
    """``-x``, ``~x`` or ``!x``."""

    operator: str
    operand: Node


@frozen(eq=False)
class Binary(Node):
    """Two operands of an arithmetic, bit, comparison or logic operator."""

    operator: str
    left: Node
    right: Node


@frozen(eq=False)
class Absolute(Node):
    """``|x|``."""

    operand: Node


@frozen(eq=False)
class Memory(Node):
    """``[x]``."""

    operand: Node


@frozen(eq=False)
class Keyword(Node):
    """``name=value`` in a macro use."""

    name: str
    value: Node


@frozen(eq=False)
class TypeName(Node):
    """``.u32``, alone or before the name it declares."""

    type: str
    name: str = ""


@frozen(eq=False)
class Formal:
    """A parameter of a macro; ``default`` is None if it must be given."""

    name: str
    default: Node | None


@frozen(eq=False)
class MacroHead:
    """Name and parameters of a macro."""

    name: str
    formals: tuple[Formal, ...]


@define(eq=False)
class Statement:
    """One line: labels, then an instruction or macro use, or a directive, or nothing.

    ``word`` is the mnemonic or directive, None for labels alone; ``operands`` the text behind it.
    """

    source: Source
    labels: list[Token]
    word: Token | None = None
    operands: Token | None = None
    control: Token | None = None
    guard: Token | None = None
    is_directive: bool = False

    @property
    def line(self) -> int:
        """Line number, from 1."""
        return (self.word if self.word is not None else self.labels[0]).line or 0


@define(eq=False)
class Branch:
    """An opening directive with its body; an ``.if`` has one for each of its conditions."""

    opening: Statement
    body: "list[Statement | Block]" = field(factory=list)


@define(eq=False)
class Block:
    """Directives that enclose statements: ``.kernel``, ``.macro``, ``.rept``, ``.for``, ``.if``."""

    branches: list[Branch]

    @property
    def opening(self) -> Statement:
        """The directive that begins it."""
        return self.branches[0].opening

    @property
    def kind(self) -> str:
        """The directive that begins it, such as ``.if``."""
        return str(self.opening.word)

    @property
    def body(self) -> "list[Statement | Block]":
        """The statements of its first or only branch."""
        return self.branches[0].body


Body = list[Statement | Block]
