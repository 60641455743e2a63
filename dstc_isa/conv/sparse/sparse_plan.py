"""How a convolution becomes steps of outer products: bit strings of activations, and windows of them.

A plane is one channel of all images as a single string of positions, rows behind each other and images behind those,
with the padding between them. Output pixel q of a convolution then reads position q + shift for a filter element,
whatever q is: 32 neighbouring outputs read a window of 32 neighbouring positions. A stride takes every so-manieth row
and column; those that are read together are a plane of their own, a phase.

Windows that share values lie in two neighbouring words of 32 positions, so that what writes a word needs to know of no
other than the one before it. Where in its word a window begins is the same for all tiles of outputs; it follows from
where planes begin and where tiles do, and one of the two is chosen.
"""

import math
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
from attrs import define, frozen

from dstc_isa.conv.shape import ConvShape
from dstc_isa.errors import ShapeError
from dstc_isa.isa.lanes import LANES
from dstc_isa.units.outer.unit import LONGEST

WINDOW = LANES
"""Positions of a window: columns of an accumulator."""

STEPS = LONGEST
BLOCK = LANES
"""Channels whose words lie side by side."""

SPREAD = 7
"""Positions by which the windows that share values may be apart: 16 of a window and these, from an aligned place, are
no more than the 32 values that are loaded of a step."""

MERGED_FILTERS, MERGED_STEPS = 64, 160
"""Limits of groups that are merged: filters of a warp, and filter elements (channel, row)."""

ROWS_TOGETHER = 3
"""Rows of the filter whose steps follow each other for a channel: their windows often have lines of values in
common."""

STRETCH = 4
"""Words of a plane are a multiple of these, which a warp encodes together."""

POSITION_LIMIT = 1 << 24
PLANE_LIMIT = (1 << 16) - 1
"""Planes, and groups: each is a row of CTAs."""

SPACING = 3
"""Positions between windows that share values: what leaves the window is counted with a table of three bits."""

COLUMNS_AT = 24
"""Bit of a shift from which on the run table says which columns a run has."""

AHEAD = 3
"""Runs that the kernel reads ahead."""


@frozen
class Run:
    """Steps of up to 32 filter elements (channel of the group, row), at filter columns that read ``spacing`` apart.

    ``columns``: of the filter, one for each k-tile.
    """

    elements: tuple[tuple[int, int], ...]
    columns: tuple[int, ...]
    phase_x: int
    shift_x: int
    spacing: int


