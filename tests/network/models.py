"""Small ONNX networks, and the machine to run them on."""

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from dstc_isa.conv.problem import ConvProblem
from dstc_isa.conv.result import ConvResult
from dstc_isa.conv.sparse.conv_sparse import SparseMethod, conv_sparse
from dstc_isa.engine.run_options import RunOptions
from dstc_isa.gpu import Gpu, load_gpu
from dstc_isa.network.device import Device
from tests.network.fakes import convolve, launch, multiply_dense, multiply_sparse

OPSET = 17
SMALL_GPU = load_gpu("v100-dstc", ["sm.count=2"])


def device() -> Device:
    """A small GPU with the fakes in place of kernels."""
    return Device(
        gpu=SMALL_GPU,
        options=RunOptions(threads=1),
        dense_convolution=convolve,
        sparse_convolution=convolve,
        dense_product=multiply_dense,
        sparse_product=multiply_sparse,
    )


def device_of_dual() -> Device:
    """A small GPU whose convolutions that skip zeros of both sides are its own, and other kernels fakes.

    Its own have the time of the fakes, if no other layer feeds them or is fed by them.
    """

    def sparse_convolution(problem: ConvProblem, method: SparseMethod, *, gpu: Gpu, **options: Any) -> ConvResult:
        if method.skip == "weights":
            return convolve(problem, **options)
        return attrs.evolve(conv_sparse(problem, method, gpu=None, **options), launches=(launch(), launch()))

    return attrs.evolve(device(), sparse_convolution=sparse_convolution)


def sparse(*shape: int, density: float = 0.5, seed: int = 0) -> Any:
    """Float32 values that FP16 holds, some of them zero."""
    generator = np.random.default_rng(seed)
    values = generator.integers(-8, 9, shape) / 8
    return np.where(generator.random(shape) < density, values, 0).astype(np.float32)


def model(
    nodes: Sequence[onnx.NodeProto],
    constants: dict[str, Any],
    inputs: dict[str, Sequence[int | str]],
    outputs: Sequence[str] = ("y",),
) -> onnx.ModelProto:
    """A network of float inputs."""
    return helper.make_model(
        helper.make_graph(
            list(nodes),
            "test",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=8,
    )


def small_network() -> onnx.ModelProto:
    """Two convolutions, the first with batch normalization and ReLU behind it, pooling, and a fully connected layer."""
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w1"], ["c1"], "first", pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["c1", "gain", "offset", "mean", "variance"], ["n1"]),
        node("Relu", ["n1"], ["r1"]),
        node("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p1", "w2", "b2"], ["c2"], "second", strides=[2, 1], group=2),
        node("Add", ["c2", "r2"], ["a2"]),
        node("Flatten", ["a2"], ["f"]),
        node("Gemm", ["f", "w3", "b3"], ["y"], "last", alpha=0.5, beta=2.0, transB=1),
    ]
    constants = {
        "w1": sparse(8, 2, 3, 3, seed=1),
        "gain": np.linspace(0.5, 2, 8, dtype=np.float32),
        "offset": np.linspace(-1, 1, 8, dtype=np.float32),
        "mean": np.linspace(-0.5, 0.5, 8, dtype=np.float32),
        "variance": np.linspace(0.25, 4, 8, dtype=np.float32),
        "w2": sparse(4, 4, 1, 3, seed=2),
        "b2": sparse(4, seed=3),
        "r2": sparse(2, 2, seed=4),
        "w3": sparse(5, 16, seed=5),
        "b3": sparse(5, seed=6),
    }
    return model(nodes, constants, {"x": ["n", 2, 8, 8]})
