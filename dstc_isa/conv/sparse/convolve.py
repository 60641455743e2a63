"""The launches of ``programs/spconv*.dasm``: activations that are encoded."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
from attrs import evolve

from dstc_isa.conv.problem import ConvProblem
from dstc_isa.conv.result import ConvResult
from dstc_isa.conv.result_range import check_range
from dstc_isa.conv.shape import ConvShape
from dstc_isa.conv.sparse.activations import (
    IS_SCALED,
    KEEPS_ZEROS,
    RECTIFIES,
    EncodedActivations,
    decode,
    elements_read,
    empty_encoding,
    reciprocal,
    regions,
    with_room,
)
from dstc_isa.conv.sparse.filter_planes import pack_planes
from dstc_isa.conv.sparse.filters import pack_filters
from dstc_isa.conv.sparse.sparse_plan import WINDOW, SparsePlan
from dstc_isa.conv.sparse.tiling import (
    WARPS,
    Cut,
    Tiling,
    check_tiling,
    choose_cut,
    choose_step_tiling,
    choose_tiling,
    program_for,
)
from dstc_isa.engine.launch import Argument
from dstc_isa.engine.run_options import DEFAULTS, RunOptions
from dstc_isa.errors import ShapeError
from dstc_isa.gpu import Gpu
from dstc_isa.host_memory import require
from dstc_isa.report.run_shipped import run_shipped
from dstc_isa.report.statistics import RunStatistics

SparseKernel = Literal["spconv", "spconv_ohmma"]
PAPER: SparseKernel = "spconv_ohmma"
"""The kernel of the paper's instructions."""

BLOCK = 32 * WARPS
HAS_BIAS = 1
ELEMENT_LIMIT = 1 << 32
AXES = "image", "filter", "row", "column"


