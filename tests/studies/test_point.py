import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.studies.point import PointRow, RowError, varied_parameters, with_speedups
from tests.studies.rows import row, rows


@given(rows())
def test_json_round_trip(given_rows: list[PointRow]) -> None:
    for each in given_rows:
        assert PointRow.from_json(json.loads(json.dumps(each.as_json()))) == each


@given(
    st.one_of(
        st.none() | st.integers() | st.text() | st.lists(st.integers()),
        st.sampled_from(sorted(row().as_json())).map(lambda name: row().as_json() | {name: [1]}),
        st.sampled_from(sorted(row().as_json())).map(
            lambda name: {k: v for k, v in row().as_json().items() if k != name}
        ),
        st.just(row().as_json() | {"other": 1}),
    )
)
def test_other_data_is_no_row(data: Any) -> None:
    with pytest.raises(RowError):
        PointRow.from_json(data)


def test_speedup_is_over_dense_on_the_same_gpu() -> None:
    found = with_speedups(
        [
            row(time_us=2.0),
            row(time_us=2.0, overrides={"sm.count": 40}),
            row(time_us=2.0, overrides={"sm.count": 20}),
            row(kernel="gemm_dense", density_a=None, density_b=None, time_us=4.0),
            row(kernel="gemm_dense", density_a=None, density_b=None, time_us=6.0, overrides={"sm.count": 40}),
        ]
    )
    assert [each.speedup for each in found] == [2.0, 3.0, None, 1.0, 1.0]


def test_label() -> None:
    assert row(overrides={"sm.count": 40}).label == "spgemm, A 0.5, B 1, sm.count=40"
    assert row(kernel="gemm_dense", density_a=None, density_b=None).label == "gemm_dense"


def test_varied_parameters() -> None:
    assert varied_parameters([row(overrides={"x": 1, "y": 2}), row(overrides={"x": 1, "y": 3})]) == ["y"]
    assert varied_parameters([row()]) == []
