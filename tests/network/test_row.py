import math
from typing import Any

import pytest

from dstc_isa.dense.gemm import gemm_dense
from dstc_isa.network.row import VARIANTS, LayerRow, cost_of, totals
from dstc_isa.report.statistics import RunStatistics
from dstc_isa.sparse.random_matrix import random_matrix
from tests.network.rows import cost, row


def launch(k: int, gpu: str | None = "v100-dstc") -> RunStatistics:
    return gemm_dense(random_matrix(32, k, 1, 0), random_matrix(k, 32, 1, 1), gpu=gpu, threads=1).run


def test_cost_of_launches_is_their_sum() -> None:
    launches = [launch(16), launch(64)]
    cost = cost_of(launches)
    timings: list[Any] = [each.timing for each in launches]
    assert cost.cycles == sum(timing.cycles for timing in timings)
    assert cost.encode_cycles == 0
    assert cost_of(launches, 1).encode_cycles == timings[0].cycles
    assert cost.microseconds == pytest.approx(sum(timing.microseconds for timing in timings))
    of_all = {
        bound.resource: sum(b.cycles for timing in timings for b in timing.bounds if b.resource == bound.resource)
        for bound in timings[0].bounds
    }
    assert of_all[cost.bound] == max(of_all.values())
    assert cost.share_of_bound == pytest.approx(max(of_all.values()) / cost.cycles)


def test_a_cost_of_one_launch_has_its_headline() -> None:
    one = launch(64)
    assert one.timing is not None
    assert cost_of([one]).headline == one.timing.headline
    cells = row(costs=dict.fromkeys(VARIANTS, cost_of([one]))).as_json()
    assert cells["dual_limit"] == one.timing.headline.limit
    assert (cells["dual_headline"], cells["dual_headline_text"]) == (one.timing.headline.name, one.timing.headline.text)


def test_untimed_launches_have_no_cost() -> None:
    untimed = launch(16, None)
    for launches in ([], [untimed], [launch(16), untimed]):
        with pytest.raises(ValueError, match="no cost"):
            cost_of(launches)


def test_totals_count_layers_as_often_as_they_occur() -> None:
    whole = totals([row(dense=100, weights=50, dual=25), row(count=3, dense=10, weights=10, dual=20)])
    assert whole.layers == 4
    assert whole.cycles == {"dense": 130, "weights": 80, "dual": 85}
    assert whole.speedup("weights") == pytest.approx(130 / 80)
    assert whole.as_json()["dual_speedup"] == pytest.approx(130 / 85)
    assert whole.products == 4 * row().products


def test_totals_of_encoding() -> None:
    encoding = {"dense": 0, "weights": 5, "dual": 7}
    costs = {name: cost(50, encode_cycles=cycles) for name, cycles in encoding.items()}
    whole = totals([row(costs=costs), row(count=2, costs=costs), row()])
    assert whole.encode_cycles == {"weights": 15, "dual": 21}
    assert (whole.as_json()["weights_encode_cycles"], whole.as_json()["dual_encode_cycles"]) == (15, 21)


def test_a_row_is_flat() -> None:
    cells = row(dense=30, weights=20, dual=10).as_json()
    assert (cells["x"], cells["w"], cells["y"]) == ("1x2x4x4", "3x2x3x3", "1x3x4x4")
    assert cells["input"] == "host"
    assert row(input="encoded by conv0").as_json()["input"] == "encoded by conv0"
    assert (cells["weights_speedup"], cells["dual_speedup"]) == (1.5, 3.0)
    assert {f"{variant}_cycles" for variant in VARIANTS} <= set(cells)
    assert not any(isinstance(value, dict | list | tuple) for value in cells.values())


def test_no_time_has_no_speedup() -> None:
    nothing = LayerRow(
        layer="a",
        operator="MatMul",
        count=1,
        x=(1, 1),
        w=(1, 1),
        y=(1, 1),
        density_x=0.0,
        density_w=None,
        products=1,
        costs={variant: cost(0, 0.0) for variant in VARIANTS},
        host_seconds=0.0,
    )
    for each in (nothing, totals([nothing]), totals([])):
        assert math.isnan(each.speedup("dual"))
        assert each.as_json()["dual_speedup"] is None
