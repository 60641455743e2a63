"""Lane functions that are compiled differently for different CPUs: with F16C and AVX2, and without."""

import math
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.models.numbers import F16, F32, multiply, number, rounded

pytestmark = pytest.mark.engine

PROBE = Path(__file__).with_name("lane_probe.py")
ROOT = PROBE.parents[3]
LANES = 32


def inputs() -> dict[str, Any]:
    """All halves; floats at, between and next to all halves, and any bits; random scatters."""
    rng = np.random.default_rng(5)
    halves = np.arange(1 << 16, dtype=np.uint32)
    exact = halves.astype(np.uint16).view(np.float16).astype(np.float32).view(np.uint32)
    middle = exact + np.uint32(1 << 12)
    near = np.concatenate([exact, middle, middle - np.uint32(1), middle + np.uint32(1)])
    small = rng.integers(0x32000000, 0x39000000, 1 << 14, np.uint32)
    anything = rng.integers(0, 1 << 32, 1 << 14, np.uint32)
    bitmaps = np.concatenate([rng.integers(0, 1 << 32, 500), [0, 1, 0xFFFFFFFF, 0x80000000]]).astype(np.int64)
    values = rng.integers(0, 1 << 32, (len(bitmaps), LANES), np.uint32)
    return {
        "halves": halves.reshape(-1, LANES),
        "floats": np.concatenate([near, small, anything]).reshape(-1, LANES),
        "values": values,
        "bitmaps": bitmaps,
    }


@pytest.fixture(scope="module", params=["generic", ""], ids=["any-x86", "this-cpu"])
def probed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Inputs, results and the CPU's name."""
    folder = tmp_path_factory.mktemp("probe")
    given = inputs()
    np.savez(folder / "given.npz", **given)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")}
    environment |= {"PYTHONPATH": str(ROOT), "DSTC_CACHE_DIR": str(folder)}
    if request.param:
        environment["NUMBA_CPU_NAME"] = request.param
    command = [sys.executable, str(PROBE), str(folder / "given.npz"), str(folder / "found.npz")]
    subprocess.run(command, check=True, env=environment, timeout=120)
    return given, dict(np.load(folder / "found.npz")), request.param


def test_a_plain_cpu_has_no_extensions(probed: Any) -> None:
    _, found, name = probed
    if name:
        assert found["features"].tolist() == [False, False]


def test_every_half_widens_exactly(probed: Any) -> None:
    given, found, _ = probed
    for half, wide in zip(given["halves"].ravel().tolist(), found["widened"].ravel().tolist(), strict=True):
        (expected,) = struct.unpack("<e", struct.pack("<H", half))
        both_nan = math.isnan(wide) and math.isnan(expected)
        assert both_nan or struct.pack("<d", wide) == struct.pack("<d", expected)


def test_floats_narrow_to_the_nearest_half(probed: Any) -> None:
    given, found, _ = probed
    bits = given["floats"].ravel()
    with np.errstate(over="ignore"):
        expected = bits.view(np.float32).astype(np.float16).view(np.uint16).astype(np.uint32)
    expected[np.isnan(bits.view(np.float32))] = F16.nan
    np.testing.assert_array_equal(found["narrowed"].ravel(), expected)


def test_numpy_narrows_as_the_model_does() -> None:
    """The expectation above against integer arithmetic, on a sample."""
    for bits in inputs()["floats"].ravel()[::97].tolist():
        with np.errstate(over="ignore"):
            half = int(np.uint32(bits).view(np.float32).astype(np.float16).view(np.uint16))
        expected = multiply(number(bits, F32), number(rounded(1, 0, F32), F32), F16)
        assert half == expected or (expected == F16.nan and half & 0x7FFF > F16.infinity)


def test_values_scatter_to_the_set_bits(probed: Any) -> None:
    given, found, _ = probed
    scattered = found["scattered"].view(np.uint32)
    for row, bitmap in enumerate(given["bitmaps"].tolist()):
        places = [lane for lane in range(LANES) if bitmap >> lane & 1]
        assert scattered[row, places].tolist() == given["values"][row, : len(places)].tolist()
