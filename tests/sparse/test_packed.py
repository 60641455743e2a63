"""The packed format against a model written element by element, and the kernel that multiplies in it."""

import math
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dstc_isa.gpu import load_gpu
from dstc_isa.sparse.bitmap import encode
from dstc_isa.sparse.packed import PackedMatrix, PackedProduct, pack
from dstc_isa.sparse.random_matrix import random_matrix
from dstc_isa.sparse.spgemm import SpgemmReport, spgemm
from tests.sparse.test_spgemm import DENSITIES, expected, filled

FEW_SMS = load_gpu("v100-dstc", ["sm.count=2"])
"""So that a CTA takes several parts of small products."""


def model(dense: np.ndarray, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Descriptions and lines, as docs/sparse-format.md has them."""
    by_outer = dense if side == "a" else dense.T
    words = 2 if side == "a" else 1
    outer, inner = by_outer.shape
    tiles = np.zeros((math.ceil(outer / (32 * words)), math.ceil(inner / 32), 2), np.uint32)
    halves: list[np.ndarray] = []
    for o in range(tiles.shape[0]):
        for t in range(tiles.shape[1]):
            tile = by_outer[32 * words * o : 32 * words * (o + 1), 32 * t : 32 * t + 32]
            values = [tile[r, k] for k in range(tile.shape[1]) for r in range(tile.shape[0]) if tile[r, k] != 0]
            if values:
                tiles[o, t] = sum(map(len, halves)) // 64, math.ceil(len(values) / 8)
                bits = [sum(1 << r for r in range(len(tile)) if tile[r, k] != 0) for k in range(tile.shape[1])]
                bits += [0] * (32 - len(bits))
                halves.append(np.array(bits, np.uint64 if words == 2 else np.uint32).view(np.uint16))
                halves.append(np.array(values, np.float16).view(np.uint16))
                halves.append(np.zeros(-len(values) % 64, np.uint16))
    halves.append(np.zeros(64 * words, np.uint16))
    return tiles, np.concatenate(halves).reshape(-1, 64)


@settings(max_examples=40)
@given(
    shape=st.tuples(st.integers(0, 140), st.integers(0, 140)),
    density=st.sampled_from(DENSITIES),
    specials=st.sampled_from([0.0, 0.1, 1.0]),
    side=st.sampled_from(["a", "b"]),
    seed=st.integers(0, 2**32),
)
def test_layout_is_the_models(shape: tuple[int, int], density: float, specials: float, side: Any, seed: int) -> None:
    dense = filled(*shape, density, seed, specials)
    packed = pack(encode(dense, side))
    tiles, lines = model(dense, side)
    np.testing.assert_array_equal(packed.tiles, tiles)
    np.testing.assert_array_equal(packed.lines.view(np.uint16), lines)
    assert (packed.tiles_outer, packed.tiles_k) == tiles.shape[:2]
    assert packed.empty == len(lines) - packed.words


@pytest.mark.slow
def test_tile_rows_beyond_a_slab() -> None:
    dense = random_matrix(64 * 3 + 5, 32 * 600, 0.001, 1)
    tiles, lines = model(dense, "a")
    packed = pack(encode(dense, "a"))
    np.testing.assert_array_equal(packed.tiles, tiles)
    np.testing.assert_array_equal(packed.lines.view(np.uint16), lines)


def groups(a: np.ndarray, b: np.ndarray) -> int:
    """Groups of the product: each 64 x 32 tile and k takes ceil(nnz / 8) times ceil(nnz / 16)."""
    total = 0
    for row in range(0, a.shape[0], 64):
        of_a = -(-np.count_nonzero(a[row : row + 64], axis=0) // 8)
        for column in range(0, b.shape[1], 32):
            total += int(of_a @ -(-np.count_nonzero(b[:, column : column + 32], axis=1) // 16))
    return total


def check(a: np.ndarray, b: np.ndarray, **options: Any) -> SpgemmReport:
    """Multiply with the sequenced product, and compare result and counts."""
    result = spgemm(a, b, kernel="spgemm_seq", **options)
    np.testing.assert_array_equal(result.c.view(np.uint32), expected(a, b))
    assert result.report.ohmma_issued == groups(a, b)
    assert result.report.ohmma_skipped >= 0
    return result.report


@settings(max_examples=60)
@given(
    m=st.integers(0, 400),
    n=st.integers(0, 300),
    k=st.integers(0, 80) | st.integers(500, 1100),
    density_a=st.sampled_from(DENSITIES),
    density_b=st.sampled_from(DENSITIES),
    specials=st.sampled_from([0.0, 0.02, 1.0]),
    seed=st.integers(0, 2**32),
    timed=st.booleans(),
)
@example(m=257, n=129, k=1090, density_a=0.02, density_b=0.1, specials=0.0, seed=1, timed=True)
@example(m=513, n=65, k=900, density_a=0.1, density_b=1.0, specials=0.0, seed=2, timed=True)
@example(m=129, n=513, k=900, density_a=1.0, density_b=0.02, specials=0.0, seed=3, timed=True)
def test_any_product(
    m: int, n: int, k: int, density_a: float, density_b: float, specials: float, seed: int, timed: bool
) -> None:
    a, b = filled(m, k, density_a, seed, specials), filled(k, n, density_b, seed + 1, specials)
    report = check(a, b, gpu=FEW_SMS if timed else None)
    if timed and m and n:
        assert report.run.timing is not None
        assert report.run.timing.counters["ohmma"] == report.ohmma_issued


def test_k_tiles_that_are_empty_on_either_side_are_not_multiplied() -> None:
    a, b = np.zeros((64, 3200), np.float16), np.zeros((3200, 32), np.float16)
    a[:, :32], a[0, 1600], a[5, 3199] = 2, 3, 4
    b[40], b[1600, 7], b[3168, 0] = 5, 6, 7
    report = check(a, b)
    # Two k-tiles have values on both sides; turns come in fours.
    assert report.run.histogram["SPWMMA.643232.F32.PACKED"] == 4
    assert check(np.zeros_like(a), b).run.histogram.get("SPWMMA.643232.F32.PACKED", 0) == 0


def test_control_codes_leave_no_hazard() -> None:
    for densities in ((0.05, 0.05), (0.3, 1.0), (1.0, 0.02)):
        a, b = random_matrix(300, 700, densities[0], 1), random_matrix(700, 200, densities[1], 2)
        report = check(a, b, gpu=FEW_SMS, check_hazards=True)
        assert report.run.timing is not None
        assert report.run.timing.as_json()["hazards"] == []


@settings(max_examples=3)
@given(seed=st.integers(0, 1000), m=st.integers(1, 70), n=st.integers(1, 40), k=st.integers(1, 40))
def test_reference_engine_agrees(seed: int, m: int, n: int, k: int) -> None:
    a, b = filled(m, k, 0.3, seed, 0.1), filled(k, n, 0.3, seed + 1, 0.1)
    compiled, readable = check(a, b, gpu=None), check(a, b, reference=True, gpu=None)
    assert compiled.run.histogram == readable.run.histogram


def test_a_matrix_of_too_many_tiles_is_refused() -> None:
    wide = scipy.sparse.csr_array((1 << 20, 1 << 20), dtype=np.float32)
    with pytest.raises(ValueError, match=r"^a: 1048576 x 1048576 .* tiles of 64 x 32, .* spgemm takes more"):
        spgemm(wide, scipy.sparse.csr_array((1 << 20, 1), dtype=np.float32), kernel="spgemm_seq", gpu=None)


def packed(rows: int, columns: int, density: float, side: Any) -> PackedMatrix:
    return pack(encode(random_matrix(rows, columns, density, 1), side))


@pytest.mark.parametrize(
    ("density_a", "density_b", "along_columns"), [(1, 1, 4), (0.05, 0.05, 4), (1, 0.3, 4), (0.3, 1, 2), (0.05, 1, 2)]
)
def test_warps_stand_along_the_rows_where_b_has_more_to_load(
    density_a: float, density_b: float, along_columns: int
) -> None:
    product = PackedProduct(packed(512, 256, density_a, "a"), packed(256, 512, density_b, "b"))
    assert 1 << product.column_shift == along_columns
    (ctas,), arguments = product.launch(np.zeros((512, 512), np.float32), 80)
    assert ctas == arguments["parts"] == 16
    assert product.launch(np.zeros((512, 512), np.float32), 3)[0] == (3,)


def test_long_products_of_one_column_or_row() -> None:
    long = random_matrix(65536 * 64 + 1, 1, 0.001, 5)
    one = np.ones((1, 1), np.float16)
    assert np.array_equal(spgemm(long, one, kernel="spgemm_seq", gpu=None).c, long.astype(np.float32))
    assert np.array_equal(spgemm(one, long.T, kernel="spgemm_seq", gpu=None).c, long.T.astype(np.float32))
