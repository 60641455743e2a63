"""The polynomials of MUFU over their whole range, beyond what random cases reach."""

import math

import numpy as np
import pytest

from dstc_isa.isa import lanes
from dstc_isa.isa.volta import float as floating
from tests.models.floating import special_is_right

RNG = np.random.default_rng(8)


def results(name: str, inputs: np.ndarray) -> list[tuple[int, int]]:
    """Bits of input and result of a special function, 32 lanes at a time."""
    found = []
    function = int(floating.Special[name])
    with np.errstate(all="ignore"):
        for row in inputs.astype(np.float32).reshape(-1, lanes.LANES):
            found += list(zip(row.view(np.uint32).tolist(), floating.mufu(row, function).view(np.uint32), strict=True))
    return [(a, int(b)) for a, b in found]


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("EX2", RNG.uniform(-152, 130, 4096)),
        ("EX2", RNG.uniform(-1, 1, 4096)),
        ("EX2", np.arange(-160, 160)),
        ("EX2", np.array([math.nan, -math.nan, math.inf, -math.inf, 1e30, -1e30, 1e-40, -0.0] * 4)),
        ("LG2", RNG.integers(1, 0x7F800000, 4096).astype(np.uint32).view(np.float32)),
        ("LG2", RNG.uniform(0.7, 1.45, 4096)),
        ("LG2", 1 + np.linspace(-1, 1, 64) * 1e-5),
        ("LG2", np.array([0.0, -0.0, -1.0, math.inf, -math.inf, math.nan, 1.0, 1e-45] * 4)),
        ("RCP", RNG.integers(0, 1 << 32, 4096).astype(np.uint32).view(np.float32)),
        ("RSQ", RNG.integers(0, 1 << 32, 4096).astype(np.uint32).view(np.float32)),
    ],
)
def test_errors_stay_within_their_bounds(name: str, inputs: np.ndarray) -> None:
    for argument, found in results(name, inputs):
        assert special_is_right(name, argument, found), (name, hex(argument), hex(found))


def test_powers_of_two_are_exact() -> None:
    for argument, found in results("LG2", 2.0 ** np.arange(-126, 98)):
        exponent = (argument >> 23) - 127
        assert np.uint32(found).view(np.float32) == exponent
