"""Declarations of functional units that contradict themselves or others."""

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dstc_isa.assembler import assemble
from dstc_isa.engine.launch import prepare
from dstc_isa.engine.launch_records import WARP
from dstc_isa.engine.reference.warp import ReferenceWarp
from dstc_isa.gpu import GpuError, load_gpu
from dstc_isa.gpu.schema import specs
from dstc_isa.isa.effects import FIELDS, effects_of
from dstc_isa.isa.effects import Effect as E
from dstc_isa.isa.unit import OF_ENGINES, STATE_WORDS, Block, Cell, Given, Number, StallReason, Unit, UnitError, Word
from dstc_isa.isa.volta import VOLTA
from dstc_isa.isa.volta.units import ALU
from dstc_isa.isa.warp import ARRAYS, SCALARS
from dstc_isa.timing.blocks import counter_names
from dstc_isa.timing.reasons import reasons
from dstc_isa.units.outer.unit import BUFFER, OHMMA

GIVEN = {"latency": Given(4, "CHOSEN"), "initiation": Given(2, "CHOSEN"), "port": Given("own", "CHOSEN")}


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    before = VOLTA.contents()
    fields = dict(FIELDS)
    yield
    VOLTA.forget(before)
    assert fields == FIELDS


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"name": "ALU"}, "there is a unit ALU already"),
        ({"state": {"many": Cell("words", STATE_WORDS + 1)}}, "has 97 words of warp state; there is room for 96"),
        ({"state": {"merged": Cell("of another unit")}}, "a warp has a field merged already"),
        ({"state": {"mask": Cell("of every warp")}}, "a warp has a field mask already"),
        ({"state": {"registers": Cell("of an engine")}}, "a warp has a field registers already"),
        ({"block": Block("accumulation_buffer", "b", "b")}, "there is a block accumulation_buffer already"),
        ({"block": Block("b", "b", "b", counters={"fills": "f"})}, "accumulation_buffer has a counter fills already"),
        ({"block": Block("b", "b", "b", {"size": Number("s", 0, 1)})}, "nothing of it can be called size"),
        ({"state": {"size": Cell("of a record")}}, "a warp has a field size already"),
        ({"vanishes": ("skipped", "none")}, "unit OWN vanishes by skipped = none, which its block does not have"),
        ({"block": BUFFER, "vanishes": ("skipped", "never")}, "vanishes by skipped = never, which its block does not"),
        ({"block": Block("b", "b", "b", {"latency": Number("l", 0, 1)})}, "latency is a parameter of every unit"),
    ],
)
def test_what_cannot_be_declared(declared: dict[str, Any], message: str) -> None:
    units, blocks = list(VOLTA.units), list(VOLTA.blocks)
    with pytest.raises(UnitError, match=message):
        VOLTA.add(Unit(**{"name": "OWN", "meaning": "one's own", "given": GIVEN, **declared}))
    assert (units, blocks) == (VOLTA.units, VOLTA.blocks)


def test_names_of_engines_are_kept_from_units() -> None:
    known = {*SCALARS, *ARRAYS, *OF_ENGINES}
    of_units = {name for unit in VOLTA.units for name in unit.state}
    assert set(WARP.fields) <= known
    program = assemble(".kernel k\nEXIT\n.endkernel\n").program
    assert program is not None
    warp = ReferenceWarp(prepare(program, program.kernels[0], (1,), (32,), {}), 0, 0, np.zeros(0, np.uint8))
    assert set(vars(warp)) - of_units <= known
    assert not of_units & known


def test_a_write_of_state_is_an_effect_as_long_as_the_unit_is_there() -> None:
    unit = VOLTA.add(Unit("OWN", "one's own", GIVEN, state={"tally": Cell("of something")}))

    def semantics(warp: Any) -> None:
        warp.tally = 3

    assert effects_of(semantics) == {E.STATE}
    assert unit.state_words == 1
    assert not unit.in_time
    assert Unit("MORE", "more", GIVEN, state={"row": Cell("words", 2)}).in_time


