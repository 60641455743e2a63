"""CTAs that depend on each other have one outcome, whatever the mode and the number of host threads."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dstc_isa.engine.compiled.workers import run as run_compiled
from dstc_isa.engine.launch import prepare
from dstc_isa.engine.reference import reference_machine as reference
from dstc_isa.engine.run_options import RunOptions
from dstc_isa.engine.supervision import Supervisor
from tests.engine.kernels import program
from tests.engine.order import GPU, run, same_everywhere

HEAD = """
.kernel k
.param .ptr out
.reg cta, lane, four, value, one, other, old
.reg.64 p, q
.pred again
    S2R cta, SR_CTAID.X
    S2R lane, SR_LANEID
    MOV four, 4
    MOV one, 1
    IMAD.WIDE.U32 p, RZ, four, out
    IMAD.WIDE.U32 q, cta, four, out
"""
TAIL = "    EXIT\n.endkernel\n"
CTAS = 40


def kernel(body: str) -> str:
    return HEAD + body + TAIL


def words(count: int) -> dict[str, np.ndarray]:
    return {"out": np.zeros(count, np.uint32)}


def test_increments_that_race_count_every_cta() -> None:
    text = kernel("    LDG.E value, [p]\n    IADD3 value, value, 1, RZ\n    STG.E [p], value\n")
    left, depended = same_everywhere(text, CTAS, 1, words(1))
    assert left["out"][0] == CTAS
    assert depended[2:] == [True] * 6


def test_of_stores_to_one_word_that_of_the_last_cta_stays() -> None:
    left, _ = same_everywhere(kernel("    STG.E [p], cta\n"), CTAS, 1, words(1))
    assert left["out"][0] == CTAS - 1


def test_a_load_sees_what_ctas_before_it_stored_and_nothing_of_those_behind() -> None:
    text = kernel("    LDG.E value, [p+16]\n    STG.E [q+8], value\n    STG.E [p+16], cta\n")
    left, _ = same_everywhere(text, 2, 1, words(5))
    np.testing.assert_array_equal(left["out"], [0, 0, 0, 0, 1])


WAIT = """
    ISETP.{order}.AND again, PT, cta, {first}, PT
    @again BRA signal
wait:
    LDG.E value, [p]
    ISETP.EQ.AND again, PT, value, 0, PT
    @again BRA wait
    STG.E [q+4], value
    EXIT
signal:
    MOV value, 7
    STG.E [p], value
"""


@pytest.fixture
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the reference engine's CTAs wait for less long; what they wait for comes in any case."""
    monkeypatch.setattr(reference, "TURN", 64)
    monkeypatch.setattr(reference, "QUANTUM", 64)


@pytest.mark.usefixtures("short_turns")
@pytest.mark.parametrize(("order", "first"), [("GE", 3), ("EQ", 0)], ids=["a later one", "an earlier one"])
def test_ctas_wait_for_the_flag_of_another(order: str, first: int) -> None:
    left, _ = same_everywhere(
        kernel(WAIT.format(order=order, first=first)), 4, 1, words(5), skip=("sampled, 2 threads",)
    )
    expected = [7, 7, 7, 7, 0] if first else [7, 0, 7, 7, 7]
    np.testing.assert_array_equal(left["out"], expected)


@pytest.mark.usefixtures("short_turns")
def test_a_barrier_of_the_whole_grid_lets_every_cta_through() -> None:
    body = """
    ATOMG.E.ADD.U32 old, [p], one
wait:
    LDG.E value, [p]
    ISETP.LT.AND again, PT, value, 4, PT
    @again BRA wait
    STG.E [q+4], old
"""
    left, _ = same_everywhere(kernel(body), 4, 1, words(5))
    np.testing.assert_array_equal(left["out"], [4, 0, 1, 2, 3])


def test_values_that_atomics_return_are_those_of_ctas_in_order() -> None:
    left, _ = same_everywhere(
        kernel("    ATOMG.E.ADD.U32 old, [p], one\n    STG.E [q+4], old\n"), CTAS, 1, words(CTAS + 1)
    )
    np.testing.assert_array_equal(left["out"], [CTAS, *range(CTAS)])


def test_sums_of_floats_are_added_in_order() -> None:
    root = "    IADD3 value, cta, one, RZ\n    I2F.U32 value, value\n    MUFU.RSQ value, value\n"
    text = kernel(root + "    RED.E.ADD.F32 [p], value\n")
    left, _ = same_everywhere(text, CTAS, 1, words(1))
    assert left["out"].view(np.float32)[0] == pytest.approx(sum(1 / np.sqrt(np.arange(1, CTAS + 1))), rel=1e-5)


INDEPENDENT = {
    "each its own words of one line": ("    STG.E [q], cta\n    LDG.E value, [q]\n    STG.E [q], value\n", CTAS),
    "all read one word": ("    LDG.E value, [p+252]\n    STG.E [q], value\n", 64),
    "integer sums": ("    RED.E.ADD.U32 [p], one\n    RED.E.ADD.U32 [p], cta\n", 1),
    "its own halves of a word": (
        "    MOV four, 2\n    IMAD.WIDE.U32 q, cta, four, out\n    STG.E.U16 [q], cta\n",
        CTAS,
    ),
    "its own bytes of a word": ("    IMAD.WIDE.U32 q, cta, one, out\n    STG.E.U8 [q], cta\n", CTAS),
    "reads and writes of neighbours": (
        "    LDG.E value, [q]\n    IADD3 value, value, cta, RZ\n    STG.E [q], value\n    LDG.E value, [q]\n",
        CTAS,
    ),
    "a sum that it alone reads": (
        "    RED.E.ADD.U32 [q], one\n    LDG.E value, [q]\n    STG.E [q], value\n",
        CTAS,
    ),
}


