"""What PRINTs show as warps come by: a line for each warp and PRINT."""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from dstc_isa.engine.code_rows import ConstantReader
from dstc_isa.engine.faults import lane_list
from dstc_isa.engine.launch import Launch, LaunchError
from dstc_isa.isa.lanes import FULL_MASK, LANES
from dstc_isa.isa.values import RZ, Constant
from dstc_isa.isa.volta.communication import special
from dstc_isa.object.prints import predicate_of
from dstc_isa.printable import printable
from dstc_isa.program import ALWAYS_PRINTED, BANK_SHIFT, PRINT_TYPES, Kernel, Print, PrintItem
from dstc_isa.trace.place import cta_name
from dstc_isa.trace.values import compressed, lanes_of

LONGEST = 120
"""Characters of a line; values that take more stand on a line each."""

DEFAULT_LIMIT = 200
"""PRINTs that are shown, each time that a warp comes by one counted."""

WarpRow = npt.NDArray[np.uint32]


class Prints:
    """The PRINTs of a launch; ``write`` takes a line, and no more than ``limit`` are shown.

    ``shown``: how many were; ``further``: how many more warps came by one, until the run was left. ``stops``: the
    instructions before which the warp is to be looked at.
    """

    def __init__(self, launch: Launch, write: Callable[[str], None], limit: int) -> None:
        self.launch = launch
        self.write = write
        self.limit = limit
        self.shown = self.further = 0
        self.points: dict[int, list[Print]] = {}
        for each in launch.kernel.prints:
            self.points.setdefault(each.index, []).append(each)
            for item in each.items:
                if item.kind == "constant":
                    self._check(each, item)
        self.before_behind = {each.index - 1 for each in launch.kernel.prints if each.behind}
        self.stops = {*self.points, *self.before_behind} - {-1}
        self.fallen: WeakKeyDictionary[Any, dict[int, int]] = WeakKeyDictionary()

    def _check(self, each: Print, item: PrintItem) -> None:
        """LaunchError for a constant outside its bank."""
        try:
            self._constant(item)
        except IndexError as error:
            raise LaunchError(f"kernel {self.launch.kernel.name}, {each.place}: {error}") from None

    def _constant(self, item: PrintItem) -> list[WarpRow]:
        constant = Constant(item.place >> BANK_SHIFT, item.place % (1 << BANK_SHIFT))
        words = ConstantReader(self.launch.banks).read(constant, PRINT_TYPES[item.type])
        return [np.full(LANES, word, np.uint32) for word in words]

    def arrive(self, warp: Any) -> None:
        """Show what is to be shown before the warp's next instruction."""
        for each in self.points.get(warp.pc, ()):
            lanes = warp.active
            if each.behind:
                lanes &= self._came_from_before(warp)
            guard = predicate_of(each.guard)
            lanes &= int(warp.predicates[guard.index]) ^ (FULL_MASK if guard.negate else 0)
            if not lanes:
                continue
            if self.shown >= self.limit:
                self.further += 1
                continue
            self.shown += 1
            self._show(each, warp, lanes)
        if warp in self.fallen and warp.pc in self.fallen[warp]:
            self.fallen[warp][warp.pc] &= ~warp.active

    def leave(self, warp: Any, pc: int, active: int) -> None:
        """Note which of the lanes that executed the instruction at ``pc`` go on with the next one."""
        if pc not in self.before_behind:
            return
        lanes = 0
        for lane in lanes_of(active & warp.live):
            place = warp.pc if warp.active >> lane & 1 else warp.lane_pc[lane]
            lanes |= (place == pc + 1) << lane
        waiting = self.fallen.setdefault(warp, {})
        waiting[pc + 1] = waiting.get(pc + 1, 0) | lanes

    def _came_from_before(self, warp: Any) -> int:
        """Lanes that did not jump to the warp's next instruction."""
        if warp.pc == 0:
            return FULL_MASK if warp.issued == 0 else 0
        return self.fallen.get(warp, {}).get(warp.pc, 0)

    def _show(self, each: Print, warp: Any, mask: int) -> None:
        whole = (1 << min(LANES, self.launch.threads - warp.index * LANES)) - 1
        some = "" if mask == whole else f" lanes {lane_list(mask)}"
        head = f"{each.place} CTA {cta_name(self.launch, warp.identity)} warp {warp.index}{some}:"
        parts = [self._item_text(item, warp, lanes_of(mask)) for item in each.items]
        texts = [f"{part}{'' if item.kind == 'text' else ';'}" for item, part in zip(each.items, parts, strict=True)]
        line = " ".join([head, *texts]).removesuffix(";")
        if len(line) > LONGEST and len(parts) > 1:
            first = next((place for place, item in enumerate(each.items) if item.kind != "text"), len(parts))
            line = "\n  ".join([" ".join([head, *parts[:first]]), *parts[first:]])
        self.write(line)

    def _item_text(self, item: PrintItem, warp: Any, lanes: list[int]) -> str:
        if item.kind == "text":
            return printable(item.text)
        values, show = self._values(item, warp, lanes)
        return f"{printable(item.text)} = {compressed(lanes, values, show)}"

    def _values(self, item: PrintItem, warp: Any, lanes: list[int]) -> tuple[list[Any], Callable[[Any], str]]:
        """The values of some lanes, and how each is shown."""
        if item.kind == "predicate":
            predicate = predicate_of(item.place)
            mask = int(warp.predicates[predicate.index])
            return [(mask >> lane & 1) ^ predicate.negate for lane in lanes], str
        if item.kind == "special":
            rows = [special(warp, item.place)]
        elif item.kind == "constant":
            rows = self._constant(item)
        elif item.place == RZ:
            rows = [np.zeros(LANES, np.uint32)]
        else:
            rows = [warp.registers[item.place + i] for i in range(PRINT_TYPES[item.type])]
        return _typed([row[lanes] for row in rows], item.type)


