"""From a file to its tree: statements put into the blocks that enclose them."""

from attrs import frozen

from dstc_isa.diagnostics import Diagnostic
from dstc_isa.syntax.parser import parse_statements
from dstc_isa.syntax.source import Source
from dstc_isa.syntax.tree import Block, Body, Branch, Statement
from dstc_isa.syntax.vendor_listing import is_listing, kernels_of

CLOSED_BY = {".kernel": ".endkernel", ".macro": ".endm", ".rept": ".endr", ".for": ".endfor", ".if": ".endif"}
_OPENED_BY = {close: opening for opening, close in CLOSED_BY.items()}
_CONDITIONS = frozenset({".elif", ".else"})
MAXIMUM_NESTING = 32


@frozen(eq=False, repr=False)
class Tree:
    """The tree of one file with the errors found while reading it."""

    source: Source
    body: Body
    problems: list[Diagnostic]


def read_tree(source: Source) -> Tree:
    """Parse a file and find the ends of its blocks; every block that is not closed is reported.

    A listing of nvdisasm's has kernels for its sections.
    """
    statements, problems = parse_statements(source)
    if is_listing(statements):
        return Tree(source, kernels_of(statements), problems)
    body: Body = []
    open_blocks: list[Block] = []
    for statement in statements:
        inside = open_blocks[-1].branches[-1].body if open_blocks else body
        word = str(statement.word) if statement.is_directive else ""
        if word in CLOSED_BY:
            if statement.labels:
                inside.append(Statement(source, statement.line, statement.labels))
            block = Block([Branch(statement)])
            if len(open_blocks) >= MAXIMUM_NESTING:
                problems.append(problem(statement, f"blocks nest more than {MAXIMUM_NESTING} deep"))
                return Tree(source, body, problems)
            inside.append(block)
            open_blocks.append(block)
        elif word in _CONDITIONS or word in _OPENED_BY:
            if statement.labels:
                inside.append(Statement(source, statement.line, statement.labels))
            _continue_or_close(statement, word, open_blocks, problems)
        else:
            inside.append(statement)
    for block in open_blocks:
        expected = CLOSED_BY[block.kind]
        problems.append(problem(block.opening, f"{block.kind} without {expected}", expected))
    return Tree(source, body, problems)


def problem(statement: Statement, message: str, expected: str = "") -> Diagnostic:
    """A diagnostic at a statement's mnemonic or directive."""
    column = statement.first.start_pos + 1
    end = statement.first.end_pos + 1
    return statement.source.diagnostic(message, statement.line, column, end, expected=expected)


def _continue_or_close(statement: Statement, word: str, open_blocks: list[Block], problems: list[Diagnostic]) -> None:
    """Handle ``.elif``, ``.else`` and the words that close a block."""
    if statement.operands is not None and word != ".elif":
        problems.append(problem(statement, f"{word} takes nothing behind it"))
    if word in _CONDITIONS:
        if not open_blocks or open_blocks[-1].kind != ".if":
            problems.append(problem(statement, f"{word} without .if"))
        elif open_blocks[-1].branches[-1].opening.word == ".else":
            problems.append(problem(statement, f"{word} after .else"))
        else:
            open_blocks[-1].branches.append(Branch(statement))
        return
    kinds = [block.kind for block in open_blocks]
    if _OPENED_BY[word] not in kinds:
        problems.append(problem(statement, f"{word} without {_OPENED_BY[word]}"))
        return
    while open_blocks[-1].kind != _OPENED_BY[word]:
        unclosed = open_blocks.pop()
        expected = CLOSED_BY[unclosed.kind]
        problems.append(problem(unclosed.opening, f"{unclosed.kind} without {expected}", expected))
    open_blocks.pop()
