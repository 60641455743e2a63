"""Activations as the sparse kernel reads them, encoded on the host or on the device."""

from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import evolve, frozen

from dstc_isa.conv.sparse.sparse_plan import BLOCK, STRETCH, WINDOW, SparsePlan
from dstc_isa.engine.launch import Argument
from dstc_isa.engine.run_options import DEFAULTS, RunOptions
from dstc_isa.errors import ShapeError
from dstc_isa.gpu import Gpu
from dstc_isa.host_memory import require
from dstc_isa.report.run_shipped import run_shipped
from dstc_isa.report.statistics import RunStatistics

BEHIND = 64
"""Values that the kernel may read behind the last one."""

BYTES_A_WORD = 8
"""Bytes of a word of an encoded plane: 32 bits of which places have values, and where those begin."""

WARPS, CHANNELS = 4, 8
"""Warps of a CTA of the encoding kernel, side by side along a plane; channels of a warp, one after the other."""

NUMBERS_BEHIND = 64
"""Numbers of channels or filters that a warp may read behind the last one's."""

ENCODE_BLOCK = 32 * WARPS
IS_WIDE, RECTIFIES, IS_SCALED, KEEPS_ZEROS = 1, 2, 4, 8
PLACE_LIMIT = 1 << 32


@frozen(eq=False)
class EncodedActivations:
    """Activations of a plan's shape as bit strings and condensed values; docs/sparse-convolution.md has the layout.

    ``words``: uint32 (blocks of 32 channels, phases, words, 32, 2): 32 bits, and the number of the first value; behind
    a word's values are those of the next word of its plane. ``values``: float16; what no word has is unspecified.
    ``launches``: what encoded them, if the device did.
    """

    words: npt.NDArray[np.uint32]
    values: npt.NDArray[np.float16]
    launches: tuple[RunStatistics, ...] = ()

    @property
    def count(self) -> int:
        """Values that are stored, each once."""
        return int(np.bitwise_count(self.words[..., 0]).sum(dtype=np.int64))


def empty_encoding(plan: SparsePlan, stretch: int) -> EncodedActivations:
    """Room for activations of which the device encodes ``stretch`` words together; ShapeError if there is none.

    A stretch's values have a region: 32 places for those of the word before it, and 32 for each of its own words.
    """
    places = plan.planes * regions(plan, stretch) * WINDOW * (stretch + 1)
    if places > PLACE_LIMIT:
        raise ShapeError(
            f"{plan.planes} planes of {plan.words} words are {places} places for values, more than the {PLACE_LIMIT} "
            "that the sparse kernel counts: use fewer images or channels"
        )
    return EncodedActivations(_empty_words(plan), np.zeros(places + BEHIND, np.float16))


