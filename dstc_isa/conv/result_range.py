"""Results that become infinite in FP16, in which a convolution behind reads them."""

import numpy as np
import numpy.typing as npt

from dstc_isa.errors import DstcError
from dstc_isa.halves import overflowing, rounded_to_half


class ResultRangeError(DstcError, ValueError):
    """A finite result that no finite FP16 value represents."""


def check_range(
    y: npt.NDArray[np.float32],
    scale: npt.NDArray[np.float32] | None,
    offset: npt.NDArray[np.float32] | None,
    relu: bool,
) -> None:
    """Raise ResultRangeError for the first finite one of FP32 results that FP16 makes infinite.

    ``scale``, ``offset``: of each filter, applied with one rounding to FP32; then ``relu``.
    """
    column = (slice(None), np.newaxis, np.newaxis)
    exact = y.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        if scale is not None:
            exact *= scale[column]
        if offset is not None:
            exact += offset[column]
        values = exact.astype(np.float32)
    if relu:
        values[values < 0] = 0
    beyond = np.argwhere(overflowing(values, rounded_to_half(values)) | (np.isinf(values) & np.isfinite(exact)))
    if len(beyond):
        place = tuple(beyond[0].tolist())
        raise ResultRangeError(
            f"the result y{list(place)}, {exact[place]:.6g} as a layer behind reads it, is beyond FP16's range of "
            "+-65504; scale the filters or give the layer a scale"
        )
