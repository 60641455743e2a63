"""Assignment of registers to names: first fit, around what the kernel names itself."""

from heapq import heappop, heappush

from attrs import frozen

from dstc_isa.assembler.values import RegisterArray


@frozen(eq=False, repr=False)
class Interval:
    """A name and the instructions between which nothing else may have its registers; ``end`` is exclusive."""

    array: RegisterArray
    start: int
    end: int


class OutOfRegisters(Exception):
    """``array`` found no room; ``live`` are the names that hold registers there."""

    def __init__(self, array: RegisterArray, live: list[RegisterArray]) -> None:
        super().__init__(array.name)
        self.array = array
        self.live = live


def assign(intervals: list[Interval], fixed: int, registers: int) -> None:
    """Give each used name its first register; names whose intervals overlap share none.

    ``fixed``: mask of registers that are taken throughout, ``registers``: how many there are. The machine's own that a
    block keeps stay where they are. Raises OutOfRegisters for the first name without room.
    """
    held: list[tuple[int, int, RegisterArray]] = []
    taken = fixed
    kept = [interval for interval in intervals if interval.array.kept]
    used = [interval for interval in intervals if interval.array.used and not interval.array.kept]
    used.sort(key=lambda i: (i.start, -i.array.alignment, -i.array.size))
    for order, interval in enumerate(used):
        array = interval.array
        while held and held[0][0] <= interval.start:
            _, _, over = heappop(held)
            taken &= ~_mask(over)
        mask = (1 << array.size) - 1
        near = [other.array for other in kept if other.start < interval.end and interval.start < other.end]
        unfit = taken
        for other in near:
            unfit |= _mask(other)
        for start in range(0, registers - array.size + 1, array.alignment):
            if not unfit >> start & mask:
                array.start = start
                break
        else:
            live = [a for _, _, a in held] + near
            raise OutOfRegisters(array, sorted(live, key=lambda a: a.start))
        taken |= _mask(array)
        heappush(held, (interval.end, order, array))


def _mask(array: RegisterArray) -> int:
    return ((1 << array.size) - 1) << array.start
