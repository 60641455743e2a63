"""A convolution of sparse activations with sparse filters on the emulated machine."""

from collections.abc import Mapping
from typing import Any, Literal, Unpack, get_args

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.conv.activations import (
    EncodedActivations,
    decode,
    elements_read,
    empty_encoding,
    encode_on_device,
    reciprocal,
    regions,
)
from dstc_isa.conv.dense import conv_dense
from dstc_isa.conv.filters import pack_filters
from dstc_isa.conv.operands import half_activations, half_filters, of_filters
from dstc_isa.conv.plan import WINDOW, Plan
from dstc_isa.conv.result import ConvResult
from dstc_isa.conv.shape import PLANNED_SMS, ConvShape, Pair, ShapeError, shape_of
from dstc_isa.engine.launch import Argument
from dstc_isa.gpu import DEFAULT_GPU, Gpu, load_gpu
from dstc_isa.object.load import load_shipped
from dstc_isa.program_files import CONV_KERNELS
from dstc_isa.report.statistics import RunStatistics, statistics
from dstc_isa.timing.run import RunOptions, execute

WARPS = 4
BLOCK = 32 * WARPS
FILTER_WARPS = 1
"""Warps of a CTA along the filters, at most: as many along the positions as are left share the filters in L1."""

HAS_BIAS, RECTIFIES, IS_SCALED, KEEPS_ZEROS = 1, 2, 4, 8
BIAS_PADDING = 64
"""Numbers that a warp may read behind the last one."""

ELEMENT_LIMIT = 1 << 32

_AXES = "image", "filter", "row", "column"

ConvKernel = Literal["spconv", "conv_dense"]
Skip = Literal["both", "weights"]


@frozen
class Tiling:
    """How a launch cuts a convolution: tiles of 32 filters of a warp, and parts of the sum."""

    filter_tiles: int
    parts: int

    @property
    def kernel(self) -> str:
        """The kernel's name."""
        return f"spconv_{WINDOW * self.filter_tiles}x{WINDOW}"


FIXED_CYCLES, TILE_CYCLES = 5000, {1: 220, 2: 300}
"""Of a CTA: start, end and stores; and a k-tile with so many tiles of filters.

Fitted to 3x3 layers at densities 0.5 and 0.25 and without zeros: for each, the chosen tiling was the fastest or at
most a tenth slower.
"""


