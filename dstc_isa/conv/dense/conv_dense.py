"""Dense convolution on the inner-product tensor core, with ``programs/conv_dense.dasm``."""

from typing import Unpack

import numpy as np
import numpy.typing as npt
from attrs import evolve

from dstc_isa.conv.dense.dense_plan import (
    DensePlan,
    Tile,
    check_grid,
    part_slabs_of,
    plan_of,
    slabs_of,
    tiles_of,
)
from dstc_isa.conv.dense.implicit_gemm import (
    CHUNK,
    Halves,
    activations,
    chunks_of,
    order_of,
    padded_filters,
    pixel_table,
    tap_table,
    weights,
)
from dstc_isa.conv.dense.large_kernel import with_stored_padding
from dstc_isa.conv.operands import merge_groups
from dstc_isa.conv.problem import ConvProblem
from dstc_isa.conv.result import ConvResult
from dstc_isa.conv.shape import ConvShape, Pair
from dstc_isa.engine.launch import Argument
from dstc_isa.engine.run_options import DEFAULTS, RunKeywords, RunOptions
from dstc_isa.gpu import DEFAULT_GPU, Gpu, chosen_gpu
from dstc_isa.host_memory import require
from dstc_isa.isa.lanes import LANES
from dstc_isa.options import named_options
from dstc_isa.report.run_shipped import run_shipped

BLOCK = 128
PROGRAM = "conv_dense"


@named_options
def conv_dense(
    x: npt.ArrayLike,
    w: npt.ArrayLike,
    *,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
    bias: npt.ArrayLike | None = None,
    relu: bool = False,
    gpu: Gpu | str | None = DEFAULT_GPU,
    plan: DensePlan | None = None,
    **options: Unpack[RunKeywords],
) -> ConvResult:
    """Convolve ``x`` (images, channels, height, width) with ``w`` (filters, channels / groups, rows, columns).

    Both are rounded to FP16; products are added in FP32, in the order that the kernel's header says. ``stride``,
    ``padding`` and ``dilation``: see ``shape_of``. ``bias``: float32 of shape (filters,). ``gpu``: what to time it on;
    None runs without time. ``plan``: how to cut it, else ``plan_of`` chooses. ``options``: see ``RunOptions``.
    Raises ShapeError for shapes that do not fit, ArgumentTypeError for what is not real, ValueRangeError for a value
    beyond FP16's range.
    """
    problem = ConvProblem.of(
        x, w, stride=stride, padding=padding, dilation=dilation, groups=groups, bias=bias, relu=relu
    )
    return convolve_densely(problem, gpu=chosen_gpu(gpu), plan=plan, options=RunOptions(**options))


def convolve_densely(
    problem: ConvProblem, *, gpu: Gpu | None, plan: DensePlan | None = None, options: RunOptions = DEFAULTS
) -> ConvResult:
    """Convolve as ``conv_dense`` what is checked already."""
    stored_x, stored_w, stored = with_stored_padding(problem.activations, problem.w, problem.shape)
    if plan is None:
        # Zeros between groups that are merged must not meet an infinity or a NaN.
        plan = plan_of(stored, merge=bool(np.isfinite(problem.activations).all()))
    launched = stored.merged(plan.merged)
    outputs = launched.groups * launched.pixels * padded_filters(launched)
    require(4 * outputs, f"the output, {launched.pixels} pixels of {launched.filters} filters, and its padding")
    y = np.zeros((launched.groups, launched.pixels, padded_filters(launched)), np.float32)
    parts = -(-slabs_of(launched, plan.tile) // part_slabs_of(launched, plan))
    row_tiles, column_tiles = tiles_of(launched, plan.tile)
    check_grid(row_tiles, launched.groups * parts)
    arguments = {
        "x": activations(stored_x, launched),
        "out": y,
        "bias": _padded_bias(problem.bias, launched, column_tiles * plan.tile.filters),
        "floor": 0 if problem.relu else -(2**31),
        **_product(merge_groups(stored_w, stored, plan.merged), launched, plan.tile),
    }
    if parts > 1:
        arguments |= _parts(parts, launched, plan)
        # Which part's CTA comes last adds up all of them, in their order: whichever it is, the sum is the same.
        options = evolve(options, any_order=True)
    kernel = plan.tile.kernel + ("_parts" if parts > 1 else "")
    grid = (column_tiles, row_tiles, launched.groups * parts)
    run = run_shipped(PROGRAM, kernel, grid, BLOCK, arguments, gpu, options)
    return ConvResult(
        _by_filter(y, launched),
        problem.shape,
        problem.density_x,
        problem.density_w,
        (run,),
        problem.underflowed_x,
        problem.underflowed_w,
    )


def _product(w: Halves, shape: ConvShape, tile: Tile) -> dict[str, Argument]:
    """The weights, the tables by which the kernel gathers, and its sizes."""
    order, slabs = order_of(shape), slabs_of(shape, tile)
    return {
        "b": weights(w, shape, order, slabs * tile.slab),
        "pixels": pixel_table(shape, tiles_of(shape, tile)[0] * tile.pixels),
        # A slab's entries are fetched a slab ahead, behind the last one too.
        "taps": tap_table(shape, order, (slabs + 1) * tile.slab // CHUNK),
        "m": shape.pixels,
        "n": padded_filters(shape),
        "depth": slabs,
        "group_chunks": chunks_of(shape),
    }


def _parts(parts: int, shape: ConvShape, plan: DensePlan) -> dict[str, Argument]:
    """What the kernel needs to divide k: the size of a part, and buffers for sums and arrivals."""
    row_tiles, column_tiles = tiles_of(shape, plan.tile)
    tiles = shape.groups * row_tiles * column_tiles
    sums = plan.tile.pixels * plan.tile.filters
    require(4 * tiles * parts * sums, f"sums of {parts} parts of {tiles} tiles")
    return {
        "partial": np.zeros((tiles, parts, sums), np.float32),
        "arrivals": np.zeros((tiles, BLOCK // LANES), np.uint32),
        "parts": parts,
        "parts_inverse": -(-(2**32) // parts),
        "part_slabs": part_slabs_of(shape, plan),
    }


def _padded_bias(bias: npt.NDArray[np.float32] | None, shape: ConvShape, columns: int) -> npt.NDArray[np.float32]:
    """The bias of each padded filter of each group, and zeros for the ``columns`` that the last tile may read."""
    filters = padded_filters(shape)
    result = np.zeros(shape.groups * filters + columns, np.float32)
    if bias is not None:
        by_group = result[: shape.groups * filters].reshape(shape.groups, filters)
        by_group[:, : shape.group_filters] = bias.reshape(shape.groups, -1)
    return result


def _by_filter(y: npt.NDArray[np.float32], shape: ConvShape) -> npt.NDArray[np.float32]:
    """The kernel's result (groups, pixels, padded filters) as images, filters, height, width."""
    by_pixel = y[:, :, : shape.group_filters].reshape(
        shape.groups, shape.images, shape.out_height, shape.out_width, shape.group_filters
    )
    return np.ascontiguousarray(by_pixel.transpose(1, 0, 4, 2, 3)).reshape(shape.output_shape)