def further_text(prints: Prints, kernel: Kernel, issued: npt.NDArray[np.int64]) -> str:
    """That more was to be shown, and how often warps came by a PRINT in the launch; empty if all was shown.

    ``issued``: how often each instruction of ``kernel`` was issued in the launch.
    """
    if not prints.further:
        return ""
    # A loop that waits takes other turns in the launch than in the run that was looked at: no difference of the two.
    times = sum(int(issued[each.index]) for each in kernel.prints)
    # Lanes that jump past a PRINT, or for which its guard does not hold, are counted with the instruction.
    exact = not any(each.behind or each.guard != ALWAYS_PRINTED for each in kernel.prints)
    shown = "the first is shown" if prints.limit == 1 else f"the first {prints.limit:,} are shown"
    count = f"{'' if exact else 'up to '}{times:,} time{'' if times == 1 else 's'}"
    return f"… {shown}; in the launch warps came by a PRINT {count}"


def _typed(rows: list[WarpRow], kind: str) -> tuple[list[Any], Callable[[Any], str]]:
    """Registers as values of a type, and how such a value is shown."""
    row = rows[0]
    match kind:
        case "s32":
            return row.view(np.int32).tolist(), str
        case "x":
            return row.tolist(), _hexadecimal
        case "f32":
            return list(row.view(np.float32)), str
        case "f16x2":
            pairs = np.ascontiguousarray(row).view(np.float16).reshape(-1, 2)
            return [f"({low!s} {high!s})" for low, high in pairs], str
        case "H0" | "H1":
            return list(np.ascontiguousarray(row).view(np.float16)[int(kind[1]) :: 2]), str
        case "u64" | "s64" | "x64":
            wide = rows[0].astype(np.uint64) | rows[1].astype(np.uint64) << np.uint64(32)
            return (wide.view(np.int64) if kind == "s64" else wide).tolist(), _hexadecimal if kind == "x64" else str
    return row.tolist(), str


def _hexadecimal(value: int) -> str:
    return f"0x{value:x}"
