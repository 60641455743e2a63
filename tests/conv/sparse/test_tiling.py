import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.conv.shape import ConvShape
from dstc_isa.conv.sparse.sparse_plan import SparsePlan
from dstc_isa.conv.sparse.tiling import (
    SHORT_CTAS,
    SPARSE_ROWS,
    WARPS,
    Cut,
    Tiling,
    check_tiling,
    choose_cut,
    choose_step_tiling,
    choose_tiling,
    program_for,
)
from dstc_isa.gpu import load_gpu
from dstc_isa.object.shipped import load_shipped
from dstc_isa.timing.occupancy import occupancy
from tests.conv.layers import layer_shapes


@given(layer_shapes(), st.floats(0, 1), st.integers(0, 40), st.integers(0, 5), st.sampled_from([None, 32, 45]))
def test_the_choice_does_not_depend_on_where_planes_begin(
    shape: ConvShape, density: float, more: int, rows: int, origin: int | None
) -> None:
    alone = SparsePlan(shape)
    chosen = choose_tiling(alone, density)
    check_tiling(chosen)
    assert choose_tiling(SparsePlan(shape, alone.pitch + more, alone.rows + rows, origin), density) == chosen
    # Nor do the parts, on which results depend, on whether the result is stored or encoded.
    assert choose_tiling(alone, density, halves=False).parts == chosen.parts


def test_parts_for_the_kernel_of_steps() -> None:
    def parts(images: int, channels: int, size: int) -> int:
        tiling = choose_step_tiling(
            SparsePlan(ConvShape(images, channels, size, size, channels, 3, 3, padding=(1, 1, 1, 1)))
        )
        assert tiling.filter_tiles == 2
        return tiling.parts

    # One image of 7x7 has 8 CTAs without parts; 8 of 14x14 have 60, which take longer than 116 of half as much.
    assert [parts(1, 512, 7), parts(8, 256, 14), parts(16, 64, 56)] == [WARPS, 2, 1]


@given(layer_shapes(), st.floats(0, 1), st.sampled_from((1, 2)), st.sampled_from((1, 2, 4)))
def test_ctas_of_a_cut(shape: ConvShape, density: float, filter_tiles: int, parts: int) -> None:
    plan, tiling = SparsePlan(shape), Tiling(filter_tiles, parts)
    cut = choose_cut(plan, tiling, density, halves=True)
    assert 0 <= cut.whole <= cut.ctas <= cut.launched == cut.whole + 2 * (cut.ctas - cut.whole)
    assert cut.ctas * tiling.windows * 32 * filter_tiles >= plan.tiles * plan.launched.group_filters
    whole = choose_cut(plan, tiling, density, halves=False)
    assert whole == Cut(tiling, cut.ctas, cut.ctas)


def test_ctas_that_one_wave_has_no_room_for_have_halves_of_windows() -> None:
    def halved(images: int, density_w: float) -> int:
        plan = SparsePlan(ConvShape(images, 128, 28, 28, 128, 3, 3, padding=(1, 1, 1, 1)))
        cut = choose_cut(plan, Tiling(2, 1), density_w, halves=True)
        return cut.ctas - cut.whole

    # 106 CTAs for 80 SMs; 80; 158, of which halves would be a wave of their own.
    assert halved(8, 0.3) == 26
    assert halved(8, 0.25) == halved(6, 0.3) == halved(12, 0.3) == 0
    # Without zeros a whole window is multiplied as two halves in any case.
    assert halved(8, 1) == 26
    assert halved(6, 1) == 80


def test_large_layers_are_not_divided_and_small_ones_are() -> None:
    def chosen(images: int, channels: int, size: int) -> Tiling:
        plan = SparsePlan(ConvShape(images, channels, size, size, channels, 3, 3, padding=(1, 1, 1, 1)))
        return choose_tiling(plan, 0.25)

    assert chosen(16, 64, 56) == Tiling(2, 1)
    assert chosen(1, 512, 7).parts == WARPS


def test_windows_and_kernels() -> None:
    assert [Tiling(2, parts).windows for parts in (1, 2, 4)] == [4, 2, 1]
    assert Tiling(1, 2).kernel("spconv") == "spconv_32x32_parts"
    assert Tiling(2, 1).kernel("spconv_encoded") == "spconv_encoded_64x32"


def test_short_and_wide_kernels_run_where_values_fit() -> None:
    def cut(ctas: int, tiling: Tiling | None = None, halved: int = 0) -> Cut:
        return Cut(tiling or Tiling(2, 1), ctas, ctas - halved)

    assert program_for("spconv", cut(SHORT_CTAS + 1), SPARSE_ROWS, 1) == "spconv_short"
    assert program_for("spconv", cut(SHORT_CTAS // 2 + 1), SPARSE_ROWS, 2) == "spconv_short"
    assert program_for("spconv", cut(SHORT_CTAS + 1), SPARSE_ROWS + 1, 1) == "spconv"
    assert program_for("spconv", cut(SHORT_CTAS), SPARSE_ROWS, 1) == "spconv_wide"
    assert program_for("spconv", cut(SHORT_CTAS + 1, halved=1), SPARSE_ROWS, 1) == "spconv_wide"
    assert program_for("spconv_encoded", cut(SHORT_CTAS + 1, Tiling(2, 2)), SPARSE_ROWS, 1) == "spconv_encoded_wide"
    assert program_for("spconv_encoded", cut(SHORT_CTAS + 1, Tiling(1, 1)), 0, 1) == "spconv_encoded"


@pytest.mark.slow
@pytest.mark.parametrize("program", ["spconv", "spconv_encoded"])
def test_three_ctas_of_the_short_kernels_have_room_on_an_sm(program: str) -> None:
    gpu = load_gpu("v100-dstc")
    kernel = load_shipped(f"{program}_short.dasm", gpu).kernel(Tiling(2, 1).kernel(f"{program}_short"))
    assert occupancy(gpu, WARPS, kernel.registers, kernel.shared_bytes).ctas == 3


@pytest.mark.parametrize("tiling", [Tiling(0, 1), Tiling(3, 1), Tiling(1, 0), Tiling(1, 3), Tiling(2, 8)], ids=str)
def test_what_no_kernel_does(tiling: Tiling) -> None:
    with pytest.raises(ValueError, match="a tiling has"):
        check_tiling(tiling)
