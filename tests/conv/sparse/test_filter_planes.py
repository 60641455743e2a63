import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.conv.shape import ConvShape
from dstc_isa.conv.sparse.filter_planes import PLANES, pack_planes
from dstc_isa.conv.sparse.filters import LINE, ROW, pack_filters
from dstc_isa.conv.sparse.sparse_plan import STEPS, SparsePlan
from tests.conv.layers import DENSITIES, layer_shapes, operands


@settings(max_examples=10)
@given(layer_shapes(), DENSITIES, st.sampled_from([1, 2]), st.integers(0, 99))
def test_planes_have_the_values_of_the_other_packing(shape: ConvShape, density: float, height: int, seed: int) -> None:
    _, w = operands(shape, 0, density, seed)
    plan = SparsePlan(shape)
    packed, other = pack_planes(w, plan, height), pack_filters(w, plan, height)
    np.testing.assert_array_equal(packed.tiles, other.tiles)
    assert packed.blocks == other.blocks
    for number in range(shape.groups // plan.merged * packed.blocks * len(plan.order)):
        first, rows = (int(word) for word in packed.places[number])
        bitmaps = packed.tiles[number]
        most = int(np.bitwise_count(bitmaps).max())
        assert rows % LINE == 0
        assert most <= rows < most + LINE
        assert first % LINE == 0
        planes = packed.values[first : first + PLANES * height * rows].reshape(PLANES, height, rows, ROW)
        found = [
            planes[step // ROW, tile, : int(bitmaps[step, tile]).bit_count(), step % ROW]
            for step in range(STEPS)
            for tile in range(height)
        ]
        start, count = int(other.places[number, 0]) * ROW, int(np.bitwise_count(bitmaps).sum())
        np.testing.assert_array_equal(np.concatenate(found), other.values.reshape(-1)[start : start + count])
        assert np.count_nonzero(planes) == count
        # A warp without a next k-tile loads as if there were one.
        assert first + 2 * PLANES * height * rows <= len(packed.values)
