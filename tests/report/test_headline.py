"""Headlines and advice of launches that were run, and of numbers on both sides of each rule's edge."""

from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.assembler import assemble
from dstc_isa.gpu import load_gpu
from dstc_isa.isa.volta import VOLTA
from dstc_isa.report import advice
from dstc_isa.report.global_access import lane_bytes
from dstc_isa.report.headline import NEAR, Headline, Limit, Load, headline
from dstc_isa.report.statistics import statistics
from dstc_isa.report.timed import InstructionStalls, TimedStatistics
from dstc_isa.text.run_text import timed_summary
from dstc_isa.timing.bounds import Bound
from dstc_isa.timing.reasons import reasons
from dstc_isa.timing.run import execute

COUNTERS = {"wavefronts": 0, "bank_conflicts": 0, "l1_hits": 0, "l1_misses": 0, "stored": 0}


def launch(**changes: Any) -> TimedStatistics:
    """A launch without anything to say about it, with some numbers changed; stalls are shares of warp cycles."""
    plain: dict[str, Any] = {
        "gpu": "g",
        "gpu_settings": {},
        "cycles": 10_000,
        "microseconds": 10.0,
        "launch_microseconds": 2.0,
        "issue_slots": 500,
        "warp_cycles": 1000,
        "stalls": {},
        "bounds": [Bound("issue slots", 9_000.0)],
        "counters": {},
        "dram_bytes": 0,
        "occupancy": 8,
        "occupancy_limit": "warp slots",
        "sms": 80,
        "gpu_sms": 80,
        "ctas": 640,
        "warps": 8,
        "warp_slots": 64,
        "access_cycles": 500,
        "sample": None,
        "hazards": None,
        "instructions": [],
    }
    given = plain | changes
    shares = given["stalls"]
    given["stalls"] = {reason.name: int(1000 * shares.get(reason.name, 0)) for reason in reasons(VOLTA)}
    return TimedStatistics(**given | {"counters": COUNTERS | given["counters"]})


def run(source: str, grid: int = 1, block: int = 32, **arguments: Any) -> TimedStatistics:
    program = assemble(source).program
    assert program is not None
    kernel = program.kernels[0]
    execution, timing = execute(program, kernel, (grid,), (block,), arguments, load_gpu("v100-dstc"))
    found = statistics(kernel, execution, timing)
    assert found.timing is not None
    assert found.timing.headline.text in timed_summary(found, found.timing)
    return found.timing


def test_every_wait_has_words() -> None:
    every = reasons(VOLTA)
    assert all(reason.meaning and reason.awaited for reason in every)
    assert len({reason.name for reason in every}) == len(every)
    assert {"accumulation", "tensor_scoreboard"} <= {reason.name for reason in every}


def load(**changes: Any) -> Load:
    """A launch that waits for global memory, with some numbers changed."""
    plain: dict[str, Any] = {
        "cycles": 1000,
        "access_cycles": 500,
        "bounds": {"DRAM bandwidth": 100.0, "issue slots": 50.0},
        "busy": {"issue slots": 50.0},
        "sms": 80,
        "gpu_sms": 80,
        "stalls": {"long_scoreboard": 74, "barrier": 9, "not_selected": 99},
        "warp_cycles": 100,
    }
    return Load(**(plain | changes))


@pytest.mark.parametrize(
    ("share", "limit", "text"),
    [
        (NEAR, Limit.RESOURCE, "bound by DRAM bandwidth: 600 cycles, 60% of the time"),
        (NEAR - 0.01, Limit.LATENCY, "latency bound: warps wait for global memory 74%; nearest limit: DRAM bandwidth"),
    ],
)
def test_a_resource_is_the_limit_from_a_share_on(share: float, limit: Limit, text: str) -> None:
    found = headline([load(bounds={"DRAM bandwidth": 1000 * share})])
    assert found.limit is limit
    assert found.text.startswith(text)


@pytest.mark.parametrize(("share", "limit"), [(NEAR, Limit.FEW_CTAS), (NEAR - 0.01, Limit.LATENCY)])
def test_so_is_what_keeps_few_sms_busy(share: float, limit: Limit) -> None:
    assert headline([load(busy={"issue slots": 1000 * share})]).limit is limit


@pytest.mark.parametrize(("cycles", "limit"), [(499, Limit.LAUNCH), (500, Limit.LATENCY)])
def test_a_launch_is_short_below_one_access_to_dram(cycles: int, limit: Limit) -> None:
    assert headline([load(cycles=cycles, access_cycles=500)]).limit is limit


