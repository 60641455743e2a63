"""Values of lanes as text: lanes that hold the same are named together."""

from collections.abc import Callable, Sequence
from typing import Any

from dstc_isa.engine.faults import lane_list
from dstc_isa.isa.lanes import LANES

MOST_GROUPS = 8
"""Different values of which each is shown with its lanes; more are listed in the order of the lanes."""

LEAST_STEPS = 3
"""Lanes whose values may be shown by the first, the last and the step between."""

DECIMAL_LIMIT = 1 << 16
Shown = Callable[[Any], str]


def lanes_of(mask: int) -> list[int]:
    """The numbers of the lanes of a mask."""
    return [lane for lane in range(LANES) if mask >> lane & 1]


def compressed(lanes: Sequence[int], values: Sequence[Any], show: Shown = str) -> str:
    """Values of some lanes as text, one value for each of ``lanes``; alone if all lanes hold the same.

    Values that are ``int`` and in even steps are shown by first, last and step. ``show`` gives the text of a value.
    """
    if len(set(map(show, values))) == 1:
        return show(values[0])
    whole = lane_list(sum(1 << lane for lane in lanes))
    if len(values) >= LEAST_STEPS and all(isinstance(value, int) for value in values):
        step = values[1] - values[0]
        if all(values[i + 1] - values[i] == step for i in range(len(values) - 1)):
            return f"{whole}: {show(values[0])} to {show(values[-1])} by {step}"
    groups: dict[str, int] = {}
    for lane, value in zip(lanes, values, strict=True):
        text = show(value)
        groups[text] = groups.get(text, 0) | 1 << lane
    if len(groups) > MOST_GROUPS:
        return f"{whole}: [{' '.join(map(show, values))}]"
    return ", ".join(f"{lane_list(mask)}: {text}" for text, mask in groups.items())


def number_text(value: int) -> str:
    """A number of unknown type: decimal if it is small, else hexadecimal."""
    return str(value) if value < DECIMAL_LIMIT else f"0x{value:x}"
