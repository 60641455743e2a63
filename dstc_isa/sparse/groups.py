"""Groups of values that outer products take, step by step, and how many products two matrices make of them."""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray


@frozen(eq=False)
class StepGroups:
    """Groups of a matrix, for each step of the k-tiles that have any value.

    ``tiles``: int64 [n], numbers of these k-tiles in order. ``counts``: int64 [n, steps of a tile].
    """

    tiles: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, tiles: NDArray[np.int64], values: NDArray[np.int64], size: int) -> "StepGroups":
        """Sum up tiles at these numbers along k; ``values`` [tiles, steps], in groups of up to ``size``."""
        numbers, place = np.unique(tiles, return_inverse=True)
        counts = np.zeros((len(numbers), values.shape[1]), np.int64)
        np.add.at(counts, place, -(-values // size))
        return cls(numbers, counts)


def products(a: StepGroups, b: StepGroups) -> int:
    """Outer products of all groups of the one with all of the other, step by step."""
    _, of_a, of_b = np.intersect1d(a.tiles, b.tiles, assume_unique=True, return_indices=True)
    return int((a.counts[of_a] * b.counts[of_b]).sum())
