import pytest

from dstc_isa.engine.launch import LaunchError
from dstc_isa.gpu import load_gpu
from dstc_isa.timing.occupancy import Occupancy, occupancy
from tests.timing.kernels import timed

V100 = load_gpu("v100")


@pytest.mark.parametrize(
    ("warps", "registers", "shared", "expected"),
    [
        (4, 32, 0, Occupancy(16, "warp slots", 128 << 10, 4)),
        (1, 16, 0, Occupancy(32, "CTA slots", 128 << 10, 1)),
        (4, 97, 9216, Occupancy(4, "registers", 64 << 10, 4)),
        (8, 255, 0, Occupancy(1, "registers", 128 << 10, 8)),
        (2, 32, 40 << 10, Occupancy(2, "shared memory", 32 << 10, 2)),
        (32, 64, 96 << 10, Occupancy(1, "registers", 32 << 10, 32)),
    ],
)
def test_limits(warps: int, registers: int, shared: int, expected: Occupancy) -> None:
    assert occupancy(V100, warps, registers, shared) == expected


def test_a_cta_that_does_not_fit_is_refused() -> None:
    with pytest.raises(LaunchError, match=r"no CTA of kernel k fits an SM of v100-dstc: too few warp slots"):
        timed("NOP", "sm.warps=1", block=64)
