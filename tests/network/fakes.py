"""Convolutions by im2col in memory and the matrix products of the package: slow, without its convolutions."""

from typing import Any

import numpy as np

from dstc_isa.conv.result import ConvResult
from dstc_isa.conv.shape import shape_of
from dstc_isa.dense.gemm import gemm_dense
from dstc_isa.sparse.spgemm import spgemm


def lowered(x: Any, shape: Any) -> Any:
    """One row for each output pixel, one column for each channel, kernel row and kernel column."""
    above, below, left, right = shape.padding
    wide = np.pad(x, ((0, 0), (0, 0), (above, below), (left, right)))
    (down, across), (spread, reach) = shape.stride, shape.dilation
    columns = [
        wide[
            :,
            :,
            r * spread : r * spread + (shape.out_height - 1) * down + 1 : down,
            c * reach : c * reach + (shape.out_width - 1) * across + 1 : across,
        ]
        for r in range(shape.rows)
        for c in range(shape.columns)
    ]
    windows = np.stack(columns, 2)  # images, channels, kernel, out height, out width
    return windows.transpose(0, 3, 4, 1, 2)


def convolve(
    x: Any,
    w: Any,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    bias: Any = None,
    relu: bool = False,
    skip: str | None = None,
    **options: Any,
) -> ConvResult:
    """As ``conv_dense`` without ``skip``, as ``conv2d`` with it."""
    shape = shape_of(x, w, stride, padding, dilation, groups)
    windows = lowered(np.where(x == 0, 2**-24, x) if skip == "weights" else x, shape)
    parts, launches = [], []
    for group in range(groups):
        channels = slice(group * shape.group_channels, (group + 1) * shape.group_channels)
        filters = slice(group * shape.group_filters, (group + 1) * shape.group_filters)
        a = windows[:, :, :, channels].reshape(-1, shape.group_channels * shape.rows * shape.columns)
        b = w[filters].reshape(shape.group_filters, -1).T
        if skip is None:
            result = gemm_dense(a, b, **options)
            c, run = result.c, result.run
        else:
            product = spgemm(a, b, **options)
            c, run = product.c, product.report.run
        parts.append(c.reshape(shape.images, shape.out_height, shape.out_width, shape.group_filters))
        launches.append(run)
    y = np.concatenate(parts, 3).transpose(0, 3, 1, 2)
    if bias is not None:
        y = y + bias[:, None, None]
    y = np.ascontiguousarray(np.maximum(y, 0) if relu else y, np.float32)
    densities = [np.count_nonzero(values.astype(np.float16)) / values.size for values in (x, w)]
    return ConvResult(y, shape, *densities, tuple(launches))
