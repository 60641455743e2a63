"""Activations as the sparse kernel reads them, encoded on the host or on the device."""

from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.conv.plan import BLOCK, WINDOW, Plan
from dstc_isa.engine.launch import Argument
from dstc_isa.gpu import Gpu
from dstc_isa.object.load import load_shipped
from dstc_isa.report.statistics import RunStatistics, statistics
from dstc_isa.timing.run import RunOptions, execute

BEHIND = 64
"""Values that the kernel may read behind the last one."""

CHUNK_WORDS = 32
CTA_CHANNELS = (4, 2, 1)
"""Of a CTA: they share the work of finding their elements. The first that leaves CTAs enough is taken."""

ENOUGH_CTAS = 400
ENCODE_BLOCK, SCAN_BLOCK = 128, 1024
IS_WIDE, IS_SCALED, IS_RECTIFIED, KEEPS_ZEROS = 1, 2, 4, 8


@frozen(eq=False)
class EncodedActivations:
    """Activations of a plan's shape as bit strings and condensed values; docs/sparse-convolution.md has the layout.

    ``words``: uint32 (blocks of 32 channels, phases, words, 32, 2): 32 bits, and the number of values before them.
    ``values``: float16, plane after plane; what is behind the last one is unspecified. ``launches``: what encoded them,
    if the device did.
    """

    words: npt.NDArray[np.uint32]
    values: npt.NDArray[np.float16]
    launches: tuple[RunStatistics, ...] = ()

    @property
    def count(self) -> int:
        """Values that are stored."""
        return int(np.bitwise_count(self.words[..., 0]).sum(dtype=np.int64))


def _room(plan: Plan) -> int:
    shape = plan.shape
    return shape.images * shape.channels * shape.height * shape.width + BEHIND


def _empty_words(plan: Plan) -> npt.NDArray[np.uint32]:
    return np.zeros((plan.blocks, len(plan.phases), plan.words, BLOCK, 2), np.uint32)


