"""Magnitude pruning: the smallest weights become zero."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from dstc_isa.decimal_share import Share, exact_share, most_of

Array = npt.NDArray[Any]
Scope = Literal["layer", "global"]


def pruned(weights: Mapping[str, Array], share: Share, scope: Scope = "layer") -> dict[str, Array]:
    """The weights with the ``share`` (0 to 1) of smallest magnitude zero: of each array, or of all together.

    Exactly ``floor(share * size)`` become zero, the share as its decimal text has it; of equal magnitudes the first
    ones. Zeros that are there count.
    """
    share = exact_share(share)
    if not 0 <= share <= 1:
        raise ValueError(f"a share to prune is 0 to 1, not {float(share):g}")
    if scope == "layer":
        return {name: _without_smallest(values, share) for name, values in weights.items()}
    if not weights:
        return {}
    kept = _without_smallest(np.concatenate([values.ravel() for values in weights.values()]), share)
    pieces = np.split(kept, np.cumsum([values.size for values in weights.values()])[:-1])
    return {
        name: piece.reshape(values.shape).astype(values.dtype)
        for (name, values), piece in zip(weights.items(), pieces, strict=True)
    }


def _without_smallest(values: Array, share: Fraction) -> Array:
    result = values.copy()
    order = np.argsort(np.abs(values), axis=None, kind="stable")
    result.ravel()[order[: most_of(share, values.size)]] = 0
    return result
