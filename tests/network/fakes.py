"""Layers in NumPy, in place of kernels: right results at the price of a product, with the time of another run."""

from functools import cache
from typing import Any

import numpy as np

from dstc_isa.conv.problem import ConvProblem
from dstc_isa.conv.result import ConvResult
from dstc_isa.conv.shape import ConvShape
from dstc_isa.conv.sparse.conv_sparse import SparseMethod
from dstc_isa.dense.launch import GemmResult
from dstc_isa.halves import in_operand, overflowing, rounded_to_half
from dstc_isa.report.statistics import RunStatistics
from dstc_isa.sparse.random_matrix import random_matrix
from dstc_isa.sparse.spgemm import SpgemmReport, SpgemmResult, spgemm


@cache
def launch() -> RunStatistics:
    """A timed launch."""
    return spgemm(random_matrix(32, 16, 1, 0), random_matrix(16, 32, 1, 1), threads=1).report.run


def multiply_dense(a: Any, b: Any, **options: Any) -> GemmResult:
    """As ``gemm_dense``."""
    with np.errstate(invalid="ignore"):
        return GemmResult(_halves(a, "a") @ _halves(b, "b"), launch(), np.shape(a)[1])


def multiply_sparse(a: Any, b: Any, **options: Any) -> SpgemmResult:
    """As ``spgemm``."""
    (m, k), n = a.shape, b.shape[1]
    return SpgemmResult(multiply_dense(a, b).c, SpgemmReport(m, n, k, 1.0, 1.0, 0, 0, 0, 0, 0.0, launch()))


def convolve(problem: ConvProblem, *, method: SparseMethod | None = None, **options: Any) -> ConvResult:
    """As ``convolve_densely``; with a method as ``conv_sparse``: zeros of one side or both meet no infinity."""
    shape, x, w = problem.shape, problem.activations, problem.w
    windows = _lowered(x, shape).reshape(*_pixels(shape), shape.groups, -1).astype(np.float32)
    filters = w.reshape(shape.groups, shape.group_filters, -1).astype(np.float32)
    if method is None or (np.isfinite(windows).all() and np.isfinite(filters).all()):
        sums = np.einsum("nhwgk,gfk->ngfhw", windows, filters)
    else:
        left, right = windows[:, :, :, :, None], filters
        made = (right != 0) & ((left != 0) | method.keeps_zeros)
        sums = np.where(made, left * right, 0).sum(-1).transpose(0, 3, 4, 1, 2)
    y = sums.reshape(shape.output_shape)
    if problem.bias is not None:
        with np.errstate(invalid="ignore"):
            y = y + problem.bias[:, None, None]
    densities = [np.count_nonzero(values) / values.size for values in (x, w)]
    return ConvResult(np.maximum(y, 0) if problem.relu else y, shape, *densities, (launch(), launch()))


def _halves(values: Any, name: str) -> Any:
    rounded = rounded_to_half(values)
    with in_operand(name):
        if overflowing(values, rounded).any():
            raise ValueError("a value is beyond FP16's range")
    return rounded.astype(np.float32)


def _pixels(shape: ConvShape) -> tuple[int, int, int]:
    return shape.images, shape.out_height, shape.out_width


def _lowered(x: Any, shape: ConvShape) -> Any:
    """A row for each output pixel, of channels, kernel rows and kernel columns."""
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
    return np.stack(columns, 2).transpose(0, 3, 4, 1, 2)
