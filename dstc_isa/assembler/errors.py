"""What stops an expression, a directive or the whole expansion."""

from dstc_isa.syntax.tree import Node


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


class EvaluationError(Exception):
    """An expression without a value; ``node`` is the part that is to blame."""

    def __init__(self, message: str, node: Node, suggestion: str = "", expected: str = "") -> None:
        super().__init__(message)
        self.node = node
        self.suggestion = suggestion
        self.expected = expected


class KnownProblem(EvaluationError):
    """An expression that uses a name whose declaration has been reported; it is not reported again."""
