"""Walks the tree of a file: expands macros and loops, declares names, emits instructions."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import Factory, define, frozen

from dstc_isa.assembler.arithmetic import is_true
from dstc_isa.assembler.emit import Emitted
from dstc_isa.assembler.errors import Abandoned, ArgumentError, EvaluationError
from dstc_isa.assembler.evaluate import Environment, evaluate, number, pure_value
from dstc_isa.assembler.kernel import KernelBuilder
from dstc_isa.assembler.reporting import Reporter, closest, split_operands
from dstc_isa.assembler.scope import Scope
from dstc_isa.assembler.values import Label, Operand, RegisterArray
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.program import MAXIMUM_INSTRUCTIONS, ConstantArray, Frame, Location
from dstc_isa.syntax.names import builtin
from dstc_isa.syntax.parser import OperandProblem, parse_argument
from dstc_isa.syntax.reader import Tree
from dstc_isa.syntax.tree import Block, Body, MacroHead, Node, Statement

MAXIMUM_DEPTH = 64
MAXIMUM_STEPS = 1 << 21


@frozen(eq=False, repr=False)
class Macro:
    """A macro: its head and its body, parsed once."""

    head: MacroHead
    body: Body
    statement: Statement


Directive = Callable[["Expander", Statement], None]
BlockHandler = Callable[["Expander", Block], None]


@frozen(eq=False, repr=False)
class Language:
    """What the words of the language do; ``loader`` reads the file that an ``.include`` names."""

    instruction: Directive
    directives: dict[str, Directive]
    blocks: dict[str, BlockHandler]
    loader: "Callable[[Expander, Statement], Tree]"


@define(eq=False, repr=False)
class Expander:
    """The state of one assembly.

    ``trail``: the lines that led to the statement at hand, innermost first; ``uses`` are those of them that
    used a macro; ``macro`` is the macro whose body is being read; ``body`` is the whole file, ``loop`` the
    outermost loop at hand.
    """

    language: Language
    isa: Isa
    include: Sequence[Path] = ()
    reporter: Reporter = Factory(Reporter)
    scope: Scope = Factory(Scope)
    macros: dict[str, Macro] = Factory(dict)
    kernel: KernelBuilder | None = None
    kernels: list[KernelBuilder] = Factory(list)
    constants: bytearray = Factory(bytearray)
    constant_arrays: list[ConstantArray] = Factory(list)
    included: dict[int, Tree] = Factory(dict)
    body: Body = Factory(list)
    label_lists: dict[int, list[tuple[str, Statement]]] = Factory(dict)
    declared: list[RegisterArray] = Factory(list)
    macro: str = ""
    trail: tuple[Frame, ...] = ()
    uses: tuple[Frame, ...] = ()
    loop: Statement | None = None
    depth: int = 0
    steps: int = 0

    # --- statements

    def execute(self, body: Body) -> None:
        """Carry out statements in order; errors are reported and the next statement follows."""
        for item in body:
            self.count(item.opening if isinstance(item, Block) else item)
            if isinstance(item, Block):
                self.guarded(item.opening, self.language.blocks[item.kind], item)
                continue
            if item.labels:
                self.place_labels(item)
            if item.word is None:
                continue
            if not item.is_directive:
                self.language.instruction(self, item)
            elif item.word in self.language.directives:
                self.guarded(item, self.language.directives[item.word], item)
            else:
                suggestion = closest(item.word, [*self.language.directives, *self.language.blocks])
                self.error(item, f"unknown directive {item.word}", suggestion=suggestion)

    def guarded(self, statement: Statement, action: Callable[..., None], argument: Statement | Block) -> None:
        """Carry out a directive; what is wrong with one of its arguments is reported there."""
        try:
            action(self, argument)
        except ArgumentError as error:
            self.reporter.at_operand(statement, error.index, error.cause, self.uses)

    def count(self, statement: Statement, amount: int = 1) -> None:
        """Note that lines are carried out; Abandoned, and reported at the statement, when there are too many."""
        self.steps += amount
        if self.steps > MAXIMUM_STEPS:
            self.error(
                self.loop or statement,
                f"loops and macros make more than {MAXIMUM_STEPS} lines to carry out, each turn of a loop counted too",
            )
            raise Abandoned("")

    def error(self, statement: Statement, message: str, *, expected: str = "", suggestion: str = "") -> None:
        """Report an error at a statement's first word."""
        self.reporter.at_word(statement, message, self.uses, expected=expected, suggestion=suggestion)

    # --- values

    @property
    def environment(self) -> Environment:
        """What expressions are evaluated in."""
        if self.kernel is None:
            return Environment(self.scope)
        return Environment(self.scope, self.kernel.here, self.kernel.address_uses)

    def nodes(self, statement: Statement) -> list[Node]:
        """The arguments of a directive or macro; ArgumentError for one that is malformed."""
        if statement.operands is None:
            return []
        nodes = []
        for index, (text, _) in enumerate(split_operands(statement.operands)):
            try:
                nodes.append(parse_argument(text))
            except OperandProblem as error:
                raise ArgumentError(index, error) from None
        return nodes

    def value(self, index: int, node: Node) -> Operand:
        """The value of an argument."""
        try:
            return evaluate(node, self.environment)
        except EvaluationError as error:
            raise ArgumentError(index, error) from None

    def number(self, index: int, node: Node) -> int | float:
        """The number that an argument must be."""
        try:
            return number(node, self.environment)
        except EvaluationError as error:
            raise ArgumentError(index, error) from None

    def integer(self, index: int, node: Node) -> int:
        """The integer that an argument must be."""
        value = self.number(index, node)
        if not isinstance(value, int):
            raise ArgumentError(index, f"expected an integer, not {value}")
        return value

    def condition(self, statement: Statement) -> bool:
        """Whether the one condition behind a directive holds."""
        nodes = self.nodes(statement)
        if len(nodes) != 1:
            raise ArgumentError(len(nodes), f"{statement.word} takes one condition")
        try:
            return is_true(self.number(0, nodes[0]))
        except ValueError as error:
            raise ArgumentError(0, str(error)) from None

    # --- names

    def declare(self, index: int, name: str, value: Operand | RegisterArray) -> None:
        """Give a name a meaning in the block at hand; ArgumentError if it has one."""
        self.refuse_reserved(index, name)
        if name in self.scope.names:
            raise ArgumentError(index, f"{name} is already declared here")
        self.scope.names[name] = value

    def refuse_reserved(self, index: int, name: str) -> None:
        """ArgumentError for a name that belongs to the machine."""
        if builtin(name) is not None or name == "c":
            raise ArgumentError(index, f"{name} is a name of the machine")

    def place_labels(self, statement: Statement) -> None:
        """Give the statement's labels the address of the next instruction."""
        for token in statement.labels:
            name = token.rstrip(": \t")
            if self.kernel is None:
                self.reporter.at_piece(statement, token, f"label {name} is outside a kernel", self.uses)
                continue
            bound = self.scope.names.get(name)
            if not isinstance(bound, Label):
                reason = "is a name of the machine" if builtin(name) or name == "c" else "is already declared here"
                self.reporter.at_piece(statement, token, f"{name} {reason}", self.uses)
            elif bound.address is not None:
                first = f"{bound.statement.source.name}:{bound.statement.line}"
                self.reporter.at_piece(statement, token, f"label {name} is already at {first}", self.uses)
            else:
                bound.address = self.kernel.here
                self.kernel.labelled()

    def declare_labels(self, body: Body) -> None:
        """Make the labels of a block known before its first statement."""
        assert self.kernel is not None
        found = self.label_lists.get(id(body))
        if found is None:
            found = self.label_lists[id(body)] = list(self._labels_in(body))
        for name, statement in found:
            if name not in self.scope.names and builtin(name) is None and name != "c":
                label = Label(name, statement)
                self.scope.names[name] = label
                self.kernel.labels.append(label)

    def _labels_in(self, body: Body, depth: int = 0) -> Iterator[tuple[str, Statement]]:
        for item in body:
            if isinstance(item, Block):
                if item.kind == ".if":
                    for branch in item.branches:
                        yield from self._labels_in(branch.body, depth)
                continue
            for token in item.labels:
                yield token.rstrip(": \t"), item
            if item.word == ".include" and item.is_directive and depth < MAXIMUM_DEPTH:
                try:
                    tree = self.load(item)
                except ArgumentError:  # reported where the line is carried out
                    continue
                yield from self._labels_in(tree.body, depth + 1)

    def load(self, statement: Statement) -> Tree:
        """The tree of an included file, read once for each ``.include``; ArgumentError if that fails."""
        if id(statement) not in self.included:
            self.included[id(statement)] = self.language.loader(self, statement)
        return self.included[id(statement)]

    def definition_elsewhere(self, name: str) -> Statement | None:
        """Where the file or one that it includes defines a macro of that name, carried out or not."""
        return next((s for s in self._definitions(self.body) if _macro_name(s) == name), None)

    def _definitions(self, body: Body, depth: int = 0) -> Iterator[Statement]:
        for item in body:
            if isinstance(item, Block):
                if item.kind == ".macro":
                    yield item.opening
                for branch in item.branches:
                    yield from self._definitions(branch.body, depth)
            elif item.word == ".include" and item.is_directive and depth < MAXIMUM_DEPTH:
                try:
                    tree = self.load(item)
                except ArgumentError:  # reported where the line is carried out
                    continue
                yield from self._definitions(tree.body, depth + 1)

    @contextmanager
    def block_scope(self, *, barrier: bool = False) -> Iterator[Scope]:
        """A block with names of its own; its registers are released at its end."""
        outer = self.scope
        self.scope = Scope(outer, barrier, start=len(self.kernel.emitted) if self.kernel else 0)
        try:
            yield self.scope
        finally:
            if self.kernel is not None:
                self.kernel.release(self.scope)
            self.scope = outer

    @contextmanager
    def turning(self, block: Block, turns: int) -> Iterator[None]:
        """A loop of so many turns; what is too long is reported at the outermost, at once if possible."""
        outer, self.loop = self.loop, self.loop or block.opening
        try:
            least = 0 if outer else turns * _least_lines(block.body)
            self.count(block.opening, turns + least)
            self.steps -= least
            yield
        finally:
            self.loop = outer

    @contextmanager
    def nested(self, statement: Statement, macro: str | None) -> Iterator[None]:
        """What comes from a macro's body, or with ``macro`` None from an included file."""
        if self.depth >= MAXIMUM_DEPTH:
            self.error(statement, f"macros and includes nest more than {MAXIMUM_DEPTH} deep")
            raise Abandoned("")
        saved = self.macro, self.trail, self.uses
        frame = Frame(statement.source.name, statement.line, self.macro)
        self.trail = (frame, *self.trail)
        if macro is not None:
            self.macro = macro
            self.uses = (frame, *self.uses)
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1
            self.macro, self.trail, self.uses = saved

    def append(self, kernel: KernelBuilder, emitted: Emitted) -> None:
        """Put an instruction at the end of the kernel; Abandoned when there are too many."""
        if len(kernel.emitted) >= MAXIMUM_INSTRUCTIONS:
            self.error(emitted.statement, f"the kernel has more than {MAXIMUM_INSTRUCTIONS} instructions")
            raise Abandoned("")
        kernel.emitted.append(emitted)

    def location(self, statement: Statement) -> Location:
        """Where what the statement emits comes from."""
        return (Frame(statement.source.name, statement.line, self.macro), *self.trail)


def _least_lines(body: Body) -> int:
    """How many lines one turn of a loop carries out at least, with those of loops in it whose turns are a number."""
    lines = len(body)
    for item in body:
        if isinstance(item, Block) and item.kind == ".rept":
            turns = pure_value((item.opening.operands or "").strip())
            if isinstance(turns, int) and turns > 0:
                lines += turns * (1 + _least_lines(item.body))
    return lines


def _macro_name(opening: Statement) -> str:
    """The name behind ``.macro``, or empty."""
    return (opening.operands or "").split(",")[0].strip().partition(" ")[0]