def choose_tiling(plan: Plan) -> Tiling:
    """The tiling that takes the fewest cycles by a rough estimate from the shape alone."""
    shape, tiles = plan.shape, len(plan.order)

    def estimate(tiling: Tiling) -> float:
        along = -(-shape.group_filters // (WINDOW * tiling.filter_tiles))
        rows, pitch = plan.needed
        windows = -(-shape.images * rows * pitch // WINDOW)
        warps = shape.groups * along * windows * tiling.parts
        of_cta = FIXED_CYCLES + tiles / tiling.parts * TILE_CYCLES[tiling.filter_tiles]
        return max(1.0, warps / WARPS / PLANNED_SMS) * of_cta

    return min((Tiling(filters, parts) for filters in (2, 1) for parts in (1, 2, 4)), key=estimate)


def conv2d(
    x: npt.NDArray[Any],
    w: npt.NDArray[Any],
    *,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
    bias: npt.NDArray[Any] | None = None,
    relu: bool = False,
    kernel: ConvKernel = "spconv",
    skip: Skip = "both",
    channels_last: bool = False,
    tiling: Tiling | None = None,
    gpu: Gpu | str | None = DEFAULT_GPU,
    **options: Unpack[RunOptions],
) -> ConvResult:
    """Convolve activations (images, channels, height, width) with filters (filters, channels / groups, rows, columns).

    ``stride``, ``padding``, ``dilation``: see ``shape_of``. Values are rounded to FP16; products are added in FP32, one
    rounding each, in the order of ``Plan.order``. Then ``bias``, float32 of a number for each filter, is added, and
    ``relu`` makes negative results 0. ``kernel``: "conv_dense" multiplies every zero, in an order of its own. Of the
    other one: ``skip``: zeros of "both" or of the "weights" alone; ``channels_last``: the device writes the result in
    this order, and ``y`` is a view of it; ``tiling``: chosen by size if None. ``gpu``: what to time it on; None runs
    without time.

    Raises ShapeError for a convolution that does not exist, TypeError for what is not real, ValueError for a value
    beyond FP16's range and for an option that does not exist.
    """
    x, w = np.asarray(x), np.asarray(w)
    _check_choice("kernel", kernel, CONV_KERNELS)
    check_skip(skip)
    if kernel == "conv_dense":
        if skip != "both" or channels_last or tiling is not None:
            raise ValueError("skip, channels_last and tiling go with the kernel spconv, not with conv_dense")
        return conv_dense(
            x,
            w,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=bias,
            relu=relu,
            gpu=gpu,
            **options,
        )
    shape = shape_of(x, w, stride, padding, dilation, groups)
    machine = load_gpu(gpu) if isinstance(gpu, str) else gpu
    plan = Plan(shape)
    halves_x, halves_w = half_activations(x), half_filters(w)
    checked_bias = of_filters(bias, "bias", shape)
    encoded = encode_on_device(halves_x, plan, machine, keep_zeros=skip == "weights", **options)
    return convolve(
        encoded,
        plan,
        halves_w,
        bias=checked_bias,
        relu=relu,
        channels_last=channels_last,
        tiling=tiling,
        gpu=machine,
        density_x=float(np.count_nonzero(halves_x) / x.size),
        **options,
    )


def convolve(
    encoded: EncodedActivations,
    plan: Plan,
    w: npt.NDArray[Any],
    *,
    bias: npt.NDArray[Any] | None = None,
    relu: bool = False,
    channels_last: bool = False,
    tiling: Tiling | None = None,
    gpu: Gpu | None = None,
    density_x: float | None = None,
    **options: Unpack[RunOptions],
) -> ConvResult:
    """Convolve activations that are encoded for a plan; otherwise as ``conv2d``.

    ``density_x``: for the result; if None, that of the values encoded for the plan, explicit zeros included.
    """
    shape = plan.shape
    y = _result(shape, channels_last)
    steps = (y.strides[0], y.strides[3], y.strides[1], y.strides[2]) if channels_last else y.strides
    flags = RECTIFIES if relu else 0
    to_result: dict[str, Argument] = {
        "out": y,
        **{f"{axis}_step": step // y.itemsize for axis, step in zip(_AXES, steps, strict=True)},
    }
    run, density_w = _launch("spconv.dasm", "", encoded, plan, w, bias, flags, tiling, to_result, gpu, **options)
    return ConvResult(
        y=y.transpose(0, 3, 1, 2) if channels_last else y,
        shape=shape,
        density_x=encoded.count / max(1, elements_read(plan)) if density_x is None else density_x,
        density_w=density_w,
        launches=(*encoded.launches, run),
    )


def convolve_encoded(
    encoded: EncodedActivations,
    plan: Plan,
    w: npt.NDArray[Any],
    following: Plan,
    *,
    bias: npt.NDArray[Any] | None = None,
    scale: npt.NDArray[Any] | None = None,
    offset: npt.NDArray[Any] | None = None,
    relu: bool = False,
    keep_zeros: bool = False,
    tiling: Tiling | None = None,
    gpu: Gpu | None = None,
    density_x: float | None = None,
    **options: Unpack[RunOptions],
) -> tuple[ConvResult, EncodedActivations]:
    """Convolve activations that are encoded for a plan, and encode the result for the plan ``following`` on the way.

    ``following``: of ``Plan.followed_by``. ``scale``, ``offset``: of each filter, the result with bias times scale plus
    offset, one rounding; then ReLU; then FP16. ``keep_zeros``: zeros of the result count as values. ``y`` has the
    FP16 values. Otherwise as ``convolve``.
    """
    shape = plan.shape
    tiling = _checked(tiling) or choose_tiling(plan)
    stretch = _across(plan, tiling)[1]
    result = empty_encoding(following, stretch)
    factors, summands = (of_filters(n, name, shape) for n, name in ((scale, "scale"), (offset, "offset")))
    flags = (
        (RECTIFIES if relu else 0)
        | (IS_SCALED if scale is not None or offset is not None else 0)
        | (KEEPS_ZEROS if keep_zeros else 0)
    )
    to_result: dict[str, Argument] = {
        "out": result.values,
        "encoded": result.words,
        "scales": _padded(np.ones(shape.filters, np.float32) if factors is None else factors),
        "offsets": _padded(np.zeros(shape.filters, np.float32) if summands is None else summands),
        "first_word": following.first_word(plan),
        "plane_words": following.words,
        "regions": regions(following, stretch),
        "region": WINDOW * (stretch + 1),
    }
    file = "spconv_encoded.dasm"
    run, density_w = _launch(file, "_encoded", encoded, plan, w, bias, flags, tiling, to_result, gpu, **options)
    return ConvResult(
        y=decode(result, following).astype(np.float32),
        shape=shape,
        density_x=encoded.count / max(1, elements_read(plan)) if density_x is None else density_x,
        density_w=density_w,
        launches=(*encoded.launches, run),
    ), result


def _launch(
    file: str,
    suffix: str,
    encoded: EncodedActivations,
    plan: Plan,
    w: npt.NDArray[Any],
    bias: npt.NDArray[Any] | None,
    flags: int,
    tiling: Tiling | None,
    to_result: Mapping[str, Argument],
    gpu: Gpu | None,
    **options: Unpack[RunOptions],
) -> tuple[RunStatistics, float]:
    """Run a kernel; the density of the filters comes with what it did."""
    shape = plan.shape
    halves = half_filters(w)
    added = of_filters(bias, "bias", shape)
    tiling = _checked(tiling) or choose_tiling(plan)
    packed = pack_filters(halves, plan, tiling.filter_tiles)
    filter_warps, across = _across(plan, tiling)
    filter_ctas = -(-packed.blocks // filter_warps)
    program = load_shipped(file, gpu)
    kernel = program.kernel(tiling.kernel + suffix)
    area = plan.rows * plan.pitch
    arguments: dict[str, Argument] = {
        "words": encoded.words,
        "values": encoded.values,
        "runs": plan.run_table,
        "run_columns": plan.column_table,
        **{f"part_{number}": place for number, place in enumerate(_places(plan, tiling.parts))},
        "filter_tiles": packed.tiles,
        "filter_values": packed.values,
        "bias": _padded(np.zeros(0, np.float32) if added is None else added),
        "filters": shape.group_filters,
        "filter_ctas": filter_ctas,
        "per_filter_cta": reciprocal(filter_ctas),
        "filter_shift": filter_warps.bit_length() - 1,
        "split_shift": tiling.parts.bit_length() - 1,
        "filter_blocks": packed.blocks,
        "group_runs": len(plan.runs),
        "tiles": len(plan.order),
        "offset": plan.offset,
        "positions": plan.positions,
        "tiled": plan.positions + plan.offset,
        "pitch": plan.pitch,
        "per_pitch": reciprocal(plan.pitch),
        "area": area,
        "per_area": reciprocal(area),
        "out_height": shape.out_height,
        "out_width": shape.out_width,
        "options": flags | (HAS_BIAS if added is not None else 0),
        **to_result,
    }
    grid = (filter_ctas * -(-plan.tiles // across), shape.groups)
    execution, timing = execute(program, kernel, grid, (BLOCK,), arguments, gpu, **options)
    return statistics(kernel, execution, timing), float(np.count_nonzero(halves) / halves.size)


def _across(plan: Plan, tiling: Tiling) -> tuple[int, int]:
    """Warps of a CTA along the filters, and along the positions."""
    blocks = -(-plan.shape.group_filters // (WINDOW * tiling.filter_tiles))
    per_cta = WARPS // tiling.parts
    filter_warps = min(FILTER_WARPS, per_cta, 1 << (blocks - 1).bit_length())
    return filter_warps, per_cta // filter_warps


def _padded(numbers: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.pad(numbers, (0, BIAS_PADDING))


def _places(plan: Plan, parts: int) -> list[int]:
    """Where each part begins, and behind the last the end, as 64-bit parameters."""
    places = [run | tile << 32 for run, tile in plan.parts(parts).tolist()]
    return places + places[-1:] * (WARPS + 1 - len(places))


def _result(shape: ConvShape, channels_last: bool) -> npt.NDArray[np.float32]:
    images, filters, height, width = shape.output_shape
    if images * filters * height * width >= ELEMENT_LIMIT:
        raise ShapeError(f"the output {shape.output_shape} has more elements than the kernel counts; use fewer images")
    return np.zeros((images, height, width, filters) if channels_last else shape.output_shape, np.float32)


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} is {' or '.join(choices)}, not {value!r}")


def _checked(tiling: Tiling | None) -> Tiling | None:
    if tiling is None:
        return None
    if not isinstance(tiling, Tiling):
        raise TypeError(f"tiling is a Tiling, not {type(tiling).__name__}")
    if tiling.filter_tiles not in (1, 2):
        raise ValueError(f"a tiling has 1 or 2 filter tiles, not {tiling.filter_tiles}")
    if not 1 <= tiling.parts <= WARPS or tiling.parts.bit_count() != 1:
        raise ValueError(f"a tiling has a power of two of parts, at most {WARPS}, not {tiling.parts}")
    return tiling


def check_skip(skip: object) -> None:
    """Raise ValueError for what is not one of ``Skip``."""
    _check_choice("skip", skip, get_args(Skip))
