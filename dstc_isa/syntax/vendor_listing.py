"""Listings as nvdisasm prints them of a cubin: sections become kernels, and what is no code is left out."""

from collections.abc import Sequence

from dstc_isa.syntax.tree import Block, Body, Branch, Piece, Statement

SECTION = ".section"
CODE = ".text."
LEFT_OUT = frozenset(
    {".sectionflags", ".sectioninfo", ".align", ".global", ".weak", ".local", ".type", ".size", ".other"}
)
"""Directives between instructions that say nothing of them."""


def is_listing(statements: Sequence[Statement]) -> bool:
    """Whether statements are a listing: it has sections, which sources do not have."""
    return any(statement.is_directive and statement.word == SECTION for statement in statements)


def kernels_of(statements: Sequence[Statement]) -> Body:
    """The kernels of a listing: its sections of code, in order."""
    body: Body = []
    inside: list[Statement | Block] | None = None
    for statement in statements:
        if statement.is_directive and statement.word == SECTION:
            inside = _opened(statement, body)
        elif inside is not None and not (statement.is_directive and statement.word in LEFT_OUT):
            inside.append(statement)
    return body


def _opened(section: Statement, body: Body) -> "list[Statement | Block] | None":
    """The body of the kernel that a section begins, which is added; None for a section without code."""
    operands = section.operands or Piece("", 0)
    name = operands.partition(",")[0].strip()
    if not name.startswith(CODE):
        return None
    word = section.first
    opening = Statement(
        section.source,
        section.line,
        (),
        Piece(".kernel", word.start_pos),
        Piece(name.removeprefix(CODE), operands.start_pos + len(CODE)),
        is_directive=True,
    )
    block = Block([Branch(opening)])
    body.append(block)
    return block.branches[0].body
