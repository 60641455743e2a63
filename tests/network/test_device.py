from typing import Any, Literal

import numpy as np
import pytest

from dstc_isa.conv.problem import ConvProblem
from dstc_isa.conv.shape import shape_of
from dstc_isa.conv.sparse.conv_sparse import SparseMethod
from dstc_isa.engine.run_options import RunOptions
from dstc_isa.errors import ShapeError
from dstc_isa.network.device import Device
from tests.network.fakes import convolve
from tests.network.models import SMALL_GPU, sparse


def machine(**changes: Any) -> Device:
    """A small GPU with its own matrix products."""
    kernels = {"dense_convolution": convolve, "sparse_convolution": convolve}
    return Device(gpu=SMALL_GPU, options=RunOptions(threads=1), **{**kernels, **changes})


@pytest.mark.parametrize(
    ("weights", "a_shape", "b_shape"),
    [("b", (1, 33, 40), (1, 40, 17)), ("a", (2, 5, 16), (1, 16, 33)), (None, (2, 3, 20), (2, 20, 4))],
)
def test_products(
    weights: Literal["a", "b"] | None, a_shape: tuple[int, int, int], b_shape: tuple[int, int, int]
) -> None:
    a, b = sparse(*a_shape), sparse(*b_shape, density=0.25, seed=1)
    measured = machine().multiply(a, b, weights)
    assert measured.y == pytest.approx(np.matmul(a, b), abs=1e-3)
    density_a, density_b = (np.count_nonzero(values) / values.size for values in (a, b))
    assert measured.density_x == (density_b if weights == "a" else density_a)
    assert measured.density_w == {"a": density_a, "b": density_b, None: None}[weights]
    assert list(measured.costs) == ["dense", "weights", "dual"]


def test_more_zeros_take_less_time() -> None:
    a, b = sparse(1, 128, 256, density=0.1), sparse(1, 256, 128, density=0.1, seed=1)
    costs = machine().multiply(a, b).costs
    assert costs["dual"].cycles < costs["weights"].cycles < costs["dense"].cycles
    of_activations = machine().multiply(a, b, None).costs
    assert of_activations["weights"].cycles > costs["weights"].cycles
    assert of_activations["dual"] == costs["dual"]


def test_without_zeros_to_keep_both_sparse_variants_are_one() -> None:
    a, b = np.ones((1, 32, 32), np.float32), sparse(1, 32, 32)
    shares: list[float] = []
    costs = machine(advanced=shares.append).multiply(a, b).costs
    assert costs["weights"] == costs["dual"]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_convolutions() -> None:
    skipped: list[Any] = []
    shares: list[float] = []

    def sparse_convolution(problem: ConvProblem, method: SparseMethod, **options: Any) -> Any:
        skipped.append(method.skip)
        return convolve(problem, method=method, **options)

    x, w, bias = sparse(2, 4, 6, 5), sparse(6, 2, 3, 1, seed=1), sparse(6, seed=2)
    shape = shape_of(x, w, (2, 1), (1, 0, 0, 2), 1, 2)
    measured = machine(advanced=shares.append, sparse_convolution=sparse_convolution).convolve(
        x, w, shape, bias, relu=True
    )
    assert skipped == ["weights", "both"]
    assert measured.y.shape == shape.output_shape
    assert measured.y.min() == 0
    assert (measured.density_x, measured.density_w) == tuple(np.count_nonzero(v) / v.size for v in (x, w))
    assert all(0 <= share <= 1 for share in shares)


def limited(images: int) -> Any:
    """A kernel that takes so many images at a time."""

    def kernel(problem: ConvProblem, **options: Any) -> Any:
        if problem.shape.images > images:
            raise ShapeError(f"at most {images} images")
        return convolve(problem, **options)

    return kernel


@pytest.mark.parametrize(
    ("dense", "sparse_images", "note"),
    [
        (9, 9, ""),
        (9, 2, "weights in 3 launches, as spconv does not take all images at once; dual in 3 launches, as spconv does "
         "not take all images at once"),
        (1, 9, "dense in 5 launches, as conv_dense does not take all images at once"),
        (0, 9, "dense by spconv, not conv_dense: at most 0 images"),
        (9, 0, "weights by conv_dense, not spconv: at most 0 images; dual by conv_dense, not spconv: at most 0 images"),
    ],
)  # fmt: skip
def test_a_layer_that_a_kernel_cannot_take(dense: int, sparse_images: int, note: str) -> None:
    x, w = sparse(5, 2, 6, 5), sparse(6, 2, 3, 1, seed=1)
    shape = shape_of(x, w, 1, 1)
    device = machine(dense_convolution=limited(dense), sparse_convolution=limited(sparse_images))
    measured = device.convolve(x, w, shape)
    whole = machine().convolve(x, w, shape)
    assert measured.note == note
    assert np.array_equal(measured.y, whole.y)
    assert measured.density_x == pytest.approx(whole.density_x)
    launches = {"dense": {9: 1, 1: 5, 0: 1}[dense], "dual": {9: 1, 2: 3, 0: 1}[sparse_images]}
    for variant, count in launches.items():
        assert measured.costs[variant].cycles == count * whole.costs[variant].cycles
        assert measured.costs[variant].encode_cycles == count * whole.costs[variant].encode_cycles
    again, _ = device.convolve_again(x, w, shape)
    assert np.array_equal(again, whole.y)


def test_a_layer_that_no_kernel_takes() -> None:
    x, w = sparse(2, 2, 6, 5), sparse(6, 2, 3, 1, seed=1)
    device = machine(dense_convolution=limited(0), sparse_convolution=limited(0))
    with pytest.raises(ShapeError, match="at most 0 images"):
        device.convolve(x, w, shape_of(x, w))
