from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper
from onnx.reference import ReferenceEvaluator

from dstc_isa.network.errors import NetworkError
from dstc_isa.network.graph import load_graph
from dstc_isa.network.layers import convolved, multiplied
from dstc_isa.network.steps import ConvStep
from tests.network.models import device, model, sparse


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks") / "net.onnx"


def run_both(path: Path, network: onnx.ModelProto, inputs: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """The output of the one layer of a network on the machine, and of the reference; facts of the row."""
    onnx.save(network, path)
    graph = load_graph(path)
    (step,) = graph.layers
    run: Any = convolved if isinstance(step, ConvStep) else multiplied
    y, _, facts = run(step, {**graph.constants, **inputs}, device())
    (expected,) = ReferenceEvaluator(network).run(None, inputs)
    assert y.dtype == expected.dtype
    assert y.shape == expected.shape
    return y, expected, facts


@settings(max_examples=18)
@given(st.data())
def test_convolutions(path: Path, data: st.DataObject) -> None:
    draw = data.draw
    axes = draw(st.integers(1, 3))
    several = st.lists(st.integers(1, 3), min_size=axes, max_size=axes)
    kernel, strides, dilations = draw(several), draw(several), draw(several)
    groups = draw(st.integers(1, 2))
    attributes: dict[str, Any] = {"strides": strides, "group": groups}
    kind = draw(st.sampled_from(["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]))
    if kind == "NOTSET":
        attributes["pads"] = draw(st.lists(st.integers(0, 2), min_size=2 * axes, max_size=2 * axes))
    else:
        attributes["auto_pad"] = kind
    if not kind.startswith("SAME"):  # the reference takes no dilation there
        attributes["dilations"] = dilations
    size = [draw(st.integers(7, 9)) for _ in range(axes)]
    w = sparse(2 * groups, 2, *kernel, seed=1)
    constants = {"w": w, "b": sparse(2 * groups, seed=2)}
    conv = helper.make_node("Conv", ["x", "w", "b"], ["y"], **attributes)
    x = sparse(2, 2 * groups, *size)
    y, expected, facts = run_both(path, model([conv], constants, {"x": x.shape}), {"x": x})
    assert y == pytest.approx(expected, abs=1e-4)
    assert facts["products"] == expected.size * w[0].size


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ((1, 3, 4, 4, 4), "x has 3 channels, and w 2 for each of 1 groups"),
        ((1, 2, 1, 4, 4), "filters that cover 2 along the first axis do not fit into 1 with padding"),
        ((1, 2, 4, 4), "operands of shapes"),
    ],
)
def test_operands_along_three_axes_that_do_not_fit(path: Path, x: tuple[int, ...], message: str) -> None:
    w = sparse(2, 2, 2, 1, 1)
    onnx.save(model([helper.make_node("Conv", ["x", "w"], ["y"])], {"w": w}, {"x": x}), path)
    (step,) = load_graph(path).layers
    assert isinstance(step, ConvStep)
    with pytest.raises(NetworkError, match=message):
        convolved(step, {"x": sparse(*x), "w": w}, device())


@pytest.mark.parametrize("attributes", [{"strides": [1]}, {"dilations": [1, 1, 1]}, {"pads": [1, 1]}])
def test_attributes_of_another_number_of_axes(path: Path, attributes: dict[str, list[int]]) -> None:
    conv = helper.make_node("Conv", ["x", "w"], ["y"], **attributes)
    onnx.save(model([conv], {"w": sparse(2, 2, 1, 1)}, {"x": [1, 2, 4, 4]}), path)
    (step,) = load_graph(path).layers
    assert isinstance(step, ConvStep)
    with pytest.raises(NetworkError, match=rf"{next(iter(attributes))} has \d numbers, not \d"):
        convolved(step, {"x": sparse(1, 2, 4, 4), "w": sparse(2, 2, 1, 1)}, device())


def test_a_kernel_shape_that_is_not_that_of_the_filters(path: Path) -> None:
    x, w = sparse(1, 2, 6, 6), sparse(2, 2, 3, 3)
    for shape, fits in (([3, 3], True), ([5, 5], False), ([3], False)):
        conv = helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=shape)
        onnx.save(model([conv], {"w": w}, {"x": x.shape}), path)
        (step,) = load_graph(path).layers
        assert isinstance(step, ConvStep)
        if fits:
            assert convolved(step, {"x": x, "w": w}, device())[0].shape == (1, 2, 4, 4)
        else:
            with pytest.raises(NetworkError, match=r"kernel_shape (says 5x5, and w has filters of 3x3|has 2 numbers)"):
                convolved(step, {"x": x, "w": w}, device())


PRODUCTS = [
    ((3, 4), (4, 5)),
    ((2, 3, 4), (4, 5)),
    ((3, 4), (2, 4, 5)),
    ((2, 3, 4), (2, 4, 5)),
    ((2, 1, 3, 4), (3, 4, 5)),
    ((1, 3, 4), (2, 4, 5)),
    ((4,), (4, 5)),
    ((3, 4), (4,)),
    ((4,), (2, 4, 5)),
    ((4,), (4,)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("a", "b"), PRODUCTS)
@pytest.mark.parametrize("constant", ["", "a", "b"])
def test_products(path: Path, a: tuple[int, ...], b: tuple[int, ...], constant: str) -> None:
    values = {"a": sparse(*a), "b": sparse(*b, seed=1)}
    inputs = {name: value for name, value in values.items() if name != constant}
    constants = {constant: values[constant]} if constant else {}
    network = model(
        [helper.make_node("MatMul", ["a", "b"], ["y"])], constants, {name: v.shape for name, v in inputs.items()}
    )
    y, expected, facts = run_both(path, network, inputs)
    assert y == pytest.approx(expected, abs=1e-4)
    assert facts["products"] == expected.size * a[-1]
    assert (facts["x"], facts["w"]) == ((b, a) if constant == "a" else (a, b))


@pytest.mark.slow
@pytest.mark.parametrize("turned", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("addend", [None, (), (5,), (3, 1), (3, 5)])
def test_gemm(path: Path, turned: tuple[int, int], addend: tuple[int, ...] | None) -> None:
    a, b = sparse(3, 4), sparse(4, 5, seed=1)
    left, right = (a.T if turned[0] else a), (b.T if turned[1] else b)
    given = {} if addend is None else {"c": sparse(*addend, density=1.0, seed=2)}
    gemm = helper.make_node("Gemm", ["a", "b", *given], ["y"], transA=turned[0], transB=turned[1], alpha=0.5, beta=3.0)
    y, expected, _ = run_both(path, model([gemm], {"b": right, **given}, {"a": left.shape}), {"a": left})
    assert y == pytest.approx(expected, abs=1e-4)


def test_operands_that_do_not_fit(path: Path) -> None:
    product = helper.make_node("MatMul", ["a", "b"], ["y"])
    onnx.save(model([product], {}, {"a": ["i", "j", "k"], "b": ["l", "m", "n"]}), path)
    (step,) = load_graph(path).layers
    for a, b in (((2, 3, 4), (2, 5, 6)), ((2, 3, 4), (3, 4, 5))):
        with pytest.raises(NetworkError, match="do not fit each other"):
            multiplied(step, {"a": np.ones(a), "b": np.ones(b)}, device())  # type: ignore[arg-type]