@pytest.mark.parametrize(
    ("launches", "limit", "text"),
    [
        (
            [load(), load(cycles=3000, stalls={"barrier": 91}, warp_cycles=100)],
            Limit.LATENCY,
            "latency bound: warps wait for barriers 50%; nearest limit: DRAM bandwidth, 5% of the time",
        ),
        (
            [load(bounds={"issue slots": 900.0}), load(bounds={"DRAM bandwidth": 950.0})],
            Limit.LATENCY,
            "latency bound: warps wait for global memory 74%; nearest limit: DRAM bandwidth, 48% of the time",
        ),
        (
            [load(bounds={"issue slots": 900.0}), load(bounds={"issue slots": 400.0})],
            Limit.RESOURCE,
            "bound by issue slots: 1,300 cycles, 65% of the time",
        ),
        (
            [load(), load(cycles=3000, sms=20, busy={"issue slots": 2750.0})],
            Limit.FEW_CTAS,
            "too few CTAs: 35 of 80 SMs have work; there issue slots takes 70% of the time",
        ),
        (
            [load(cycles=300), load(cycles=600)],
            Limit.LAUNCH,
            "launch and drain: 900 cycles, less than 2 accesses to DRAM take (1,000)",
        ),
    ],
)
def test_launches_one_after_the_other_are_judged_by_their_sums(launches: list[Load], limit: Limit, text: str) -> None:
    found = headline(launches)
    assert (found.limit, found.text) == (limit, text)
    assert Headline.of_columns(found.as_columns("dual_"), "dual_") == found


@given(st.integers(1, 5), st.floats(0, 1), st.floats(0, 1), st.integers(1, 80))
def test_the_same_launch_again_has_the_same_limit(times: int, bound: float, busy: float, sms: int) -> None:
    one = load(bounds={"issue slots": 1024 * bound}, busy={"issue slots": 1024 * busy}, cycles=1024, sms=sms)
    assert headline([one] * times).name == headline([one]).name


def test_a_kernel_of_one_exit_is_launch_and_drain() -> None:
    timing = run(".kernel k\nEXIT\n.endkernel")
    assert timing.headline.limit is Limit.LAUNCH
    assert timing.headline.text.startswith(f"launch and drain: {timing.cycles} cycles, less than one access")
    assert [each.rule for each in timing.advice] == ["short"]


def test_an_ordinary_small_kernel_is_latency_bound() -> None:
    source = """.kernel k
.param .ptr x
.reg.64 at
.reg v, i
    S2R i, SR_TID.X
    MOV v, 4
    IMAD.WIDE.U32 at, i, v, x
    LDG.E v, [at]
    IADD3 v, v, 1, RZ
    STG.E [at], v
    EXIT
.endkernel"""
    timing = run(source, x=np.zeros(32, np.uint32))
    assert timing.headline.limit is Limit.LATENCY
    assert timing.headline.text.startswith("latency bound: warps wait for global memory ")
    assert {"few_ctas", "global_memory"} <= {each.rule for each in timing.advice}
    assert 0 < timing.achieved_occupancy <= 1 / 64


def test_busy_sms_that_are_few_are_not_bound_by_latency() -> None:
    body = "\n".join(f"    FFMA R{n % 32 + 1}, R{n % 32 + 1}, R0, R0" for n in range(128))
    source = f".kernel k\n    MOV R40, 200\nagain:\n{body}\n    IADD3 R40, R40, -1, RZ\n" + (
        "    ISETP.NE.AND P0, PT, R40, RZ, PT\n    @P0 BRA again\n    EXIT\n.endkernel"
    )
    timing = run(source, block=1024)
    assert timing.headline.limit is Limit.FEW_CTAS
    assert timing.headline.text.startswith("too few CTAs: 1 of 80 SMs have work; there ")
    assert timing.advice[0].rule == "few_ctas"


def loads(text: str, issued: int) -> list[InstructionStalls]:
    program = assemble(f".kernel k\n{text}\nEXIT\n.endkernel").program
    assert program is not None
    return [InstructionStalls(0, "k.dasm:1", text, issued, {}, lane_bytes(VOLTA, program.kernels[0].words[0]))]


