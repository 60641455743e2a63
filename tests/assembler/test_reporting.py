import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.assembler.reporting import MAXIMUM_ERRORS, Reporter, TooManyErrors, closest, split_operands
from dstc_isa.diagnostics import ERROR, WARNING, Diagnostic


@given(
    st.lists(
        st.one_of(
            st.text('ab \\"', max_size=5).map(lambda s: s.replace('"', "").replace("\\", "")), st.just('"a, \\" b"')
        )
    )
)
def test_parts_are_where_they_stand(parts):
    text = ",".join(parts)
    found = split_operands(text)
    assert [part for part, _ in found] == [part.strip() for part in parts or [""]]
    assert all(text[offset : offset + len(part)] == part for part, offset in found)


def test_closest():
    assert closest("vlaue", ["value", "x"]) == "value"
    assert closest("zzz", ["value"]) == ""
    assert closest("v" * 1000, ["v" * 999]) == ""


def diagnostic(line, severity=ERROR):
    return Diagnostic(severity, "m", "f", line, 1, 2)


def test_the_same_counts_once():
    reporter = Reporter()
    for line in (1, 2, 1):
        reporter.add(diagnostic(line))
    assert len(reporter.diagnostics) == 2


def test_warnings_are_not_failures_and_have_no_limit():
    reporter = Reporter()
    for line in range(2 * MAXIMUM_ERRORS):
        reporter.add(diagnostic(line, WARNING))
    assert not reporter.failed
    for line in range(1, MAXIMUM_ERRORS):
        reporter.add(diagnostic(-line))
    assert reporter.failed
    with pytest.raises(TooManyErrors):
        reporter.add(diagnostic(-MAXIMUM_ERRORS))
