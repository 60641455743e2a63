"""Every instruction against its model, and the two engines against each other, bit for bit."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.values import RZ, Register
from tests.engine import cases
from tests.engine.combinations import combinations
from tests.models import floating
from tests.models.control_flow import FLOW_MODELS
from tests.models.families import LANE_MODELS, WARP_MODELS, apply
from tests.models.state import LANES, Operands, State, name_of
from tests.strategies import EXECUTED

STEPPED = [d for d in EXECUTED if name_of(d) not in FLOW_MODELS]
NAMES = [f"{d.mnemonic}-{name_of(d)}" for d in STEPPED]
MARKED = [
    pytest.param(d, id=name, marks=[pytest.mark.slow] if d.mnemonic.startswith("SPWMMA") else [])
    for d, name in zip(STEPPED, NAMES, strict=True)
]
"""Instructions of thousands of products are slow."""

QUICK = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
SPECIAL = "mufu"


def test_every_instruction_has_a_model() -> None:
    known = {*LANE_MODELS, *WARP_MODELS, *FLOW_MODELS, SPECIAL}
    assert {name_of(d) for d in EXECUTED} == known


def expected(case: cases.Case) -> State:
    """The state that the model leaves; MUFU is checked against its error bound instead."""
    state = cases.model_state(case)
    if state.mask:
        apply(case.instruction, state)
    return state


def check_special(case: cases.Case, found: cases.Outcome) -> None:
    """MUFU: each executing lane within its bound, all others untouched."""
    state = cases.model_state(case)
    target = case.instruction.operands[0]
    assert isinstance(target, Register)
    for lane in range(LANES):
        x = Operands(case.instruction, state, lane)
        if state.mask >> lane & 1 and target.index != RZ:
            result = int(found.registers[target.index - cases.FIRST, lane])
            assert floating.special_is_right(str(x.function), x.fb, result), (x.function, hex(x.fb), hex(result))
            found.registers[target.index - cases.FIRST, lane] = case.registers[target.index - cases.FIRST, lane]
    cases.assert_same(found, cases.model_outcome(state), case)


def check_reference(case: cases.Case) -> None:
    """The reference engine does what the model says."""
    found = cases.run_reference(case)
    if name_of(case.instruction.declaration) == SPECIAL:
        check_special(case, found)
    else:
        cases.assert_same(found, cases.model_outcome(expected(case)), case)


@pytest.mark.parametrize("declaration", MARKED)
@QUICK
@given(data=st.data())
def test_model_and_reference_agree(declaration: Declaration, data: st.DataObject) -> None:
    check_reference(data.draw(cases.cases(declaration)))


@pytest.mark.slow
@pytest.mark.parametrize("declaration", STEPPED, ids=NAMES)
def test_every_combination_does_what_the_model_says(declaration: Declaration) -> None:
    """All modifiers and operand forms, special values of each type, by the reference engine."""
    for case in combinations(declaration):
        check_reference(case)


@pytest.mark.parametrize("declaration", STEPPED, ids=NAMES)
@QUICK
@given(data=st.data())
def test_engines_agree(declaration: Declaration, data: st.DataObject) -> None:
    case = data.draw(cases.cases(declaration))
    cases.assert_same(cases.run_compiled(case), cases.run_reference(case), case)
