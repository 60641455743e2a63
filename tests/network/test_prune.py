from fractions import Fraction
from math import floor

import ml_dtypes  # noqa: F401 - gives NumPy its types
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.network.prune import Scope, pruned

WEIGHTS = st.dictionaries(
    st.text("abc", min_size=1, max_size=2),
    st.lists(st.integers(-4, 4), min_size=1, max_size=12).map(lambda values: np.array(values, np.float32)),
    max_size=4,
)

TYPES = ["float32", "float64", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "int64", "uint8", "int4"]


@given(WEIGHTS, st.floats(0, 1), st.sampled_from(["layer", "global"]))
def test_the_smallest_of_a_group_become_zero(weights: dict[str, np.ndarray], share: float, scope: Scope) -> None:
    result = pruned(weights, share, scope)
    assert list(result) == list(weights)
    groups = [[name] for name in weights] if scope == "layer" else [list(weights)]
    for names in groups:
        before = np.concatenate([weights[name] for name in names] or [np.zeros(0)])
        after = np.concatenate([result[name] for name in names] or [np.zeros(0)])
        gone = (after == 0) & (before != 0)
        assert (after[~gone] == before[~gone]).all()
        assert (after == 0).sum() == max(floor(Fraction(str(share)) * before.size), (before == 0).sum())
        if gone.any() and (after != 0).any():
            assert abs(before[gone]).max() <= abs(after[after != 0]).min()


def test_global_takes_from_small_layers_first() -> None:
    weights = {"small": np.full((2, 2), 0.1, np.float32), "large": np.full((2, 2), 10, np.float16)}
    whole = pruned(weights, 0.5, "global")
    assert (np.count_nonzero(whole["small"]), np.count_nonzero(whole["large"])) == (0, 4)
    assert {name: (v.shape, v.dtype) for name, v in whole.items()} == {
        name: (v.shape, v.dtype) for name, v in weights.items()
    }
    assert all(np.count_nonzero(values) == 2 for values in pruned(weights, 0.5).values())
    assert np.count_nonzero(weights["small"]) == 4


@pytest.mark.parametrize("scope", ["layer", "global"])
@given(
    names=st.lists(st.sampled_from(TYPES), min_size=1, max_size=4, unique=True),
    share=st.sampled_from([0, 0.25, 0.5, 1]),
    data=st.data(),
)
def test_arrays_of_several_types(names: list[str], share: float, scope: Scope, data: st.DataObject) -> None:
    """An independent model: fractions, ordered by Python's own stable sort."""
    numbers = st.lists(st.sampled_from([0, 0.5, 1, -1, 2, -3, 4]), min_size=4, max_size=4)
    weights = {name: np.array(data.draw(numbers)).astype(np.dtype(name)).reshape(2, 2) for name in names}
    result = pruned(weights, share, scope)
    for group in [[name] for name in names] if scope == "layer" else [names]:
        values = [(name, at, Fraction(float(weights[name][at]))) for name in group for at in np.ndindex(2, 2)]
        for name, at, value in sorted(values, key=lambda each: abs(each[2]))[: int(share * len(values))]:
            values[values.index((name, at, value))] = (name, at, Fraction(0))
        for name, at, value in values:
            assert result[name].dtype == weights[name].dtype
            assert Fraction(float(result[name][at])) == value


def test_the_smallest_integer_is_the_largest_magnitude() -> None:
    assert pruned({"w": np.array([-128, 3, 100], np.int8)}, 0.67)["w"].tolist() == [-128, 0, 0]


@pytest.mark.parametrize("hundredths", range(101))
def test_a_share_is_that_of_its_decimals(hundredths: int) -> None:
    weights = {"w": np.arange(1, 101, dtype=np.float32)}
    text = f"0.{hundredths:02}" if hundredths < 100 else "1"
    for share in (text, float(text), np.float32(text), Fraction(hundredths, 100)):
        assert (pruned(weights, share)["w"] == 0).sum() == hundredths


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_0_to_1(share: float) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        pruned({}, share)
