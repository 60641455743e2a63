import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dstc_isa.conv.shape import ConvShape
from dstc_isa.conv.sparse.sparse_plan import BLOCK, COLUMNS_AT, STEPS, WINDOW, SparsePlan
from dstc_isa.errors import ShapeError
from tests.conv.layers import layer_shapes


@given(layer_shapes())
def test_each_filter_element_has_one_step(shape: ConvShape) -> None:
    order = SparsePlan(shape).order
    assert order.shape[1] == STEPS
    steps = order[order >= 0]
    launched = SparsePlan(shape).launched
    assert sorted(steps) == list(range(launched.group_channels * shape.rows * shape.columns))
    # A k-tile is filled from its first step on.
    assert (np.diff((order >= 0).astype(int), axis=1) <= 0).all()


def test_order_goes_through_three_rows_of_a_channel_then_channels_of_a_block_and_last_the_columns_of_a_run() -> None:
    shape = ConvShape(1, BLOCK + 1, 9, 9, 1, 5, 3)
    order = SparsePlan(shape).order
    numbers = np.arange(STEPS)
    channel, row, column = np.unravel_index(order[0], (BLOCK + 1, 5, 3))
    assert (channel == numbers // 3).all()
    assert (row == numbers % 3).all()
    assert (column == 0).all()
    assert (order[1] == order[0] + 1).all()
    # The first channel that is cut goes on in the next k-tiles.
    channel, row, _ = np.unravel_index(order[3], (BLOCK + 1, 5, 3))
    assert (channel == (STEPS + numbers) // 3).all()
    assert (row == (STEPS + numbers) % 3).all()
    # Then the other rows of the block's channels; the last channel is a block of its own.
    channel, row, _ = np.unravel_index(order[9], (BLOCK + 1, 5, 3))
    assert (channel == numbers // 2).all()
    assert (row == 3 + numbers % 2).all()
    assert np.unravel_index(order[-1][order[-1] >= 0], (BLOCK + 1, 5, 3))[0].tolist() == [BLOCK] * 5


@given(layer_shapes())
def test_every_window_meets_its_activations_and_no_others(shape: ConvShape) -> None:
    plan = SparsePlan(shape)
    image, y, x = np.indices((shape.images, shape.out_height, shape.out_width))
    outputs = (image * plan.rows + y) * plan.pitch + x
    assert outputs.max() < plan.positions
    for run in plan.runs[: len(plan.runs) // plan.launched.group_channels + 2]:
        rows = {row for _, row in run.elements}
        for number, column in enumerate(run.columns):
            for row in rows:
                place = row * shape.dilation[0]
                shift = place // shape.stride[0] * plan.pitch + run.shift_x + number * run.spacing
                phase = (place % shape.stride[0], run.phase_x)
                assert phase in plan.phases
                found = outputs + shift
                assert (found.max() + plan.origin) // 32 < plan.words
                at_image, rest = np.divmod(found, plan.rows * plan.pitch)
                at_y, at_x = np.divmod(rest, plan.pitch)
                got_y = at_y * shape.stride[0] + phase[0] - shape.padding[0]
                got_x = at_x * shape.stride[1] + phase[1] - shape.padding[2]
                real = (at_image < shape.images) & (got_y >= 0) & (got_y < shape.height)
                real &= (got_x >= 0) & (got_x < shape.width)
                wanted_y = y * shape.stride[0] + place - shape.padding[0]
                wanted_x = x * shape.stride[1] + column * shape.dilation[1] - shape.padding[2]
                wanted = (wanted_y >= 0) & (wanted_y < shape.height) & (wanted_x >= 0) & (wanted_x < shape.width)
                assert (real == wanted).all()
                for got, expected in ((at_image, image), (got_y, wanted_y), (got_x, wanted_x)):
                    assert (got == expected)[wanted].all()


@given(layer_shapes(), st.integers(0, 40), st.integers(0, 5), st.sampled_from([None, 32, 45, 100]))
def test_windows_of_a_run_lie_in_two_words(shape: ConvShape, more: int, rows: int, origin: int | None) -> None:
    natural = SparsePlan(shape)
    plan = SparsePlan(shape, natural.pitch + more, natural.rows + rows, origin)
    assert (plan.pitch, plan.rows) == (natural.pitch + more, natural.rows + rows)
    assert 0 <= plan.offset < WINDOW
    assert plan.origin >= plan.offset
    table = plan.run_table[: len(plan.runs), :, 1].astype(int)
    for run, (columns, shifts) in zip(plan.runs, (np.divmod(row, 1 << COLUMNS_AT) for row in table), strict=True):
        behind = run.spacing * (len(run.columns) - 1)
        assert (columns == behind + 8 * run.spacing).all()
        assert behind < 8
        first = shifts[: len(run.elements)] % WINDOW
        last = first + WINDOW - 1 + run.spacing * (len(run.columns) - 1)
        assert last.max() < 2 * WINDOW
        assert (shifts.max() + (plan.tiles - 1) * WINDOW) // WINDOW + 1 < plan.words
    # Neither the order of products nor the parts of the sum depend on where planes begin.
    np.testing.assert_array_equal(plan.order, natural.order)
    for count in (1, 2, 4):
        np.testing.assert_array_equal(plan.parts(count)[:, 1], natural.parts(count)[:, 1])


@given(layer_shapes(), st.integers(1, 4), st.integers(1, 4), st.integers(0, 4), st.integers(0, 4))
def test_a_following_plan_reads_outputs_where_tiles_have_them(
    shape: ConvShape, rows: int, columns: int, down: int, across: int
) -> None:
    _, filters, height, width = shape.output_shape
    assume(rows <= height + 2 * down and columns <= width + 2 * across)
    behind = ConvShape(shape.images, filters, height, width, 3, rows, columns, padding=(down, down, across, across))
    needed = SparsePlan(behind).needed
    plan = SparsePlan(shape, needed[1], needed[0])
    following = plan.followed_by(behind)
    assert following is not None
    image, y, x = np.indices((shape.images, height, width))
    in_tiles = (image * plan.rows + y) * plan.pitch + x + plan.offset
    in_plane = (image * following.rows + y + down) * following.pitch + x + across + following.origin
    np.testing.assert_array_equal(in_plane, in_tiles + following.first_word(plan) * WINDOW)
    assert following.first_word(plan) >= 1


@pytest.mark.parametrize(
    ("shape", "merged"),
    [
        (ConvShape(1, 96, 8, 8, 96, 3, 3, groups=96), 48),
        (ConvShape(1, 64, 8, 8, 128, 5, 5, groups=64), 32),
        (ConvShape(1, 128, 8, 8, 128, 3, 3, groups=32), 8),
        (ConvShape(1, 128, 8, 8, 128, 3, 3, groups=4), 1),
        (ConvShape(1, 74, 8, 8, 74, 3, 3, groups=37), 1),
        (ConvShape(1, 64, 8, 8, 64, 3, 3), 1),
    ],
    ids=str,
)
def test_groups_of_few_channels_are_merged(shape: ConvShape, merged: int) -> None:
    plan = SparsePlan(shape)
    assert plan.merged == merged
    assert plan.launched.groups * merged == shape.groups


def test_what_cannot_follow() -> None:
    plan = SparsePlan(ConvShape(1, 4, 8, 8, 4, 1, 1))
    assert plan.followed_by(ConvShape(1, 4, 8, 8, 4, 1, 1, stride=(1, 2))) is None
    # Its rows are longer.
    assert plan.followed_by(ConvShape(1, 4, 8, 8, 4, 3, 3, padding=(1, 1, 1, 1))) is None


@given(layer_shapes(), st.sampled_from([1, 2, 4, 8]))
def test_parts_share_all_runs(shape: ConvShape, count: int) -> None:
    plan = SparsePlan(shape)
    parts = plan.parts(count).astype(int)
    assert parts.shape == (count + 1, 2)
    assert parts[0].tolist() == [0, 0]
    assert parts[-1].tolist() == [len(plan.runs), len(plan.order)]
    assert (np.diff(parts, axis=0) >= 0).all()
    for run, tile in parts:
        assert tile == sum(len(each.columns) for each in plan.runs[:run])


def test_narrow_maps_share_windows() -> None:
    # 4 images of 7x7 with padding 1: rows are 8 positions, not 32.
    plan = SparsePlan(ConvShape(4, 16, 7, 7, 16, 3, 3, padding=(1, 1, 1, 1)))
    assert (plan.pitch, plan.rows, plan.positions) == (8, 8, 256)


def test_too_many_positions_are_refused() -> None:
    with pytest.raises(ShapeError, match="positions of a channel, more than the 16777216"):
        SparsePlan(ConvShape(300, 1, 256, 256, 1, 1, 1))


def test_too_many_planes_are_refused() -> None:
    with pytest.raises(
        ShapeError, match=r"16384 channels times the stride's phases \(4\) are more than the 65535 planes"
    ):
        SparsePlan(ConvShape(1, 16384, 8, 8, 1, 3, 3, stride=(2, 2)))
    assert SparsePlan(ConvShape(1, 65535, 8, 8, 1, 1, 1, stride=(2, 2))).planes == 65535
