from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.assembler.emit import emit
from dstc_isa.assembler.evaluate import pure_value
from dstc_isa.assembler.flow import analyse
from dstc_isa.assembler.matching import find_operand_plan
from dstc_isa.isa.values import ALWAYS, Predicate
from dstc_isa.isa.volta import VOLTA
from dstc_isa.syntax.source import Source
from dstc_isa.syntax.tree import Statement

STATEMENT = Statement(Source("t", ""), 1, ())
P0 = 1 << 256


def made(mnemonic, *texts, here=0, guarded=False):
    values = [pure_value(text) for text in texts]
    emitted = emit(find_operand_plan(VOLTA, mnemonic, tuple(map(type, values))), values, texts, here, STATEMENT, ())
    emitted.word |= VOLTA.word.encode_guard(Predicate(0) if guarded else ALWAYS)
    emitted.always = not guarded
    emitted.reads |= P0 if guarded else 0
    return emitted


@st.composite
def straight(draw):
    """Moves between four registers, some guarded, that end with EXIT, and stores of registers."""
    kinds = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 3)), max_size=12))
    lines = []
    for kind, a, b in kinds:
        if kind == 0:
            lines.append((made("STS", "[RZ]", f"R{a}"), None, {a}, False))
        else:
            lines.append((made("MOV", f"R{a}", f"R{b}", guarded=kind == 2), a, {b}, kind == 2))
    return lines


@given(straight())
def test_straight_code_is_dead_exactly_when_nothing_later_reads_it(lines):
    flow = analyse([e for e, *_ in lines] + [made("EXIT")], set(), {})
    assert flow is not None
    assert all(flow.reachable)
    for index, (_, written, _, _) in enumerate(lines):
        used = False
        for _, over, reads, guarded in lines[index + 1 :]:
            if written in reads:
                used = True
                break
            if over == written and not guarded:
                break
        assert flow.dead[index] == (written is not None and not used)


@given(
    st.lists(
        st.tuples(st.sampled_from(["BRA", "EXIT", "NOP"]), st.integers(0, 7), st.booleans()), min_size=1, max_size=8
    )
)
def test_reachable_is_what_a_walk_reaches(lines):
    emitted, following = [], []
    for index, (kind, to, guarded) in enumerate(lines):
        target = to % len(lines)
        texts = [str(16 * target)] if kind == "BRA" else []
        emitted.append(made(kind, *texts, here=16 * index, guarded=guarded))
        goes_on = kind == "NOP" or guarded
        following.append(({index + 1} if goes_on else set()) | ({target} if kind == "BRA" else set()))
    flow = analyse(emitted, set(), {})
    assert flow is not None
    reached, waiting = set(), [0]
    while waiting:
        index = waiting.pop()
        if index not in reached:
            reached.add(index)
            waiting += following[index] if index < len(lines) else []
    assert [i for i, r in enumerate(flow.reachable) if r] == sorted(reached - {len(lines)})
    assert flow.falls_off == (len(lines) in reached)


def test_an_indirect_branch_may_go_to_any_label():
    code = [made("BRX", "R0", "0"), made("NOP"), made("EXIT"), made("MOV", "R1", "RZ"), made("EXIT")]
    flow = analyse(code, {3}, {})
    assert flow is not None
    assert flow.reachable == [True, False, False, True, True]
    assert flow.dead[3]