RULES: dict[str, tuple[advice.Rule, dict[str, Any], dict[str, Any]]] = {
    "few_ctas": (advice.few_ctas, {"sms": 79}, {"sms": 80}),
    "last_wave": (advice.last_wave, {"ctas": 641}, {"ctas": 640}),
    "last wave, nearly full": (advice.last_wave, {"ctas": 960}, {"ctas": 961}),
    "last wave of many": (advice.last_wave, {"ctas": 3 * 640 + 1}, {"ctas": 4 * 640 + 1}),
    "first wave": (advice.last_wave, {"ctas": 641}, {"ctas": 100}),
    "scattered words": (
        advice.scattered_accesses,
        {"instructions": loads("LDG.E R0, [R2]", 10), "counters": {"l1_misses": 80}},
        {"instructions": loads("LDG.E R0, [R2]", 10), "counters": {"l1_misses": 79}},
    ),
    "scattered vectors": (
        advice.scattered_accesses,
        {"instructions": loads("@P0 STG.E.128 [R2], R4", 10), "counters": {"stored": 320}},
        {"instructions": loads("@P0 STG.E.128 [R2], R4", 10), "counters": {"stored": 160}},
    ),
    "no global memory": (
        advice.scattered_accesses,
        {"instructions": loads("LDG.E.U8 R0, [R2]", 10), "counters": {"l1_hits": 320}},
        {"instructions": loads("LDS R0, [R2]", 10), "counters": {"l1_hits": 320}},
    ),
    "bank_conflicts": (
        advice.bank_conflicts,
        {"counters": {"wavefronts": 100, "bank_conflicts": 20}},
        {"counters": {"wavefronts": 100, "bank_conflicts": 19}},
    ),
    "global_memory": (
        advice.global_memory,
        {"stalls": {"long_scoreboard": 0.3}},
        {"stalls": {"long_scoreboard": 0.29}},
    ),
    "occupancy": (
        advice.occupancy,
        {"occupancy": 4, "occupancy_limit": "registers", "stalls": {"dependency": 0.3}},
        {"occupancy": 4, "occupancy_limit": "warp slots", "stalls": {"dependency": 0.3}},
    ),
    "occupancy that is high": (
        advice.occupancy,
        {"occupancy": 4, "occupancy_limit": "shared memory", "stalls": {"dependency": 0.3}},
        {"occupancy": 5, "occupancy_limit": "shared memory", "stalls": {"dependency": 0.3}},
    ),
    "occupancy that no CTA misses": (
        advice.occupancy,
        {"occupancy": 4, "occupancy_limit": "registers", "stalls": {"long_scoreboard": 0.5}, "ctas": 321},
        {"occupancy": 4, "occupancy_limit": "registers", "stalls": {"long_scoreboard": 0.5}, "ctas": 320},
    ),
    "barriers": (advice.barriers, {"stalls": {"barrier": 0.2}}, {"stalls": {"barrier": 0.19}}),
    "dependencies": (advice.dependencies, {"stalls": {"dependency": 0.3}}, {"stalls": {"dependency": 0.29}}),
    "fetches": (advice.fetches, {"stalls": {"no_instruction": 0.3}}, {"stalls": {"no_instruction": 0.29}}),
    "memory_throttle": (
        advice.memory_throttle,
        {"stalls": {"memory_throttle": 0.2}},
        {"stalls": {"memory_throttle": 0.19}},
    ),
    "accumulation": (advice.blocks, {"stalls": {"accumulation": 0.2}}, {"stalls": {"accumulation": 0.19}}),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_fires_on_one_side_of_its_edge(name: str) -> None:
    rule, fires, stays_silent = RULES[name]
    found = rule(launch(**fires))
    assert found is not None
    assert found in advice.advice(launch(**fires))
    assert rule(launch(**stays_silent)) is None


def test_every_rule_is_tested() -> None:
    assert {rule for rule, _, _ in RULES.values()} == set(advice.RULES)


def test_nothing_to_say_is_no_advice() -> None:
    assert advice.advice(launch()) == []


def test_the_most_promising_comes_first() -> None:
    timing = launch(sms=79, stalls={"long_scoreboard": 0.6, "barrier": 0.3})
    assert [each.rule for each in timing.advice] == ["global_memory", "barriers", "few_ctas"]


def test_advice_and_headline_are_in_the_json() -> None:
    timing = attrs.evolve(launch(stalls={"barrier": 0.5}), bounds=[Bound("issue slots", 100.0)])
    plain = timing.as_json()
    assert plain["headline"]["limit"] == "latency"
    assert plain["advice"][0] == {
        "rule": "barriers",
        "text": timing.advice[0].text,
        "counter": "barrier_share_of_warp_cycles",
        "value": 0.5,
    }
