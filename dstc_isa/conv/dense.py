"""Dense convolution on the inner-product tensor core, with ``programs/conv_dense.dasm``."""

from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.conv.implicit_gemm import (
    CHUNK,
    activations,
    chunks_of,
    order_of,
    padded_filters,
    pixel_table,
    tap_table,
    weights,
)
from dstc_isa.conv.result import ConvResult
from dstc_isa.conv.shape import ConvShape, Pair, ShapeError, shape_of
from dstc_isa.engine.launch import Argument
from dstc_isa.gpu import DEFAULT_GPU, Gpu, load_gpu
from dstc_isa.halves import halves, in_operand
from dstc_isa.object.load import load_shipped
from dstc_isa.report.statistics import statistics
from dstc_isa.timing.run import RunOptions, execute

BLOCK = 128
PROGRAM = "conv_dense.dasm"
PARTIAL_STEP = 3
"""Parts of k that the kernel adds up at once."""


@frozen
class Tile:
    """A kernel of ``conv_dense.dasm``: output pixels and filters of a CTA, and values of k in a slab."""

    kernel: str
    pixels: int
    filters: int
    slab: int


@frozen
class Plan:
    """How a convolution is cut into CTAs: ``tile``, and CTAs that share the k of one tile."""

    tile: Tile
    parts: int = 1


WIDE = Tile("conv_dense_128x128", 128, 128, 32)
NARROW = Tile("conv_dense_128x64", 128, 64, 32)
SMALL = Tile("conv_dense_64x64", 64, 64, 64)


def plan_of(shape: ConvShape, sms: int) -> Plan:
    return Plan(SMALL)


def conv_dense(
    x: npt.NDArray[Any],
    w: npt.NDArray[Any],
    *,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
    bias: npt.NDArray[Any] | None = None,
    relu: bool = False,
    gpu: Gpu | str | None = DEFAULT_GPU,
    plan: Plan | None = None,
    **options: Unpack[RunOptions],
) -> ConvResult:
    """Convolve ``x`` (images, channels, height, width) with ``w`` (filters, channels / groups, rows, columns).

    Both are rounded to FP16; products are added in FP32, in the order that the kernel's header says. ``stride``,
    ``padding`` and ``dilation``: see ``shape_of``. ``bias``: float32 of shape (filters,). ``gpu``: what to time it on;
    None runs without time. ``plan``: how to cut it, else ``plan_of`` chooses. ``options``: see ``RunOptions``.
    Raises ShapeError for shapes that do not fit, TypeError for what is not real, ValueRangeError for a value beyond
    FP16's range.
    """
    shape = shape_of(x, w, stride, padding, dilation, groups)
    machine = load_gpu(gpu) if isinstance(gpu, str) else gpu
    order = order_of(shape)
    with in_operand("x"):
        halves_x = _real_halves(x, ("image", "channel", "row", "column"))
    with in_operand("w"):
        halves_w = _real_halves(w, ("filter", "channel", "row", "column"))
    chosen = plan or plan_of(shape, (machine or load_gpu()).sm.count)
    tile = chosen.tile
    pixels = shape.images * shape.out_height * shape.out_width
    filters = padded_filters(shape)
    slabs = -(-len(order.chunk) * CHUNK // tile.slab)
    row_tiles, column_tiles = -(-pixels // tile.pixels), -(-filters // tile.filters)
    y = np.zeros((shape.groups, pixels, filters), np.float32)
    arguments: dict[str, Argument] = {
        "x": activations(halves_x, shape),
        "b": weights(halves_w, shape, order, slabs * tile.slab),
        "out": y,
        "pixels": pixel_table(shape, row_tiles * tile.pixels),
        "taps": tap_table(shape, order, (slabs + 1) * tile.slab // CHUNK),
        "bias": _padded_bias(bias, shape, column_tiles * tile.filters),
        "m": pixels,
        "n": filters,
        "depth": slabs,
        "group_chunks": chunks_of(shape),
        "floor": 0 if relu else -(2**31),
    }
    name = tile.kernel
    part_slabs = -(-slabs // chosen.parts)
    parts = -(-slabs // part_slabs)
    if parts > 1:
        name += "_parts"
        arguments |= _parts(parts, part_slabs, shape.groups * row_tiles * column_tiles, tile)
    program = load_shipped(PROGRAM, machine)
    kernel = program.kernel(name)
    grid = (column_tiles, row_tiles, shape.groups * parts)
    execution, timing = execute(program, kernel, grid, (BLOCK,), arguments, machine, **options)
    by_pixel = y[:, :, : shape.group_filters].reshape(
        shape.groups, shape.images, shape.out_height, shape.out_width, shape.group_filters
    )
    return ConvResult(
        np.ascontiguousarray(by_pixel.transpose(1, 0, 4, 2, 3)).reshape(shape.output_shape),
        shape,
        np.count_nonzero(halves_x) / halves_x.size,
        np.count_nonzero(halves_w) / halves_w.size,
        (statistics(kernel, execution, timing),),
    )


def _real_halves(values: npt.NDArray[Any], axes: tuple[str, ...]) -> npt.NDArray[np.float16]:
    if values.dtype.kind not in "fiub":
        raise TypeError(f"expected real numbers, not {values.dtype}")
    return halves(values, axes)


def _padded_bias(bias: npt.NDArray[Any] | None, shape: ConvShape, columns: int) -> npt.NDArray[np.float32]:
    """The bias of each padded filter of each group, and zeros that the last tile reads, up to ``columns``."""
    filters = padded_filters(shape)
    result = np.zeros(shape.groups * filters + columns, np.float32)
    if bias is not None:
        if bias.shape != (shape.filters,):
            raise ShapeError(f"bias has one number for each of {shape.filters} filters, not the shape {bias.shape}")
        by_group = result[: shape.groups * filters].reshape(shape.groups, filters)
        by_group[:, : shape.group_filters] = bias.astype(np.float32).reshape(shape.groups, -1)
    return result


def _parts(parts: int, part_slabs: int, tiles: int, tile: Tile) -> dict[str, Argument]:
    """What the kernel needs to divide k: buffers for sums and arrivals, and the size of a part."""
    kept = -(-parts // PARTIAL_STEP) * PARTIAL_STEP
    return {
        "partial": np.zeros((tiles, kept, tile.pixels * tile.filters), np.float32),
        "arrivals": np.zeros((tiles, BLOCK // 32), np.uint32),
        "parts": parts,
        "parts_kept": kept,
        "parts_inverse": -(-(2**32) // parts),
        "part_slabs": part_slabs,
    }
