"""Magnitude pruning: the smallest weights become zero."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from dstc_isa.decimal_share import Share, exact_share, most_of
from dstc_isa.network.narrow import carried

Array = npt.NDArray[Any]
Scope = Literal["layer", "global"]


def pruned(weights: Mapping[str, Array], share: Share, scope: Scope = "layer") -> dict[str, Array]:
    """The weights with the ``share`` (0 to 1) of smallest magnitude zero: of each array, or of all together.

    Exactly ``floor(share * size)`` become zero, the share as its decimal text has it; of equal magnitudes the first
    ones. Zeros that are there count. Arrays of several types, narrow ones among them, compare by their values.
    """
    share = exact_share(share)
    if not 0 <= share <= 1:
        raise ValueError(f"a share to prune is 0 to 1, not {float(share):g}")
    sizes = {name: _magnitudes(values) for name, values in weights.items()}
    if scope == "layer":
        gone = {name: _smallest(size, share) for name, size in sizes.items()}
    else:
        together = _smallest(np.concatenate([np.zeros(0, np.float32), *sizes.values()]), share)
        parts = np.split(together, np.cumsum([size.size for size in sizes.values()])[:-1])
        gone = dict(zip(sizes, parts, strict=False))
    return {name: _without(values, gone[name]) for name, values in weights.items()}


def _magnitudes(values: Array) -> Array:
    """Absolute values in one row, of a type that has an order with those of other arrays."""
    wide = carried(values).ravel()
    # The smallest of the signed integers has no absolute value of its own type.
    magnitudes: Array = np.abs(wide if wide.dtype.kind == "f" else wide.astype(np.float64))
    return magnitudes


def _smallest(magnitudes: Array, share: Fraction) -> Array:
    """Which ones are the ``share`` of smallest magnitude."""
    chosen = np.zeros(magnitudes.size, bool)
    chosen[np.argsort(magnitudes, kind="stable")[: most_of(share, magnitudes.size)]] = True
    return chosen


def _without(values: Array, gone: Array) -> Array:
    result = values.copy()
    result[gone.reshape(values.shape)] = 0
    return result
