import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.syntax.reader import CLOSED_BY, read_tree
from dstc_isa.syntax.source import Source
from dstc_isa.syntax.tree import Block, Statement

WORDS = st.lists(st.sampled_from([*CLOSED_BY, *CLOSED_BY.values(), ".elif 1", ".else", "x: NOP"]), max_size=12)


def count(body):
    return sum(1 if isinstance(i, Statement) else sum(count(b.body) for b in i.branches) for i in body)


@given(WORDS)
def test_every_statement_is_in_the_tree_or_reported(words):
    tree = read_tree(Source("t", "\n".join(words)))
    assert count(tree.body) == words.count("x: NOP")
    opened = sum(word in CLOSED_BY for word in words)
    closed = sum(word in CLOSED_BY.values() for word in words)
    if opened != closed:
        assert tree.problems


@pytest.mark.parametrize(("opening", "closing"), CLOSED_BY.items())
def test_blocks_close(opening, closing):
    tree = read_tree(Source("t", f"{opening}\nNOP\n{closing}"))
    assert not tree.problems
    (block,) = tree.body
    assert isinstance(block, Block)
    assert block.kind == opening
    assert count(block.body) == 1


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (".rept 2\nNOP", [".rept without .endr"]),
        ("NOP\n.endm", [".endm without .macro"]),
        (".if 1\n.rept 2\n.endif", [".rept without .endr"]),
        (".else", [".else without .if"]),
        (".if 1\n.else\n.elif 1\n.endif", [".elif after .else"]),
        (".if 1\n.endif x", [".endif takes nothing behind it"]),
        (".rept 1\n" * 40, ["blocks nest more than 32 deep"]),
    ],
)
def test_unbalanced_blocks_are_reported(text, messages):
    assert [p.message for p in read_tree(Source("t", text)).problems] == messages
