import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.conv.shape import ConvShape
from dstc_isa.conv.sparse.filters import pack_filters
from dstc_isa.conv.sparse.sparse_plan import STEPS, WINDOW, SparsePlan
from tests.conv.layers import DENSITIES, layer_shapes, of_merged, operands


@settings(max_examples=25)
@given(layer_shapes(), DENSITIES, st.sampled_from([1, 2]), st.integers(0, 99))
def test_decoding_gives_the_filters_in_the_order_of_the_plan(
    shape: ConvShape, density: float, height: int, seed: int
) -> None:
    _, w = operands(shape, 0, density, seed)
    plan = SparsePlan(shape)
    packed = pack_filters(w, plan, height)
    w, shape = of_merged(w, shape, plan.merged), plan.launched
    of_warp = WINDOW * height
    assert (packed.blocks - 1) * of_warp < shape.group_filters <= packed.blocks * of_warp
    columns = w.reshape(shape.groups, shape.group_filters, -1)
    flat = packed.values.reshape(-1)
    count = 0
    number = 0
    for group in range(shape.groups):
        for block in range(packed.blocks):
            for elements in plan.order:
                bitmaps = packed.tiles[number]
                assert bitmaps.shape == (STEPS, height)
                first, rows = (int(word) for word in packed.places[number])
                at = start = first * packed.values.shape[1]
                for element, bitmap in zip(elements, bitmaps, strict=True):
                    for bit in range(of_warp):
                        filter_ = block * of_warp + bit
                        exists = element >= 0 and filter_ < shape.group_filters
                        value = columns[group, filter_, element] if exists else 0
                        assert int(bitmap[bit // WINDOW]) >> bit % WINDOW & 1 == (value != 0)
                        if value != 0:
                            assert flat[at] == value
                            at += 1
                count += at - start
                assert rows == -(-(at - start) // packed.values.shape[1])
                number += 1
    assert count == np.count_nonzero(w)
    # What the kernel reads ahead of the last k-tile is empty.
    assert (packed.tiles[number:] == 0).all()
    assert (packed.places[number:] == 0).all()
