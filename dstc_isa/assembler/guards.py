"""The guard before an instruction or a PRINT."""

from dstc_isa.assembler.errors import EvaluationError, KnownProblem
from dstc_isa.assembler.evaluate import evaluate, pure_value
from dstc_isa.assembler.expand import Expander
from dstc_isa.assembler.values import NamedPredicate
from dstc_isa.isa.values import ALWAYS, PT, Predicate
from dstc_isa.syntax.parser import OperandProblem, parse_argument
from dstc_isa.syntax.tree import Statement


def guard_of(expander: Expander, statement: Statement) -> NamedPredicate | Predicate | None:
    """The predicate before a statement, PT if there is none; None if it is wrong, which is reported."""
    if statement.guard is None:
        return ALWAYS
    text = statement.guard[1:].strip()
    value = pure_value(text)
    try:
        value = value if value is not None else evaluate(parse_argument(text), expander.environment)
    except KnownProblem:
        return None
    except (OperandProblem, EvaluationError) as error:
        expander.reporter.at_piece(
            statement, statement.guard, str(error), expander.uses, suggestion=getattr(error, "suggestion", "")
        )
        return None
    there = expander.isa.word.predicates
    if isinstance(value, NamedPredicate):
        return value
    if isinstance(value, Predicate) and (0 <= value.index < there or value.index == PT):
        return value
    message = f"a guard is a predicate P0 to P{there - 1} or PT, or a name declared by .pred"
    expander.reporter.at_piece(statement, statement.guard, message, expander.uses)
    return None
