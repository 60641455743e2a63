"""Walks the tree of a file: expands macros and loops, declares names, emits instructions."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from attrs import Factory, define, frozen

from dstc_isa.assembler.arithmetic import is_true
from dstc_isa.assembler.emit import PREDICATE_SHIFT, Emitted, RejectedOperand, emit
from dstc_isa.assembler.evaluate import Environment, EvaluationError, evaluate, number, pure_value
from dstc_isa.assembler.kernel import KernelBuilder
from dstc_isa.assembler.matching import MatchError, find_plan
from dstc_isa.assembler.reporting import Reporter, split_operands
from dstc_isa.assembler.scope import Scope
from dstc_isa.assembler.values import Label, NamedPredicate, Operand, RegisterArray
from dstc_isa.isa.codec import encode_guard
from dstc_isa.isa.control import DEFAULT_WORD, Control
from dstc_isa.isa.resolve import MnemonicError
from dstc_isa.isa.values import PT, Predicate
from dstc_isa.program import ConstantArray, Frame, Location
from dstc_isa.syntax.names import builtin
from dstc_isa.syntax.parser import OperandProblem, parse_argument
from dstc_isa.syntax.reader import Tree
from dstc_isa.syntax.tree import Block, Body, Keyword, MacroHead, Node, Statement

MAXIMUM_DEPTH = 64
MAXIMUM_INSTRUCTIONS = 1 << 20
MAXIMUM_STEPS = 1 << 22


class ArgumentError(Exception):
    """What is wrong with one argument of a directive; ``index`` says which, ``cause`` carries the place in it."""

    def __init__(self, index: int, cause: Exception | str) -> None:
        super().__init__(str(cause))
        self.index = index
        self.cause = cause if isinstance(cause, Exception) else self
        self.expected = ""
        self.suggestion = ""


class Abandoned(Exception):
    """Expansion cannot go on: it is too deep or too long."""


@frozen(eq=False, repr=False)
class Macro:
    """A macro: its head and its body, parsed once."""

    head: MacroHead
    body: Body
    statement: Statement


Directive = Callable[["Expander", Statement], None]
BlockHandler = Callable[["Expander", Block], None]


@define(eq=False, repr=False)
class Expander:
    """The state of one assembly.

    ``trail``: the lines that led to the statement at hand, innermost first; ``uses`` are those of them that
    used a macro; ``macro`` is the macro whose body is being read. ``directives`` and ``blocks`` say what the
    words that begin with a dot do, ``loader`` reads the file that an ``.include`` names.
    """

    directives: dict[str, Directive]
    blocks: dict[str, BlockHandler]
    loader: "Callable[[Expander, Statement], Tree | None]"
    include: Sequence[Path] = ()
    reporter: Reporter = Factory(Reporter)
    scope: Scope = Factory(Scope)
    macros: dict[str, Macro] = Factory(dict)
    kernel: KernelBuilder | None = None
    kernels: list[KernelBuilder] = Factory(list)
    constants: bytearray = Factory(bytearray)
    constant_arrays: list[ConstantArray] = Factory(list)
    included: dict[int, Tree | None] = Factory(dict)
    label_lists: dict[int, list[tuple[str, Statement]]] = Factory(dict)
    declared: list[RegisterArray] = Factory(list)
    macro: str = ""
    trail: tuple[Frame, ...] = ()
    uses: tuple[Frame, ...] = ()
    depth: int = 0
    steps: int = 0

    # --- statements

    def execute(self, body: Body) -> None:
        """Carry out statements in order; errors are reported and the next statement follows."""
        for item in body:
            self.count()
            if isinstance(item, Block):
                self.guarded(item.opening, self.blocks[item.kind], item)
                continue
            if item.labels:
                self.place_labels(item)
            if item.word is None:
                continue
            if not item.is_directive:
                self.instruction(item)
            elif item.word in self.directives:
                self.guarded(item, self.directives[item.word], item)
            else:
                near = get_close_matches(item.word, [*self.directives, *self.blocks], 1)
                self.error(item, f"unknown directive {item.word}", suggestion=near[0] if near else "")

    def guarded(self, statement: Statement, action: Callable[..., None], argument: Statement | Block) -> None:
        """Carry out a directive; what is wrong with one of its arguments is reported there."""
        try:
            action(self, argument)
        except ArgumentError as error:
            self.reporter.at_operand(statement, error.index, error.cause, self.uses)

    def count(self, amount: int = 1) -> None:
        """Note steps of expansion; Abandoned when there are too many."""
        self.steps += amount
        if self.steps > MAXIMUM_STEPS:
            raise Abandoned(f"the expansion takes more than {MAXIMUM_STEPS} steps")

    def error(self, statement: Statement, message: str, *, expected: str = "", suggestion: str = "") -> None:
        """Report an error at a statement's first word."""
        self.reporter.at_word(statement, message, self.uses, expected=expected, suggestion=suggestion)

    # --- values

    @property
    def environment(self) -> Environment:
        """What expressions are evaluated in."""
        return Environment(self.scope, self.kernel.here if self.kernel else None)

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
                tree = self.load(item)
                if tree is not None:
                    yield from self._labels_in(tree.body, depth + 1)

    def load(self, statement: Statement) -> Tree | None:
        """The tree of an included file, read once for each ``.include``; None if that failed."""
        if id(statement) not in self.included:
            self.included[id(statement)] = self.loader(self, statement)
        return self.included[id(statement)]

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

    # --- instructions

    def instruction(self, statement: Statement) -> None:
        """Emit an instruction, or use a macro."""
        mnemonic = statement.word
        assert mnemonic is not None
        if mnemonic in self.macros:
            self.guarded(statement, Expander.use_macro, statement)
            return
        kernel = self.kernel
        if kernel is None:
            self.error(statement, f"{mnemonic} is outside a kernel", expected=".kernel NAME before it")
            return
        here = kernel.here
        values: list[Operand] = []
        keys: list[object] = []
        if not self.operands(statement, values, keys):
            return
        try:
            plan = find_plan(mnemonic, tuple(map(type, values)))
            emitted = emit(plan, values, keys, here, statement, self.location(statement))
        except MnemonicError as error:
            near = get_close_matches(mnemonic, self.macros, 1, 0.8)
            self.error(statement, str(error), suggestion=near[0] if near else error.suggestion)
            return
        except (MatchError, RejectedOperand) as error:
            self.reporter.at_operand(statement, error.index, error, self.uses)
            return
        emitted.word |= self.control(statement)
        self.guard(statement, emitted)
        self.append(kernel, emitted)

    def append(self, kernel: KernelBuilder, emitted: Emitted) -> None:
        """Put an instruction at the end of the kernel; Abandoned when there are too many."""
        if len(kernel.emitted) >= MAXIMUM_INSTRUCTIONS:
            self.error(emitted.statement, f"the kernel has more than {MAXIMUM_INSTRUCTIONS} instructions")
            raise Abandoned("")
        kernel.emitted.append(emitted)

    def location(self, statement: Statement) -> Location:
        """Where what the statement emits comes from."""
        return (Frame(statement.source.name, statement.line, self.macro), *self.trail)

    def operands(self, statement: Statement, values: list[Operand], keys: list[object]) -> bool:
        """Append the values of an instruction's operands, and what to remember them by.

        That is the text of one that depends on no name. False if an operand has no value, which is reported.
        """
        text = statement.operands
        if text is None:
            return True
        environment: Environment | None = None
        complete = True
        for index, part in enumerate(text.split(",") if '"' not in text else [t for t, _ in split_operands(text)]):
            operand = part.strip()
            value = pure_value(operand)
            if value is not None:
                keys.append(operand)
            else:
                environment = environment or self.environment
                try:
                    value = evaluate(parse_argument(operand), environment)
                except (OperandProblem, EvaluationError) as error:
                    self.reporter.at_operand(statement, index, error, self.uses)
                    complete = False
                    continue
                keys.append(value)
            values.append(value)
        return complete

    def control(self, statement: Statement) -> int:
        """The scheduling bits of an instruction."""
        if statement.control is None:
            return DEFAULT_WORD
        try:
            return _control_word(statement.control)
        except ValueError as error:
            self.reporter.at_piece(statement, statement.control, str(error), self.uses)
            return DEFAULT_WORD

    def guard(self, statement: Statement, emitted: Emitted) -> None:
        """Put the guard on an instruction."""
        if statement.guard is None:
            emitted.word |= _NO_GUARD
            return
        text = statement.guard[1:].strip()
        value = pure_value(text)
        try:
            value = value if value is not None else evaluate(parse_argument(text), self.environment)
        except (OperandProblem, EvaluationError) as error:
            self.reporter.at_piece(
                statement, statement.guard, str(error), self.uses, suggestion=getattr(error, "suggestion", "")
            )
            return
        if isinstance(value, NamedPredicate):
            value.array.read = True
            emitted.guard = value
            emitted.always = False
        elif isinstance(value, Predicate) and 0 <= value.index <= PT:
            emitted.word |= encode_guard(value)
            emitted.always = value == _ALWAYS
            if value.index != PT:
                emitted.reads |= 1 << PREDICATE_SHIFT + value.index
        else:
            message = "a guard is a predicate P0 to P6 or PT, or a name declared by .pred"
            self.reporter.at_piece(statement, statement.guard, message, self.uses)

    # --- macros

    def use_macro(self, statement: Statement) -> None:
        """Expand a macro; its arguments are evaluated here, its body in a scope of its own."""
        assert statement.word is not None
        macro = self.macros[statement.word]
        if statement.guard is not None or statement.control is not None:
            piece = statement.guard or statement.control or statement.first
            self.reporter.at_piece(statement, piece, "a macro takes no guard or control prefix", self.uses)
        bound = self._arguments(macro, statement)
        with self.nested(statement, macro.head.name), self.block_scope(barrier=True) as scope:
            for formal in macro.head.formals:
                if formal.name in bound:
                    scope.names[formal.name] = bound[formal.name]
                elif formal.default is not None:
                    try:
                        scope.names[formal.name] = evaluate(formal.default, self.environment)
                    except EvaluationError as error:
                        raise ArgumentError(1 << 30, f"default of {formal.name}: {error}") from None
            if self.kernel is not None:
                self.declare_labels(macro.body)
            self.execute(macro.body)

    def _arguments(self, macro: Macro, statement: Statement) -> dict[str, Operand]:
        names = [formal.name for formal in macro.head.formals]
        bound: dict[str, Operand] = {}
        usage = (
            f"{macro.head.name} {', '.join(f.name + ('' if f.default is None else '=') for f in macro.head.formals)}"
        )
        keyword_seen = False
        for index, node in enumerate(self.nodes(statement)):
            if isinstance(node, Keyword):
                keyword_seen = True
                if node.name not in names:
                    raise ArgumentError(index, f"{macro.head.name} has no parameter {node.name}: {usage}")
                name, node = node.name, node.value
            elif keyword_seen:
                raise ArgumentError(index, "an argument without a name stands before the named ones")
            elif index >= len(names):
                raise ArgumentError(index, f"{macro.head.name} takes {len(names)} arguments: {usage}")
            else:
                name = names[index]
            if name in bound:
                raise ArgumentError(index, f"parameter {name} is given twice")
            bound[name] = self.value(index, node)
        for formal in macro.head.formals:
            if formal.default is None and formal.name not in bound:
                raise ArgumentError(1 << 30, f"parameter {formal.name} is not given: {usage}")
        return bound


@lru_cache(maxsize=1 << 12)
def _control_word(text: str) -> int:
    return Control.parse(text).encode()


_ALWAYS = Predicate(PT)
_NO_GUARD = encode_guard(_ALWAYS)