@pytest.mark.parametrize("name", INDEPENDENT)
def test_no_dependence_is_seen_where_there_is_none(name: str) -> None:
    body, size = INDEPENDENT[name]
    _, depended = same_everywhere(kernel(body), 37 if size == CTAS else CTAS, 1, words(size))
    assert not any(depended)


DEPENDENT = {
    "a reduction read by another": "    RED.E.ADD.U32 [p], one\n    LDG.E value, [q]\n",
    "two reductions that do not commute": "    RED.E.ADD.U32 [p], one\n    RED.E.XOR.U32 [p], cta\n",
    "a word in a line of neighbours": "    STG.E [q], cta\n    LDG.E value, [q+4]\n",
    "a byte in a word": "    IMAD.WIDE.U32 q, cta, one, out\n    STG.E.U8 [q], cta\n    STG.E.U8 [q+1], cta\n",
}


@pytest.mark.parametrize("name", DEPENDENT)
def test_a_dependence_is_seen_with_several_threads_and_with_time(name: str) -> None:
    _, depended = same_everywhere(kernel(DEPENDENT[name]), CTAS, 1, words(CTAS + 1))
    assert depended[2:] == [True] * 6


def test_one_array_under_two_names_is_one_memory() -> None:
    text = """
.kernel k
.param .ptr x
.param .ptr out
.reg cta, four, value
.reg.64 p, q
    S2R cta, SR_CTAID.X
    MOV four, 4
    IMAD.WIDE.U32 p, cta, four, x
    IMAD.WIDE.U32 q, cta, four, out
    LDG.E value, [p+4]
    STG.E [q], value
    EXIT
.endkernel
"""
    for threads in (1, 2):
        whole = np.arange(CTAS + 1, dtype=np.uint32)
        made = program(text)
        launch = prepare(made, made.kernels[0], (CTAS,), (1,), {"x": whole, "out": whole[:CTAS]})
        execution = run_compiled(launch, RunOptions(threads=threads), Supervisor(launch))
        np.testing.assert_array_equal(whole, [*range(1, CTAS + 1), CTAS])
        assert (execution.dependence is not None) == (threads > 1)


def test_the_sentence_names_place_ctas_and_line() -> None:
    text = kernel("    LDG.E value, [p+4]\n    IADD3 value, value, 1, RZ\n    STG.E [p+4], value\n")
    *_, dependence, _ = run(text, CTAS, 1, {"out": np.zeros((2, 1), np.uint32)}, gpu=None, threads=2)
    assert dependence is not None
    sentence = dependence.sentence(program(text).kernels[0])
    assert "out[1, 0]" in sentence
    assert "test.dasm:1" in sentence


def test_any_order_looks_for_nothing() -> None:
    text = kernel("    LDG.E value, [p]\n    IADD3 value, value, 1, RZ\n    STG.E [p], value\n")
    for gpu in (None, GPU):
        *_, dependence, fault = run(text, CTAS, 1, words(1), gpu=gpu, threads=2, any_order=True)
        assert dependence is None
        assert fault == ""


def test_memory_that_was_not_zero_is_put_back_before_the_run_in_order() -> None:
    text = kernel(
        "    LDG.E value, [p+8192]\n    IADD3 value, value, 1, RZ\n    STG.E [p+8192], value\n    STG.E [q], value\n"
    )
    before = {"out": np.random.default_rng(3).integers(0, 1 << 32, 5001, dtype=np.uint32)}
    left, _ = same_everywhere(text, CTAS, 1, before)
    expected = before["out"].copy()
    expected[:CTAS] = before["out"][2048] + np.arange(1, CTAS + 1, dtype=np.uint32)
    expected[2048] += np.uint32(CTAS)
    np.testing.assert_array_equal(left["out"], expected)


def test_the_fault_reported_is_that_of_the_first_cta() -> None:
    text = kernel("    ISETP.LT.AND again, PT, cta, 5, PT\n    @!again LDG.E value, [RZ]\n    STG.E [q], cta\n")
    same_everywhere(text, CTAS, 1, words(CTAS))


def test_a_cta_that_waits_for_one_that_faults_hides_no_fault() -> None:
    text = kernel(WAIT.format(order="GE", first=1).replace("MOV value, 7", "LDG.E value, [RZ]"))
    *_, fault = run(text, 2, 1, words(3), gpu=None, threads=1, max_instructions=1 << 21)
    assert "out-of-bounds" in fault
    for threads in (2, 4):
        assert run(text, 2, 1, words(3), gpu=None, threads=threads, max_instructions=1 << 21)[-1] == fault


LOADED = st.tuples(st.just("load"), st.integers(0, 5), st.booleans())
STORED = st.tuples(st.just("store"), st.integers(0, 5), st.booleans())
STEPS = st.lists(st.one_of(LOADED, STORED), min_size=1, max_size=6)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, st.integers(2, 9))
def test_random_loads_and_stores_over_few_words_have_one_outcome(steps: list[tuple[str, int, bool]], ctas: int) -> None:
    lines = []
    for what, place, own in steps:
        address = f"[{'q' if own else 'p'}+{4 * place}]"
        lines += (
            [f"LDG.E other, {address}", "IMAD value, value, 3, other"]
            if what == "load"
            else ["IADD3 value, value, cta, one", f"STG.E {address}, value"]
        )
    body = "    MOV value, 0\n" + "".join(f"    {line}\n" for line in lines) + "    STG.E [q+64], value\n"
    same_everywhere(kernel(body), ctas, 1, words(32))