def encode_on_host(x: npt.NDArray[np.float16], plan: Plan, keep_zeros: bool = False) -> EncodedActivations:
    """Encode float16 activations (images, channels, height, width) with NumPy."""
    shape = plan.shape
    image = np.zeros((shape.channels, len(plan.phases), shape.images, plan.rows, plan.pitch), np.float16)
    real = np.zeros(image.shape[1:], bool)
    for number, (phase_y, phase_x) in enumerate(plan.phases):
        from_y, to_y = _real(phase_y, shape.stride[0], shape.padding[0], shape.height)
        from_x, to_x = _real(phase_x, shape.stride[1], shape.padding[2], shape.width)
        image[:, number, :, to_y, to_x] = x[:, :, from_y, from_x].transpose(1, 0, 2, 3)
        real[number, :, to_y, to_x] = True
    planes = np.zeros((shape.channels, len(plan.phases), plan.words * WINDOW), np.float16)
    planes[:, :, : plan.positions] = image.reshape(*planes.shape[:2], -1)
    inside = np.zeros(planes.shape[1:], bool)
    inside[:, : plan.positions] = real.reshape(len(inside), -1)
    present = (planes != 0) | (inside if keep_zeros else False)
    bits = np.packbits(present, axis=2, bitorder="little").view("<u4")
    counts = np.bitwise_count(bits).astype(np.int64)
    starts = np.cumsum(counts).reshape(counts.shape) - counts
    words = _empty_words(plan)
    for channel in range(shape.channels):
        words[channel // BLOCK, :, :, channel % BLOCK, 0] = bits[channel]
        words[channel // BLOCK, :, :, channel % BLOCK, 1] = starts[channel]
    values = np.zeros(_room(plan), np.float16)
    values[: counts.sum()] = planes[present]
    return EncodedActivations(words, values)


def _real(phase: int, stride: int, before: int, size: int) -> tuple[slice, slice]:
    """Of one axis, the elements that a phase has, and where they stand in it."""
    first = max(0, -(-(before - phase) // stride))
    start = first * stride + phase - before
    count = max(0, -(-(size - start) // stride))
    return slice(start, size, stride), slice(first, first + count)


def elements_read(plan: Plan) -> int:
    """Activations that the plan's phases hold: all, unless the stride leaves some out."""
    shape = plan.shape
    per_channel = sum(
        len(range(*_real(phase_y, shape.stride[0], shape.padding[0], shape.height)[0].indices(shape.height)))
        * len(range(*_real(phase_x, shape.stride[1], shape.padding[2], shape.width)[0].indices(shape.width)))
        for phase_y, phase_x in plan.phases
    )
    return shape.images * shape.channels * per_channel


def encode_on_device(
    x: npt.NDArray[Any],
    plan: Plan,
    gpu: Gpu | None,
    *,
    scale: npt.NDArray[np.float32] | None = None,
    offset: npt.NDArray[np.float32] | None = None,
    relu: bool = False,
    keep_zeros: bool = False,
    **options: Unpack[RunOptions],
) -> EncodedActivations:
    """Encode float16 or float32 activations (images, channels, height, width), in memory in this order or with channels
    last, with ``programs/encode.dasm``.

    ``scale``, ``offset``: of each channel, applied in FP32 with one rounding; then ``relu``; then values are rounded to
    FP16. ``keep_zeros``: zeros count as values, for a product that skips those of the filters alone.
    """
    shape = plan.shape
    words, values = _empty_words(plan), np.zeros(_room(plan), np.float16)
    chunks, area = -(-plan.words // CHUNK_WORDS), plan.rows * plan.pitch
    cta_channels = next(n for n in CTA_CHANNELS if n == 1 or chunks * plan.planes >= n * ENOUGH_CTAS)
    totals = np.zeros(chunks * plan.planes + 1, np.uint32)
    one = np.ones(shape.channels, np.float32)
    scaled = scale is not None or offset is not None
    flags = (
        (IS_WIDE if x.dtype == np.float32 else 0)
        | (IS_SCALED if scaled else 0)
        | (IS_RECTIFIED if relu else 0)
        | (KEEPS_ZEROS if keep_zeros else 0)
    )
    memory = x.transpose(0, 2, 3, 1)
    if not memory.flags.c_contiguous:
        memory = x = np.ascontiguousarray(x)
    steps = [stride // x.itemsize for stride in x.strides]
    arguments: dict[str, Argument] = {
        "x": memory,
        "scales": one if scale is None else np.ascontiguousarray(scale, np.float32),
        "offsets": 0 * one if offset is None else np.ascontiguousarray(offset, np.float32),
        "phase_places": np.array(plan.phases, np.uint32),
        "totals": totals,
        "encoded": words,
        "values": values,
        "options": flags,
        "plane_words": plan.words,
        "phases": len(plan.phases),
        "per_phase": reciprocal(len(plan.phases)),
        "channels": shape.channels,
        "cta_channels": cta_channels,
        "images": shape.images,
        "height": shape.height,
        "width": shape.width,
        "stride_y": shape.stride[0],
        "stride_x": shape.stride[1],
        "above": shape.padding[0],
        "before": shape.padding[2],
        "pitch": plan.pitch,
        "per_pitch": reciprocal(plan.pitch),
        "rows": plan.rows,
        "area": area,
        "per_area": reciprocal(area),
        "images_of_word": WINDOW // area,
        "rows_of_word": WINDOW % area // plan.pitch,
        "columns_of_word": WINDOW % area % plan.pitch,
        "image_step": steps[0],
        "channel_step": steps[1],
        "row_step": steps[2],
        "column_step": steps[3],
    }
    program = load_shipped("encode.dasm", gpu)
    rows = -(-shape.channels // cta_channels) * len(plan.phases)
    of_scan: dict[str, Argument] = {"totals": totals, "chunks": len(totals) - 1}
    launches = []
    for name, grid, block, given in (
        ("encode_count", (chunks, rows), ENCODE_BLOCK, arguments),
        ("encode_scan", (1, 1), SCAN_BLOCK, of_scan),
        ("encode_values", (chunks, rows), ENCODE_BLOCK, arguments),
    ):
        kernel = program.kernel(name)
        launches.append(statistics(kernel, *execute(program, kernel, grid, (block,), given, gpu, **options)))
    return EncodedActivations(words, values, tuple(launches))


def reciprocal(divisor: int) -> int:
    """What the kernels multiply by to divide."""
    return (2**32 - 1) // divisor
