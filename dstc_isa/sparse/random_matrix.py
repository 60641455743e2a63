"""Random sparse matrices for measurements and tests."""

from operator import index

import numpy as np
from numpy.typing import NDArray

from dstc_isa.errors import UsageError
from dstc_isa.host_memory import require

_CHUNK = 1 << 20


def random_matrix(rows: int, columns: int, density: float, seed: int) -> NDArray[np.float16]:
    """Return a float16 matrix [rows, columns] whose elements are non-zero with probability ``density``, independently.

    Non-zero values are uniform between -1 and 1, rounded to FP16, and never zero. The same ``seed`` (0 or more) gives
    the same matrix. Raises UsageError for a negative size or seed and for a density outside 0 to 1,
    OutOfMemory for a matrix larger than the memory there is.
    """
    rows, columns, seed = index(rows), index(columns), index(seed)
    if rows < 0 or columns < 0:
        raise UsageError(f"a matrix has 0 or more rows and columns, not {rows} x {columns}")
    if not 0 <= density <= 1:
        raise UsageError(f"density is a fraction from 0 to 1, not {density}")
    if seed < 0:
        raise UsageError(f"seed is 0 or more, not {seed}")
    require(2 * rows * columns, f"a random {rows}x{columns} matrix of FP16")
    generator = np.random.default_rng(seed)
    matrix = np.zeros(rows * columns, np.float16)
    for start in range(0, len(matrix), _CHUNK):
        chunk = matrix[start : start + _CHUNK]
        places = np.flatnonzero(generator.random(len(chunk)) < density)
        chunk[places] = _values(generator, len(places))
    return matrix.reshape(rows, columns)


def _values(generator: np.random.Generator, count: int) -> NDArray[np.float32]:
    # Odd multiples of 2^-24: exact in float32, symmetric, and the smallest is FP16's smallest subnormal, not zero.
    return 2 * generator.random(count, np.float32) - np.float32(1 - 2**-24)