@define(slots=False)
class SparsePlan:
    """The steps of a convolution in order, and where its activations stand.

    ``shape``: the convolution. ``least_pitch``, ``least_rows``: of planes whose rows and images have more room than it
    needs. ``given_origin``: the position where planes begin, at least 32; None to choose one.
    """

    shape: ConvShape
    least_pitch: int = 0
    least_rows: int = 0
    given_origin: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.words * WINDOW > POSITION_LIMIT:
            raise ShapeError(
                f"images, height and width with padding and dilation are {self.words * WINDOW} positions of a channel, "
                f"more than the {POSITION_LIMIT} that the sparse kernel counts: use fewer or smaller images, less "
                "padding or dilation"
            )
        if self.planes > PLANE_LIMIT:
            raise ShapeError(
                f"{self.shape.channels} channels times the stride's phases ({len(self.phases)}) are more than the "
                f"{PLANE_LIMIT} planes that the sparse kernel takes: use fewer channels at a time"
            )

    @cached_property
    def merged(self) -> int:
        """Groups that are convolved as one, so that steps and a warp's filters are not nearly all empty."""
        shape = self.shape

        def fits(count: int) -> bool:
            steps = count * shape.group_channels * shape.rows
            return shape.groups % count == 0 and steps <= MERGED_STEPS and count * shape.group_filters <= MERGED_FILTERS

        return max((count for count in range(1, min(shape.groups, MERGED_FILTERS) + 1) if fits(count)), default=1)

    @cached_property
    def launched(self) -> ConvShape:
        """The convolution with merged groups: whose groups, channels and filters runs and k-tiles are of."""
        return self.shape.merged(self.merged)

    @cached_property
    def needed(self) -> tuple[int, int]:
        """Rows of an image and positions of a row that this convolution needs."""
        shape = self.shape
        rows = _extent(shape.height, shape.padding[0], shape.stride[0], shape.dilation[0], shape.rows, shape.out_height)
        pitch = _extent(
            shape.width, shape.padding[2], shape.stride[1], shape.dilation[1], shape.columns, shape.out_width
        )
        return rows, pitch

    @cached_property
    def pitch(self) -> int:
        """Positions of a row; what one row has of padding on its right is the next one's on the left."""
        return max(self.needed[1], self.least_pitch)

    @cached_property
    def rows(self) -> int:
        """Rows of an image."""
        return max(self.needed[0], self.least_rows)

    @property
    def positions(self) -> int:
        """Output positions, those between rows and images included."""
        return self.shape.images * self.rows * self.pitch

    @cached_property
    def lead(self) -> int:
        """Positions from where tiles of outputs begin to where planes do, modulo 32: that with the fewest runs."""
        chunks = Counter(_rows_of(elements) for elements in self._chunks)

        def runs(lead: int) -> int:
            return sum(count * len(self._split(rows, lead)) for rows, count in chunks.items())

        return min(range(WINDOW), key=runs)

    @property
    def origin(self) -> int:
        """Position of the first row and column of the first image, padding included."""
        return self.lead if self.given_origin is None else self.given_origin

    @property
    def offset(self) -> int:
        """Output q is position q + offset of the tiles of outputs: 0 to 31."""
        return (self.origin - self.lead) % WINDOW

    @property
    def tiles(self) -> int:
        """Windows of outputs."""
        return -(-(self.positions + self.offset) // WINDOW)

    def followed_by(self, shape: ConvShape) -> "SparsePlan | None":
        """The plan of a convolution of this one's output, in words of its tiles; None if there is none.

        A stride needs phases, which tiles of outputs are not; rows and images must be as long as the other needs; and
        its positions must not be too many.
        """
        if shape.stride != (1, 1):
            return None
        before = shape.padding[0] * self.pitch + shape.padding[2]
        origin = self.offset - before + WINDOW * (1 + -(-(before - self.offset) // WINDOW))
        try:
            plan = SparsePlan(shape, self.pitch, self.rows, origin)
        except ShapeError:
            return None
        return plan if (plan.rows, plan.pitch) == (self.rows, self.pitch) else None

    @property
    def follows(self) -> bool:
        """Whether it is the plan of a convolution behind another one, in words of its tiles."""
        return self.given_origin is not None

    def first_word(self, before: "SparsePlan") -> int:
        """The word of a plane that has the first tile of outputs of the plan that this one follows."""
        shape = self.shape
        return (self.origin + shape.padding[0] * self.pitch + shape.padding[2] - before.offset) // WINDOW

    @cached_property
    def phases(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns modulo the stride that filter elements read."""
        shape = self.shape
        down = sorted({r * shape.dilation[0] % shape.stride[0] for r in range(shape.rows)})
        across = sorted({s * shape.dilation[1] % shape.stride[1] for s in range(shape.columns)})
        return tuple((y, x) for y in down for x in across)

    @cached_property
    def words(self) -> int:
        """Words of 32 positions of a plane: all that a window of any output can reach."""
        shape = self.shape
        down = (shape.rows - 1) * shape.dilation[0] // shape.stride[0]
        across = (shape.columns - 1) * shape.dilation[1] // shape.stride[1]
        last = (self.tiles - 1) * WINDOW + WINDOW // 2 + down * self.pitch + across + self.origin - self.offset
        return -(-(last // WINDOW + 2) // STRETCH) * STRETCH

    @property
    def blocks(self) -> int:
        """Blocks of channels."""
        return -(-self.shape.channels // BLOCK)

    @property
    def planes(self) -> int:
        """Channels in all phases."""
        return self.shape.channels * len(self.phases)

    @cached_property
    def _chunks(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Filter elements (channel of the group, row), 32 at a time, in the order of steps."""
        shape = self.launched
        elements = [
            (channel, row)
            for first in range(0, shape.group_channels, BLOCK)
            for top in range(0, shape.rows, ROWS_TOGETHER)
            for channel in range(first, min(first + BLOCK, shape.group_channels))
            for row in range(top, min(top + ROWS_TOGETHER, shape.rows))
        ]
        return tuple(tuple(elements[first : first + STEPS]) for first in range(0, len(elements), STEPS))

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Runs of a group, in the order in which products are added."""
        return tuple(
            Run(elements, *columns)
            for elements in self._chunks
            for columns in self._split(_rows_of(elements), self.lead)
        )

    def _split(self, rows: tuple[int, ...], lead: int) -> list[tuple[tuple[int, ...], int, int, int]]:
        """The column runs, cut where windows of one of the filter's rows would reach a third word."""
        found = []
        for columns, phase, shift, spacing in self._column_runs:
            first = 0
            while first < len(columns):
                begin = shift + first * spacing
                begins_at = max((self._shift_down(row) + begin + lead) % WINDOW for row in rows)
                part = tuple(columns[first : first + 1 + (WINDOW - begins_at) // spacing])
                found.append((part, phase, begin, spacing if len(part) > 1 else 0))
                first += len(part)
        return found

    def _shift_down(self, row: int) -> int:
        """Positions by which a row of the filter reads further on."""
        return row * self.shape.dilation[0] // self.shape.stride[0] * self.pitch

    @cached_property
    def _column_runs(self) -> list[tuple[range, int, int, int]]:
        """Columns of the filter that read one phase at equal distances: columns, phase, first shift, distance."""
        stride, dilation = self.shape.stride[1], self.shape.dilation[1]
        apart = stride // math.gcd(stride, dilation)
        spacing = apart * dilation // stride
        together = SPREAD // spacing + 1 if spacing <= SPACING else 1
        found = []
        for first in range(min(apart, self.shape.columns)):
            columns = range(first, self.shape.columns, apart)
            for start in range(0, len(columns), together):
                part = columns[start : start + together]
                place = part[0] * dilation
                found.append((part, place % stride, place // stride, spacing))
        return found

    @cached_property
    def order(self) -> npt.NDArray[np.int64]:
        """The filter element of each step, int64 (k-tiles, 32): index into (channels, rows, columns), -1 for none."""
        rows, columns = self.shape.rows, self.shape.columns
        steps = [
            [(channel * rows + row) * columns + column for channel, row in run.elements]
            for run in self.runs
            for column in run.columns
        ]
        return np.array([tile + [-1] * (STEPS - len(tile)) for tile in steps], np.int64)

    def entry(self, channel: int, phase: tuple[int, int]) -> int:
        """Where the first word of a plane stands among all words."""
        block = channel // BLOCK * len(self.phases) + self.phases.index(phase)
        return block * self.words * BLOCK + channel % BLOCK

    @cached_property
    def run_table(self) -> npt.NDArray[np.uint32]:
        """What the kernel reads of a run: uint32 (groups * runs + 3, 32 steps, 2).

        The entry of the step's plane, and its shift from the tile of outputs on. Bits 24 to 26 of the shift say how
        many bits behind the first window the later ones see, bits 27 and 28 the distance of windows; the entry is
        smaller by as much modulo 2^32, so that the sum of both is what it would be without them.
        """
        shape = self.launched
        table = np.zeros((shape.groups * len(self.runs) + AHEAD, STEPS, 2), np.uint32)
        for group in range(shape.groups):
            for number, run in enumerate(self.runs):
                for step, (channel, filter_row) in enumerate(run.elements):
                    phase = (filter_row * shape.dilation[0] % shape.stride[0], run.phase_x)
                    shift = self._shift_down(filter_row) + run.shift_x + self.origin - self.offset
                    entry = self.entry(group * shape.group_channels + channel, phase)
                    table[group * len(self.runs) + number, step] = entry, shift
                more = len(run.columns) - 1
                columns = (run.spacing * more | run.spacing << 3) << COLUMNS_AT
                table[group * len(self.runs) + number] += np.array((-columns % (1 << 32), columns), np.uint32)
        return table

    @cached_property
    def column_table(self) -> npt.NDArray[np.uint32]:
        """What the kernel reads of a run's columns: uint32 (runs + 3, 4).

        K-tiles less one, the distance of their windows, a mask of as many bits, and one of the bits behind the first
        window that the later ones see.
        """
        table = np.zeros((len(self.runs) + AHEAD, 4), np.uint32)
        for row, run in zip(table, self.runs, strict=False):
            more = len(run.columns) - 1
            row[:] = more, run.spacing, (1 << run.spacing) - 1, (1 << run.spacing * more) - 1
        return table

    def parts(self, count: int) -> npt.NDArray[np.uint32]:
        """Where each of ``count`` parts of the runs begins and the last ends: uint32 (count + 1, 2), run and k-tile.

        The same k-tiles wherever planes begin: on it depends where runs are cut, and results must not.
        """
        uncut = [len(columns) for columns, *_ in self._column_runs] * len(self._chunks)
        places = np.concatenate(([0], np.cumsum(uncut)))
        wanted = np.arange(count + 1) * places[-1] / count
        tiles = places[np.searchsorted(places, wanted)]
        ends = np.cumsum([len(run.columns) for run in self.runs])
        return np.stack((np.searchsorted(ends, tiles, side="right"), tiles), axis=1).astype(np.uint32)


def _rows_of(elements: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    return tuple(sorted({row for _, row in elements}))


def _extent(size: int, before: int, stride: int, dilation: int, kernel: int, outputs: int) -> int:
    """Positions along one axis: real ones, those outputs need, and no wrapped window may meet a real one."""
    needed = outputs - 1 + (kernel - 1) * dilation // stride
    phases = {k * dilation % stride for k in range(kernel)}
    first = min(max(0, -(-(before - phase) // stride)) for phase in phases)
    last = (size - 1 + before) // stride
    return max(last + 1, needed + 1 - first, outputs)
