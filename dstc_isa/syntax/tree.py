"""The syntax tree: statements, blocks of statements, and expressions with their columns."""

from attrs import define, field, frozen

from dstc_isa.isa.values import Value
from dstc_isa.syntax.source import Source


@frozen
class Bits:
    """A number given by its 32 bits: ``0f3f800000``."""

    value: int


@frozen(eq=False, repr=False)
class Node:
    """An expression; ``start`` and ``end`` are columns in the operand's text, from 0.

    ``depth`` is the height of the tree, ``pure`` says that the value depends on no name and no place.
    """

    start: int
    end: int
    depth: int = field(default=1, kw_only=True)
    pure: bool = field(default=True, kw_only=True)


@frozen(eq=False, repr=False)
class Number(Node):
    """A literal number."""

    value: int | float | Bits


@frozen(eq=False, repr=False)
class Text(Node):
    """A quoted string."""

    value: str


@frozen(eq=False, repr=False)
class Here(Node):
    """``.``: the address of this instruction."""


@frozen(eq=False, repr=False)
class Builtin(Node):
    """A register, predicate or other name of the machine, with the words behind its dots."""

    value: Value
    suffix: tuple[str, ...] = ()


@frozen(eq=False, repr=False)
class Name(Node):
    """A name that the program declares, with indices and the words behind its dots."""

    text: str
    indices: tuple[Node, ...] = ()
    suffix: tuple[str, ...] = ()


@frozen(eq=False, repr=False)
class Bank(Node):
    """``c[bank][offset]``, with the words behind its dots."""

    bank: Node
    offset: Node
    suffix: tuple[str, ...] = ()


@frozen(eq=False, repr=False)
class Prefix(Node):
    """``-x``, ``~x`` or ``!x``."""

    operator: str
    operand: Node


@frozen(eq=False, repr=False)
class Binary(Node):
    """Two operands of an arithmetic, bit, comparison or logic operator."""

    operator: str
    left: Node
    right: Node


@frozen(eq=False, repr=False)
class Absolute(Node):
    """``|x|``, and what follows it behind dots."""

    operand: Node
    suffix: tuple[str, ...] = ()


@frozen(eq=False, repr=False)
class Memory(Node):
    """``[x]``."""

    operand: Node


@frozen(eq=False, repr=False)
class Keyword(Node):
    """``name=value`` in a macro use."""

    name: str
    value: Node


@frozen(eq=False, repr=False)
class TypeName(Node):
    """``.u32``, alone or before the name it declares."""

    type: str
    name: str = ""


@frozen(eq=False, repr=False)
class Formal:
    """A parameter of a macro; ``default`` is None if it must be given."""

    name: str
    default: Node | None


@frozen(eq=False, repr=False)
class MacroHead:
    """Name and parameters of a macro."""

    name: str
    formals: tuple[Formal, ...]


class Piece(str):
    """A piece of a line with its columns from 0, like a token of Lark."""

    __slots__ = ("end_pos", "start_pos")
    start_pos: int
    end_pos: int

    def __new__(cls, text: str, start: int) -> "Piece":
        """The text that begins at column ``start``."""
        piece = super().__new__(cls, text)
        piece.start_pos = start
        piece.end_pos = start + len(text)
        return piece


@define(eq=False, repr=False)
class Statement:
    """One line, numbered from 1: labels, then an instruction or macro use, or a directive, or nothing.

    ``word`` is the mnemonic or directive, None for labels alone; ``operands`` the text behind it.
    """

    source: Source
    line: int
    labels: tuple[Piece, ...]
    word: Piece | None = None
    operands: Piece | None = None
    control: Piece | None = None
    guard: Piece | None = None
    is_directive: bool = False

    @property
    def first(self) -> Piece:
        """The mnemonic or directive, or the first label where there is neither."""
        return self.word if self.word is not None else self.labels[0]


@define(eq=False, repr=False)
class Branch:
    """An opening directive with its body; an ``.if`` has one for each of its conditions."""

    opening: Statement
    body: "list[Statement | Block]" = field(factory=list)


@define(eq=False, repr=False)
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
