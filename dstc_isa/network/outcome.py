"""What a run of a network tells while it goes on, and what it gives in the end."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import numpy.typing as npt
from attrs import frozen

from dstc_isa.engine.faults import KernelFault
from dstc_isa.engine.supervision import TimedOut
from dstc_isa.errors import ShapeError
from dstc_isa.network.accuracy import Accuracy
from dstc_isa.network.errors import NetworkError, NetworkNameError
from dstc_isa.network.row import LayerRow

Array = npt.NDArray[Any]
NAMES_SHOWN = 8


class NetworkProgress:
    """What a run tells of its progress; this one does not listen."""

    def planned(self, layers: int, kept: int = 0) -> None:
        """So many layers are to be run, of which so many are there already."""

    def found(self, row: LayerRow) -> None:
        """A layer is there already; its result is computed again for those behind it."""

    def begun(self, layer: str) -> None:
        """A layer is being run."""

    def advanced(self, share: float) -> None:
        """That share of it is done."""

    def ended(self, row: LayerRow) -> None:
        """A layer is done."""


@frozen(kw_only=True)
class Outcome:
    """What a run gave besides rows.

    ``outputs``: of the network, by name; none for a table. ``accuracy``: how far those of floats are from the network's
    without rounding to FP16, by name. ``on_host``: operator -> how many ran there. ``fused``: operator -> how many were
    taken into a convolution. ``beside``: in words, what is much like a layer and not for the machine, and why.
    """

    rows: tuple[LayerRow, ...]
    outputs: Mapping[str, Array] = attrs.field(factory=dict)
    accuracy: Mapping[str, Accuracy] = attrs.field(factory=dict)
    on_host: Mapping[str, int] = attrs.field(factory=dict)
    fused: Mapping[str, int] = attrs.field(factory=dict)
    beside: tuple[str, ...] = ()


Keep = Callable[[LayerRow], None]


def chosen_layers(names: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """The names that patterns choose, all without patterns; NetworkNameError for an idle pattern, or if none is left.

    A pattern is a name, or has ``*`` for any characters, as in ``conv3_*``; nothing else in it is special. With ``!``
    before it, it takes away what those before it chose, or all names if it is the first. A later one has the last word.
    """
    chosen = set(names) if not patterns or _excludes(names, patterns[0]) else set()
    for pattern in patterns:
        excluded = _excludes(names, pattern)
        wanted = pattern[1:] if excluded else pattern
        found = {wanted} if wanted in names else set(_matching(names, wanted))
        if not found:
            raise NetworkNameError(f"no layer is named {wanted}; there is {_listed(names)}")
        chosen = chosen - found if excluded else chosen | found
    if names and not chosen:
        raise NetworkNameError(f"{','.join(patterns)} leaves no layer to run; there is {_listed(names)}")
    return [name for name in names if name in chosen]


def _excludes(names: Sequence[str], pattern: str) -> bool:
    return pattern.startswith("!") and pattern not in names


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return (", ".join(names[:NAMES_SHOWN]) or "none") + more


def _matching(names: Sequence[str], pattern: str) -> Iterator[str]:
    expression = re.compile(".*".join(map(re.escape, re.split(r"\*+", pattern))), re.DOTALL)
    return (name for name in names if expression.fullmatch(name))


@contextmanager
def in_layer(name: str, mend: str = "") -> Iterator[None]:
    """Say in an error which layer it was, and with ``mend`` what helps if only the machine refuses it."""
    try:
        yield
    except (ShapeError, NetworkError) as error:
        raise NetworkError(f"layer {name}: {error}") from None
    except ValueError as error:
        raise NetworkError(f"layer {name}: {error}{mend}") from None
    except (KernelFault, TimedOut) as error:
        error.add_note(f"layer {name}")
        raise