def convolve(
    encoded: EncodedActivations,
    plan: SparsePlan,
    problem: ConvProblem,
    *,
    channels_last: bool = False,
    kernel: SparseKernel = "spconv",
    tiling: Tiling | None = None,
    gpu: Gpu | None = None,
    options: RunOptions = DEFAULTS,
) -> ConvResult:
    """Convolve activations that are encoded for a plan of the problem; otherwise as ``conv2d``.

    ``kernel``: "spconv_ohmma" is the program of the paper's instructions. If the problem has no activations,
    ``density_x`` of the result is that of the values encoded for the plan, explicit zeros included. A scale, an
    offset and ReLU behind them are left to what encodes the result.
    """
    if kernel == PAPER and tiling is None:
        tiling = choose_step_tiling(plan)
    cut = _cut(problem, plan, tiling, halves=kernel != PAPER)
    y = _result(plan.shape, channels_last)
    steps = (y.strides[0], y.strides[3], y.strides[1], y.strides[2]) if channels_last else y.strides
    to_result: dict[str, Argument] = {
        "out": y,
        **{f"{axis}_step": step // y.itemsize for axis, step in zip(AXES, steps, strict=True)},
    }
    rectifies = problem.relu and not problem.scaled
    run = _launch(kernel, problem, cut, encoded, plan, RECTIFIES if rectifies else 0, to_result, gpu, options)
    return _outcome(y.transpose(0, 3, 1, 2) if channels_last else y, problem, encoded, plan, run)


def convolve_encoded(
    encoded: EncodedActivations,
    plan: SparsePlan,
    problem: ConvProblem,
    following: SparsePlan,
    *,
    keep_zeros: bool = False,
    tiling: Tiling | None = None,
    gpu: Gpu | None = None,
    options: RunOptions = DEFAULTS,
) -> tuple[ConvResult, EncodedActivations]:
    """Convolve activations that are encoded for a plan, and encode the result for the plan ``following`` on the way.

    ``following``: of ``SparsePlan.followed_by``. The result with bias times the problem's scale plus its offset is
    rounded once; then ReLU; then FP16. ``keep_zeros``: zeros of the result count as values. ``y`` has the FP16 values.
    Otherwise as ``convolve``.

    Raises ResultRangeError for a finite result that FP16 makes infinite.
    """
    cut = _cut(problem, plan, tiling, halves=False)
    filters, stretch = plan.shape.filters, cut.tiling.windows
    result = empty_encoding(following, stretch)
    flags = (
        (RECTIFIES if problem.relu else 0) | (IS_SCALED if problem.scaled else 0) | (KEEPS_ZEROS if keep_zeros else 0)
    )
    to_result: dict[str, Argument] = {
        "out": result.values,
        "encoded": result.words,
        "scales": with_room(problem.scale, 1, filters),
        "offsets": with_room(problem.offset, 0, filters),
        "first_word": following.first_word(plan),
        "plane_words": following.words,
        "regions": regions(following, stretch),
        "region": WINDOW * (stretch + 1),
    }
    run = _launch("spconv_encoded", problem, cut, encoded, plan, flags, to_result, gpu, options)
    if np.isinf(result.values).any():
        alone = RunOptions(threads=options.threads, reference=options.reference, timeout=options.timeout)
        stored = convolve(evolve(encoded, launches=()), plan, problem, tiling=cut.tiling, options=alone)
        check_range(stored.y, problem.scale, problem.offset, problem.relu)
    y = decode(result, following).astype(np.float32)
    return _outcome(y, problem, encoded, plan, run), result


def _cut(problem: ConvProblem, plan: SparsePlan, tiling: Tiling | None, halves: bool) -> Cut:
    density = problem.density_w
    if tiling is None:
        tiling = choose_tiling(plan, density, halves)
    check_tiling(tiling)
    return choose_cut(plan, tiling, density, halves)


def _launch(
    program_name: str,
    problem: ConvProblem,
    cut: Cut,
    encoded: EncodedActivations,
    plan: SparsePlan,
    flags: int,
    to_result: Mapping[str, Argument],
    gpu: Gpu | None,
    options: RunOptions,
) -> RunStatistics:
    """Run the tiling's kernel of a program; ``to_result``: its arguments that say where results go."""
    shape, tiling = plan.launched, cut.tiling
    pack = pack_planes if program_name == PAPER else pack_filters
    packed = pack(problem.w, plan, tiling.filter_tiles)
    grid = (cut.launched, shape.groups)
    if program_name != PAPER:
        program_name = program_for(program_name, cut, packed.longest, shape.groups)
    area = plan.rows * plan.pitch
    arguments: dict[str, Argument] = {
        "words": encoded.words,
        "values": encoded.values,
        "runs": plan.run_table,
        "run_columns": plan.column_table,
        **{f"part_{number}": place for number, place in enumerate(_places(plan, tiling.parts))},
        "filter_tiles": packed.tiles,
        "filter_places": packed.places,
        "filter_values": packed.values,
        "bias": with_room(problem.bias, 0, shape.filters),
        "filters": shape.group_filters,
        "split_shift": tiling.parts.bit_length() - 1,
        "filter_blocks": packed.blocks,
        "per_filter_block": reciprocal(packed.blocks),
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
        "whole": cut.whole,
        "options": flags | (HAS_BIAS if problem.bias is not None else 0),
        **to_result,
    }
    return run_shipped(program_name, tiling.kernel(program_name), grid, BLOCK, arguments, gpu, options)


def _outcome(
    y: npt.NDArray[np.float32],
    problem: ConvProblem,
    encoded: EncodedActivations,
    plan: SparsePlan,
    run: RunStatistics,
) -> ConvResult:
    return ConvResult(
        y=y,
        shape=plan.shape,
        density_x=encoded.count / max(1, elements_read(plan)) if problem.x is None else problem.density_x,
        density_w=problem.density_w,
        launches=(*encoded.launches, run),
        underflowed_x=problem.underflowed_x,
        underflowed_w=problem.underflowed_w,
    )


def _places(plan: SparsePlan, parts: int) -> list[int]:
    """Where each part begins, and behind the last the end, as 64-bit parameters."""
    places = [run | tile << 32 for run, tile in plan.parts(parts).tolist()]
    return places + places[-1:] * (WARPS + 1 - len(places))


def _result(shape: ConvShape, channels_last: bool) -> npt.NDArray[np.float32]:
    images, filters, height, width = shape.output_shape
    if images * filters * height * width >= ELEMENT_LIMIT:
        raise ShapeError(f"the output {shape.output_shape} has more elements than the kernel counts; use fewer images")
    require(4 * images * filters * height * width, f"the output, {images}x{filters}x{height}x{width} floats")
    return np.zeros((images, height, width, filters) if channels_last else shape.output_shape, np.float32)
