"""The file of fitted costs: every number is read, and nothing else passes."""

import importlib.util
from types import ModuleType
from typing import Any

import pytest

from dstc_isa.conv import fitted
from dstc_isa.conv.dense.dense_plan import SMALL, WIDE, DensePlan
from dstc_isa.conv.dense.dense_plan import estimate as estimate_dense
from dstc_isa.conv.fitted import DenseCosts, SparseCosts, constants, dense_costs, read_constants, sparse_costs
from dstc_isa.conv.shape import ConvShape
from dstc_isa.conv.sparse.sparse_plan import SparsePlan
from dstc_isa.conv.sparse.tiling import Cut, Tiling, estimate
from tests.docs.console import ROOT

LAYER = ConvShape(1, 64, 16, 16, 64, 3, 3, padding=(1, 1, 1, 1))


class Read(dict[str, float]):
    """Values of the file that remember which were asked for."""

    def __init__(self, values: dict[str, float]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> float:
        self.asked.add(key)
        return super().__getitem__(key)


def values() -> Read:
    return Read({key: constant.value for key, constant in constants().items()})


def test_every_constant_is_read_and_has_its_place() -> None:
    read = values()
    assert (SparseCosts.of(read), DenseCosts.of(read)) == (sparse_costs(), dense_costs())
    assert read.asked == set(read)
    changed = SparseCosts.of({**read, "sparse.alone.1x2": 7, "sparse.dense_beside.2_halves": 8})
    assert (changed.alone[1, 2], changed.dense_beside[2, True]) == (7, 8)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"a": 3}, "a is no table"),
        ({"a": {"b": {"v": 3, "src": "FIT"}}}, "a.b has v, src"),
        ({"a": {"v": 3, "src": "HW", "note": "x"}}, "a has v, src"),
        ({"a": {"v": 3, "src": "FIT", "note": ""}}, "a has v, src"),
        ({"a": {"v": 0, "src": "FIT", "note": "x"}}, "a is a number above 0, not 0"),
        ({"a": {"v": "3", "src": "FIT", "note": "x"}}, "a is a number above 0, not '3'"),
        ({"a": {"v": True, "src": "FIT", "note": "x"}}, "a is a number above 0, not True"),
    ],
)
def test_what_is_no_constant(tables: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(read_constants(tables, fitted.FILE.name))


def test_estimates_of_a_launch_that_leaves_sms_idle() -> None:
    """One CTA alone: its fixed cycles, and those of its k-tiles; slabs of 32 and 64 of 576 values of k."""
    costs, plan = sparse_costs(), SparsePlan(LAYER)
    tiles = len(plan.order)
    one = costs.fixed + tiles * costs.alone[2, 1]
    assert estimate(plan, Cut(Tiling(2, 1), 2, 2), 0.25) == one
    parts = costs.fixed + costs.parts + tiles / 2 * costs.alone[2, 2]
    assert estimate(plan, Cut(Tiling(2, 2), 4, 4), 0.25) == parts
    wide, small = (dense_costs().tiles[name] for name in ("128x128", "64x64"))
    assert estimate_dense(LAYER, DensePlan(WIDE)) == 18 * wide.slab_alone + wide.ends
    ends = small.ends + dense_costs().parts_end + 3 * dense_costs().part_ends
    assert estimate_dense(LAYER, DensePlan(SMALL, 3)) == 3 * small.slab_alone + ends


@pytest.fixture(scope="module")
def fitting() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fit_tiling", ROOT / "benchmarks" / "fit_tiling.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_fit_finds_the_costs_that_cycles_were_made_by(fitting: ModuleType) -> None:
    """Cycles of launches that leave SMs idle, by costs half as high again: there is no other cost they hang on."""
    wanted = {"sparse.alone.2x1": 220, "sparse.fixed": 4500}
    made = {**values(), **wanted}
    sparse, dense = SparseCosts.of(made), DenseCosts.of(made)
    launches = [fitting.Launch("spconv", 1, channels, 14, 0.5, 0.25, 2, 1) for channels in (32, 64, 128, 256)]
    record = {launch: round(launch.estimated(sparse, dense)) for launch in launches}
    found = fitting.fitted(constants(), record)
    assert found == pytest.approx(wanted, rel=0.02)
    text = fitting.file_text(found)
    assert text.count("\n") == fitted.FILE.read_text(encoding="utf-8").count("\n")
    assert f'fixed = {{ v = {found["sparse.fixed"]:g}, src = "FIT", note = "start' in text


def test_the_record_is_of_launches_that_there_are(fitting: ModuleType) -> None:
    record = fitting.read_record()
    assert record
    assert set(record) <= set(fitting.launches(fitting.LAYERS, fitting.IMAGES))


def test_a_record_is_stale_if_a_launch_takes_longer(fitting: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = fitting.Launch("spconv", 1, 64, 14, 0.5, 0.25, 2, 1)
    monkeypatch.setattr(fitting.Launch, "measured", lambda self: 1000)
    told: list[str] = []
    assert fitting.check({launch: 960}, told.append)
    assert not fitting.check({launch: 900}, told.append)
    assert told[-1].startswith("1 of 1 launches differ by more than 5%: measure and fit anew")
