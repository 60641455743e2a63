from dstc_isa.assembler.scope import Scope
from dstc_isa.assembler.values import Label
from dstc_isa.syntax.source import Source
from dstc_isa.syntax.tree import Piece, Statement

STATEMENT = Statement(Source("t", ""), 1, (Piece("x:", 0),))


def test_the_innermost_meaning_counts():
    outer = Scope(names={"a": 1, "b": 2})
    inner = Scope(outer, names={"a": 3})
    assert (inner.find("a"), inner.find("b"), inner.find("c")) == (3, 2, None)
    assert sorted(inner.visible()) == ["a", "a", "b"]


def test_assignment_goes_to_where_the_name_is_but_not_out_of_a_macro():
    outer = Scope(names={"a": 1})
    loop = Scope(outer)
    assert loop.assign("a", 2) is None
    macro = Scope(outer, barrier=True)
    assert Scope(macro).assign("a", 3) is None
    assert outer.names == {"a": 2}
    assert macro.names == {}


def test_a_label_is_not_assigned_to():
    label = Label("x", STATEMENT)
    scope = Scope(names={"x": label})
    assert scope.assign("x", 1) is label
    assert scope.names["x"] is label