def test_a_gpu_has_what_units_give_and_says_what_nobody_gives() -> None:
    gpu = load_gpu()
    block = Block("own", "own", "own", {"width": Number("s", 1, 9, "", Given(3, "CHOSEN"))})
    unit = VOLTA.add(Unit("OWN", "one's own", GIVEN, block=block))
    assert gpu.pipes[unit].latency == gpu.pipes[unit].accumulate == 4
    assert gpu.blocks[unit.block] == {"width": 3}
    changed = load_gpu("v100-dstc", ["pipes.OWN.latency=9", "own.width=8"])
    assert (changed.pipes[unit].latency, changed.blocks[unit.block]["width"]) == (9, 8)
    assert changed.target != load_gpu().target == gpu.target
    with pytest.raises(GpuError, match=r"own\.width is an integer from 1 to 9, not 10"):
        load_gpu("v100-dstc", ["own.width=10"])
    late = VOLTA.add(
        Unit("LATE", "late for some", GIVEN | {"to.guard": Given(9, "CHOSEN"), "to.OWN": Given(5, "CHOSEN")})
    )
    assert load_gpu().pipes[late].latencies(["ALU", "OWN", "guard"]) == (4, 5, 9)
    assert load_gpu().target == load_gpu(settings=[]).target == gpu.target
    assert load_gpu(settings=["pipes.LATE.to.ALU=3"]).target != gpu.target
    bare = VOLTA.add(Unit("BARE", "nothing given"))
    with pytest.raises(UnitError, match="unit BARE gives no latency, and the GPU was read before it was declared"):
        gpu.pipes[bare]
    with pytest.raises(GpuError, match=r"pipes.BARE.latency has no value: state one where unit BARE is declared"):
        load_gpu()


@pytest.mark.parametrize(
    ("block", "ask", "message"),
    [
        (Block("l1", "t", "m"), specs, "block l1: a GPU has a table of that name already"),
        (
            Block("b", "t", "m", counters={"wavefronts": "w"}),
            counter_names,
            "a block counts wavefronts, which every SM",
        ),
        (
            Block("b", "t", "m", holds=StallReason("barrier", "m", "a")),
            reasons,
            "there is a stall reason barrier already",
        ),
    ],
)
def test_names_that_the_machine_has(block: Block, ask: Any, message: str) -> None:
    VOLTA.add(Unit("OWN", "one's own", GIVEN, block=block))
    with pytest.raises(UnitError, match=message):
        ask(VOLTA)


def test_copies_in_other_processes_are_the_same_units() -> None:
    gpu = pickle.loads(pickle.dumps(load_gpu()))
    assert gpu == load_gpu()
    assert all(gpu.pipes[unit] == load_gpu().pipes[unit] for unit in VOLTA.units)
    assert set(gpu.blocks) == set(VOLTA.blocks)


def test_a_unit_has_one_cost_and_that_of_the_package_is_its_own() -> None:
    unit = Unit("OWN", "one's own", GIVEN)
    unit.cost(lambda charge, warp, block, parameters, counters: None)
    for taken in (unit, OHMMA, ALU):
        with pytest.raises(UnitError, match="has a cost already, or is the package's"):
            taken.cost(lambda charge, warp, block, parameters, counters: None)


def test_what_control_codes_depend_on_has_what_was_set() -> None:
    skips = Word("costs", ("none", "slot"), Given("slot", "CHOSEN"))
    block = Block("own", "own", "own", {"skipped": skips})
    VOLTA.add(Unit("OWN", "one's own", GIVEN, block=block, vanishes=("skipped", "none")))
    usual = load_gpu().target
    VOLTA.add(Unit("PART", "timing of a file's", {"latency": Given(3, "CHOSEN")}))
    with pytest.raises(GpuError, match="PART"):
        load_gpu()
    VOLTA.forget((len(VOLTA.declarations), len(VOLTA.units) - 1))
    assert load_gpu("v100-dstc", ["own.skipped=none"]).target.digest != usual.digest
    assert load_gpu("v100-dstc", ["pipes.OWN.initiation=3"]).target.digest != usual.digest