def regions(plan: SparsePlan, stretch: int) -> int:
    """Regions of a plane: one for each stretch, and one whose first places take the last stretch's last word again."""
    return -(-plan.words // stretch) + 1


def _empty_words(plan: SparsePlan) -> npt.NDArray[np.uint32]:
    return np.zeros((plan.blocks, len(plan.phases), plan.words, BLOCK, 2), np.uint32)


def encode_on_host(x: npt.NDArray[np.float16], plan: SparsePlan, keep_zeros: bool = False) -> EncodedActivations:
    """Encode float16 activations (images, channels, height, width) with NumPy."""
    shape = plan.shape
    places = plan.planes * plan.words * WINDOW
    require(4 * places + BYTES_A_WORD * plan.planes * plan.words, f"activations of {plan.planes} planes, encoded")
    image = np.zeros((shape.channels, len(plan.phases), shape.images, plan.rows, plan.pitch), np.float16)
    real = np.zeros(image.shape[1:], bool)
    for number, (phase_y, phase_x) in enumerate(plan.phases):
        from_y, to_y = _real(phase_y, shape.stride[0], shape.padding[0], shape.height)
        from_x, to_x = _real(phase_x, shape.stride[1], shape.padding[2], shape.width)
        image[:, number, :, to_y, to_x] = x[:, :, from_y, from_x].transpose(1, 0, 2, 3)
        real[number, :, to_y, to_x] = True
    planes = np.zeros((shape.channels, len(plan.phases), plan.words * WINDOW), np.float16)
    held = slice(plan.origin, plan.origin + plan.positions)
    planes[:, :, held] = image.reshape(*planes.shape[:2], -1)
    inside = np.zeros(planes.shape[1:], bool)
    inside[:, held] = real.reshape(len(inside), -1)
    present = (planes != 0) | (inside if keep_zeros else False)
    bits = np.packbits(present, axis=2, bitorder="little").view("<u4")
    counts = np.bitwise_count(bits).astype(np.int64)
    starts = np.cumsum(counts).reshape(counts.shape) - counts
    words = _empty_words(plan)
    for channel in range(shape.channels):
        words[channel // BLOCK, :, :, channel % BLOCK, 0] = bits[channel]
        words[channel // BLOCK, :, :, channel % BLOCK, 1] = starts[channel]
    return EncodedActivations(words, np.concatenate((planes[present], np.zeros(BEHIND, np.float16))))


def decode(encoded: EncodedActivations, plan: SparsePlan) -> npt.NDArray[np.float16]:
    """Return the activations, float16 (images, channels, height, width); 0 where no phase has them."""
    shape = plan.shape
    x = np.zeros(shape.input_shape, np.float16)
    held = slice(plan.origin, plan.origin + plan.positions)
    for channel in range(shape.channels):
        words = np.ascontiguousarray(encoded.words[channel // BLOCK, :, :, channel % BLOCK])
        bits = np.unpackbits(words[..., 0].copy().view(np.uint8), axis=1, bitorder="little").reshape(
            *words.shape[:2], -1
        )
        places = words[..., 1, None].astype(np.int64) + np.cumsum(bits, axis=2, dtype=np.int64) - 1
        planes = np.where(bits != 0, encoded.values[places], np.float16(0)).reshape(len(words), -1)
        images = planes[:, held].reshape(-1, shape.images, plan.rows, plan.pitch)
        for image, (phase_y, phase_x) in zip(images, plan.phases, strict=True):
            from_y, to_y = _real(phase_y, shape.stride[0], shape.padding[0], shape.height)
            from_x, to_x = _real(phase_x, shape.stride[1], shape.padding[2], shape.width)
            x[:, channel, from_y, from_x] = image[:, to_y, to_x]
    return x


def _real(phase: int, stride: int, before: int, size: int) -> tuple[slice, slice]:
    """Elements of one axis that a phase has, and where they stand in it."""
    first = max(0, -(-(before - phase) // stride))
    start = first * stride + phase - before
    count = max(0, -(-(size - start) // stride))
    return slice(start, size, stride), slice(first, first + count)


def elements_read(plan: SparsePlan) -> int:
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
    plan: SparsePlan,
    gpu: Gpu | None,
    *,
    scale: npt.NDArray[np.float32] | None = None,
    offset: npt.NDArray[np.float32] | None = None,
    relu: bool = False,
    keep_zeros: bool = False,
    options: RunOptions = DEFAULTS,
) -> EncodedActivations:
    """Encode float16 or float32 activations (images, channels, height, width), in memory in this order or with channels
    last, with ``programs/encode.dasm``.

    ``scale``, ``offset``: of each channel, applied in FP32 with one rounding; then ``relu``; then values are rounded to
    FP16. ``keep_zeros``: zeros count as values, for a product that skips those of the filters alone.
    """
    shape = plan.shape
    encoded, area = empty_encoding(plan, STRETCH), plan.rows * plan.pitch
    images_ahead = -(-plan.origin // area)
    scaled = scale is not None or offset is not None
    flags = (
        (IS_WIDE if x.dtype == np.float32 else 0)
        | (IS_SCALED if scaled else 0)
        | (RECTIFIES if relu else 0)
        | (KEEPS_ZEROS if keep_zeros else 0)
    )
    memory = x.transpose(0, 2, 3, 1)
    if not memory.flags.c_contiguous:
        memory = x = np.ascontiguousarray(x)
    steps = [stride // x.itemsize for stride in x.strides]
    arguments: dict[str, Argument] = {
        "x": memory,
        "scales": with_room(scale, 1, shape.channels),
        "offsets": with_room(offset, 0, shape.channels),
        "phase_places": np.array(plan.phases, np.uint32),
        "encoded": encoded.words,
        "values": encoded.values,
        "options": flags,
        "plane_words": plan.words,
        "regions": regions(plan, STRETCH),
        "phases": len(plan.phases),
        "per_phase": reciprocal(len(plan.phases)),
        "channels": shape.channels,
        "images": shape.images,
        "height": shape.height,
        "width": shape.width,
        "stride_y": shape.stride[0],
        "stride_x": shape.stride[1],
        "above": shape.padding[0],
        "before": shape.padding[2],
        "images_ahead": images_ahead,
        "ahead": images_ahead * area - plan.origin,
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
    grid = (-(-plan.words // (STRETCH * WARPS)), -(-shape.channels // CHANNELS) * len(plan.phases))
    run = run_shipped("encode", "encode", grid, ENCODE_BLOCK, arguments, gpu, options)
    return evolve(encoded, launches=(run,))


def with_room(numbers: npt.NDArray[np.float32] | None, otherwise: float, count: int) -> npt.NDArray[np.float32]:
    """A number for each of ``count`` channels or filters, and for those that a warp may have behind the last."""
    given = np.full(count, otherwise, np.float32) if numbers is None else np.asarray(numbers, np.float32)
    return np.pad(given, (0, NUMBERS_BEHIND))


def reciprocal(divisor: int) -> int:
    """What the kernels multiply by to divide."""
    return (2**32 - 1) // divisor
