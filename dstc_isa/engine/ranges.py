"""Numbers of CTAs as a few ranges, so that what a run needs does not grow with its grid."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import overload

from dstc_isa.engine.launch_records import RANGE_STEP
from dstc_isa.engine.record_layout import Record


class Ranges(Sequence[int]):
    """The numbers of ascending ranges of step 1 that do not overlap, one behind the other."""

    def __init__(self, ranges: Iterable[range]) -> None:
        self.ranges = tuple(part for part in ranges if part)
        self._ends = list(accumulate(map(len, self.ranges)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[int]:
        for part in self.ranges:
            yield from part

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> "Ranges": ...
    def __getitem__(self, index: int | slice) -> "int | Ranges":
        if isinstance(index, slice):
            return self._slice(range(len(self))[index])
        place = range(len(self))[index]
        part = bisect_right(self._ends, place)
        return self.ranges[part].stop - self._ends[part] + place

    def _slice(self, places: range) -> "Ranges":
        if places.step != 1:
            raise ValueError(f"ranges are cut in steps of 1, not {places.step}")
        parts = []
        for part, end in zip(self.ranges, self._ends, strict=True):
            start = end - len(part)
            parts.append(part[max(0, places.start - start) : max(0, places.stop - start)])
        return Ranges(parts)

    def complement(self, total: int) -> "Ranges":
        """The numbers from 0 to ``total`` that are not among these."""
        edges = [0, *(edge for part in self.ranges for edge in (part.start, part.stop)), total]
        return Ranges(range(start, stop) for start, stop in list(pairwise(edges))[::2])

    def steps(self) -> Record:
        """Records ``RANGE_STEP``: the number at place p is p and all ``more`` of those with ``first`` at most p."""
        ends = [0, *self._ends]
        ahead = [part.start - first for part, first in zip(self.ranges, ends, strict=False)]
        more = [here - before for here, before in zip(ahead, [0, *ahead], strict=False)]
        return RANGE_STEP.new(len(more), first=ends[: len(more)], more=more)
