"""Macros: their definition, and their expansion with arguments that are values, not text."""

from dstc_isa.assembler.errors import ArgumentError, EvaluationError, KnownProblem
from dstc_isa.assembler.evaluate import evaluate
from dstc_isa.assembler.expand import Expander, Macro
from dstc_isa.assembler.printing import PRINT
from dstc_isa.assembler.values import Bound, Label, Misdeclared, PassedLabel
from dstc_isa.syntax.parser import OperandProblem, parse_macro_head
from dstc_isa.syntax.tree import Block, Keyword, Name, Node, Statement


def define_macro(expander: Expander, block: Block) -> None:
    """``.macro NAME a, b=1`` ... ``.endm``."""
    statement = block.opening
    if statement.operands is None:
        raise ArgumentError(0, "it is written .macro NAME a, b=1")
    try:
        head = parse_macro_head(statement.operands.strip())
    except OperandProblem as error:
        raise ArgumentError(0, error) from None
    if head.name == PRINT or any(declaration.mnemonic == head.name for declaration in expander.isa.declarations):
        raise ArgumentError(0, f"{head.name} is an instruction")
    names = [formal.name for formal in head.formals]
    for name in names:
        expander.refuse_reserved(0, name)
        if names.count(name) > 1 or "." in name:
            raise ArgumentError(0, f"parameter {name} stands twice" if "." not in name else f"{name} has a dot")
    first = expander.macros.get(head.name)
    place = (statement.source.name, statement.line)
    if first is not None and (first.statement.source.name, first.statement.line) != place:
        raise ArgumentError(0, f"macro {head.name} is already at {first.statement.source.name}:{first.statement.line}")
    expander.macros[head.name] = Macro(head, block.body, statement)


def use_macro(expander: Expander, statement: Statement) -> None:
    """Expand a macro; its arguments are evaluated here, its body in a scope of its own."""
    assert statement.word is not None
    macro = expander.macros[statement.word]
    if statement.guard is not None or statement.control is not None:
        piece = statement.guard or statement.control or statement.first
        expander.reporter.at_piece(statement, piece, "a macro takes no guard or control prefix", expander.uses)
    bound = _arguments(expander, macro, statement)
    with expander.nested(statement, macro.head.name), expander.block_scope(barrier=True) as scope:
        for formal in macro.head.formals:
            if formal.name in bound:
                scope.names[formal.name] = bound[formal.name]
            elif formal.default is not None:
                try:
                    scope.names[formal.name] = evaluate(formal.default, expander.environment)
                except KnownProblem:
                    scope.names[formal.name] = Misdeclared()
                except EvaluationError as error:
                    raise ArgumentError(1 << 30, f"default of {formal.name}: {error}") from None
        if expander.kernel is not None:
            expander.declare_labels(macro.body)
        expander.execute(macro.body)


def _arguments(expander: Expander, macro: Macro, statement: Statement) -> dict[str, Bound]:
    names = [formal.name for formal in macro.head.formals]
    bound: dict[str, Bound] = {}
    usage = f"{macro.head.name} {', '.join(f.name + ('' if f.default is None else '=') for f in macro.head.formals)}"
    keyword_seen = False
    for index, node in enumerate(expander.nodes(statement)):
        if isinstance(node, Keyword):
            keyword_seen = True
            if node.name not in names:
                raise ArgumentError(index, f"{macro.head.name} has no parameter {node.name}: {usage}")
            name, value = node.name, node.value
        elif keyword_seen:
            raise ArgumentError(index, "an argument without a name stands before the named ones")
        elif index >= len(names):
            raise ArgumentError(index, f"{macro.head.name} takes {len(names)} arguments: {usage}")
        else:
            name, value = names[index], node
        if name in bound:
            raise ArgumentError(index, f"parameter {name} is given twice")
        bound[name] = _passed_label(expander, value) or expander.value(index, value)
    for formal in macro.head.formals:
        if formal.default is None and formal.name not in bound:
            raise ArgumentError(1 << 30, f"parameter {formal.name} is not given: {usage}")
    return bound


def _passed_label(expander: Expander, node: Node) -> PassedLabel | None:
    """The label that an argument names, if it is one: what it is used for shows in the body."""
    if not isinstance(node, Name) or node.indices or node.suffix:
        return None
    named = expander.scope.find(node.text)
    if isinstance(named, Label):
        named.used = True
        return PassedLabel(named)
    return named if isinstance(named, PassedLabel) else None
