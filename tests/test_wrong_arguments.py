"""Arguments of every public function: any kind of value is taken, or refused in a sentence that names the argument."""

import importlib
import pkgutil
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

import dstc_isa
from dstc_isa.network.device import Device
from dstc_isa.network.errors import NetworkError
from dstc_isa.network.graph import load_graph
from dstc_isa.network.plot import draw as draw_layers
from dstc_isa.network.table import load_table
from dstc_isa.sparse.bitmap import encode
from dstc_isa.sparse.random_matrix import random_matrix
from dstc_isa.studies.journal import read_rows
from dstc_isa.studies.plots import draw as draw_points
from dstc_isa.studies.sweep import sweep

HELLO = Path(__file__).parent.parent / "programs" / "hello.dasm"
SOURCE = HELLO.read_text()
MATRIX = np.eye(8, dtype=np.float32)
IMAGES, FILTERS = np.ones((1, 2, 4, 4)), np.ones((3, 2, 3, 3))


def loaded() -> dstc_isa.Program:
    program = dstc_isa.assemble(SOURCE).program
    assert program is not None
    return program


def launch() -> dict[str, Any]:
    program = loaded()
    arguments = {"x": np.ones(4, np.float32), "y": np.ones(4, np.float32), "a": 1.0, "n": 4}
    return {"program": program, "kernel": program.kernels[0], "grid": 1, "block": 32, "arguments": arguments}


def run_layer(**given: Any) -> Any:
    layer = {name: given.pop(name) for name in ("w", "stride", "bias", "scale", "offset") if name in given}
    layers = given.pop("layers", [dstc_isa.Layer(**{"w": FILTERS, **layer}), dstc_isa.Layer(w=np.ones((1, 3, 1, 1)))])
    return dstc_isa.run_layers(given.pop("x", IMAGES), layers, **given)


def run(**given: Any) -> Any:
    own = {"x": np.ones(4, np.float32), "y": np.ones(4, np.float32), "a": 1.0, "n": 4}
    return dstc_isa.run(given.pop("program", HELLO), **{**own, **given})


CALLS: dict[str, Callable[..., Any]] = {
    "spgemm": lambda **given: dstc_isa.spgemm(**{"a": MATRIX, "b": MATRIX, **given}),
    "gemm_dense": lambda **given: dstc_isa.gemm_dense(**{"a": MATRIX, "b": MATRIX, **given}),
    "gemm_sparse24": lambda **given: dstc_isa.gemm_sparse24(**{"a": MATRIX, "b": MATRIX, **given}),
    "conv2d": lambda **given: dstc_isa.conv2d(**{"x": IMAGES, "w": FILTERS, **given}),
    "conv_dense": lambda **given: dstc_isa.conv2d(**{"x": IMAGES, "w": FILTERS, "kernel": "conv_dense", **given}),
    "run_layers": run_layer,
    "run": run,
    "run_kernel": lambda **given: dstc_isa.run_kernel(**{**launch(), **given}),
    "time_kernel": lambda **given: dstc_isa.time_kernel(**{**launch(), "gpu": dstc_isa.load_gpu(), **given}),
    "assemble": lambda **given: dstc_isa.assemble(**{"text": SOURCE, **given}),
    "assemble_file": lambda **given: dstc_isa.assemble_file(**{"path": HELLO, **given}),
    "sweep": lambda **given: list(sweep(**{"m": 8, "n": 8, "k": 8, "kernels": ("gemm_dense",), **given})),
    "Layer": dstc_isa.Layer,
    "random_matrix": lambda **given: random_matrix(**{"rows": 8, "columns": 8, "density": 0.5, "seed": 0, **given}),
    "encode": lambda **given: encode(**{"matrix": MATRIX, "side": "a", **given}),
    "load_gpu": dstc_isa.load_gpu,
    "load_extension": dstc_isa.load_extension,
}
OPERANDS = [
    *[(name, operand) for name in ("spgemm", "gemm_dense", "gemm_sparse24") for operand in ("a", "b")],
    *[(name, operand) for name in ("conv2d", "conv_dense") for operand in ("x", "w", "bias")],
    *[("run_layers", operand) for operand in ("x", "w", "bias", "scale", "offset")],
]
NO_REAL_ARRAY = st.one_of(
    st.text(),
    st.binary(),
    st.complex_numbers(),
    st.dates(),
    st.builds(object),
    st.dictionaries(st.text(), st.integers()),
    st.frozensets(st.integers()),
    st.floats(),
    st.lists(st.none(), min_size=1),
    st.lists(st.lists(st.floats(), max_size=3), min_size=2).filter(lambda rows: len({len(row) for row in rows}) > 1),
    st.sampled_from(["U3", "S3", "complex64", "datetime64[s]", "timedelta64[s]", "O", "V4", "f4,i4"]).flatmap(
        lambda of: st.sampled_from([(8, 8), (1, 2, 4, 4), (3, 2, 3, 3), (3,)]).map(lambda shape: np.empty(shape, of))
    ),
    st.sampled_from([(), (7,), (0, 0), (3, 0), (2, 2, 2), (0, 2, 4, 4), (1, 2, 3, 4, 5)]).map(np.zeros),
    st.just(np.ma.masked_equal(np.eye(8), 0)),
    st.just(np.matrix),
    st.just(scipy.sparse.coo_array((8,))),
    st.just(scipy.sparse.csr_array((8, 8), dtype=complex)),
)


def refused(call: str, name: str, value: object) -> None:
    with pytest.raises((dstc_isa.DstcError, TypeError)) as caught:
        CALLS[call](**{name: value})
    assert isinstance(caught.value, dstc_isa.DstcError)
    assert re.search(rf"\b{name}\b", str(caught.value)), (call, str(caught.value))
    assert "matrix a" not in str(caught.value)


@given(st.sampled_from(OPERANDS), NO_REAL_ARRAY)
def test_what_is_no_operand_is_refused_by_the_argument_s_name(argument: tuple[str, str], value: object) -> None:
    refused(*argument, value)


@pytest.mark.parametrize(("call", "name"), [each for each in OPERANDS if each[1] in ("a", "b", "x", "w")])
def test_none_is_no_operand(call: str, name: str) -> None:
    refused(call, name, None)


WRONG_SIZES = [None, "8", 2.5, True, [1, "2"], (1, 2, 3, 4), (), 0, {}]
WRONG_RUNS: dict[str, list[Any]] = {
    "threads": ["2", 2.5, 0, 257, 1000, [1]],
    "announce": [3, "say"],
    "timeout": ["1", [], 0, -1],
    "heartbeat": ["1", [], 0, -1],
}
WRONG_TIMED = {**WRONG_RUNS, "sample": ["0.5", [], 0, 2, float("nan")], "progress": [3, "bar"]}
WRONG_KERNELS: dict[str, list[Any]] = {"gpu": [3, 2.5, [], object(), "v99", ""], **WRONG_TIMED}
WRONG_CONVOLUTIONS: dict[str, list[Any]] = {
    "stride": [None, "x", 1.5, (1, 2, 3), 0, []],
    "padding": [None, "x", 1.5, (1, 2, 3), -1, object()],
    "dilation": [None, "x", 1.5, (1, 2, 3), 0],
    "groups": [None, "x", 1.5, 0, [1]],
    "skip": ["none", None, 3, np.ones(2)],
    "kernel": ["spconvv", None, 3, np.ones(2)],
    "tiling": [3, "x"],
    "relu": ["no", 1, None],
}
WRONG_LAUNCHES: dict[str, list[Any]] = {
    "grid": WRONG_SIZES,
    "block": [each for each in WRONG_SIZES if each is not None],
    "arguments": [3, "x", [1]],
    "max_instructions": [None, "x", 0, 2.5],
}
WRONG_SETTINGS = [3, "sm.count=1", [3], [""]]
WRONG_SOURCES: dict[str, list[Any]] = {
    "include": [3, [3], object(), "", [""]],
    "defines": [3, [1], {3: 1}, {"defines": "x"}, {"defines": True}],
    "gpu": [3, "v100"],
}
WRONG: dict[str, dict[str, list[Any]]] = {
    "spgemm": {**WRONG_KERNELS, "kernel": ["spgemmm", None, 3, np.ones(2)]},
    "gemm_dense": WRONG_KERNELS,
    "gemm_sparse24": WRONG_KERNELS,
    "conv2d": {**WRONG_KERNELS, **WRONG_CONVOLUTIONS},
    "run_layers": {
        **WRONG_KERNELS,
        "layers": [None, 3, [], dstc_isa.Layer(w=FILTERS), [FILTERS], "x"],
        "skip": ["x", 3],
    },
    "run": {
        **WRONG_KERNELS,
        **WRONG_LAUNCHES,
        "program": [3, None, object(), b"x.dasm", ""],
        "kernel": [3, "helo", ""],
        "settings": WRONG_SETTINGS,
        "include": [3, [3], "", [""]],
        "log": [3, "0.0", [3], [(0, 0, 0)], [(0, "0")], [("0", 0)], [(None, 0)], [(9, 0)]],
    },
    "run_kernel": {**WRONG_RUNS, **WRONG_LAUNCHES, "program": [None, 3, "x.dasm"], "kernel": [None, "hello"]},
    "time_kernel": {
        **WRONG_TIMED,
        **WRONG_LAUNCHES,
        "program": [None, 3, "x.dasm"],
        "kernel": [None, "hello"],
        "gpu": [None, 3, "v100"],
    },
    "assemble": {**WRONG_SOURCES, "text": [None, 3, b""], "file": [None, 3]},
    "assemble_file": {**WRONG_SOURCES, "path": [None, 3, b"x", ""]},
    "sweep": {
        **{size: ["a", 32.5, 0, -1, True, None, [8]] for size in ("m", "n", "k")},
        "densities_a": [0.5, "0.5", ["0.5"], [None]],
        "densities_b": [0.5, None, [object()]],
        "kernels": ["gemm_dense", 3, [3]],
        "seed": [-1, 0.5, "0", None],
        "settings": WRONG_SETTINGS,
        "gpu": [3, None, "v99", ""],
        "vary": [["sm.count=3"], {"sm.count": "16"}, {"sm.count": 16}, {"sm.count": [16]}, {3: ["1"]}],
        "sample": ["0.5", 0, 2, []],
        "directory": [3, ""],
        "jobs": [0, 1.5, "2", None, 1000],
        "watch": [3, print],
        "timeout": ["1", 0],
        "heartbeat": ["1", 0],
    },
    "Layer": {"foo": [1], "weights": [FILTERS]},
    "random_matrix": {"rows": [-1], "density": [2, -0.5], "seed": [-1]},
    "encode": {"side": ["c", None, 3, np.ones(2)], "tile_k": [7, 33]},
    "load_gpu": {"name": [None, 3, b"v100", ""], "settings": WRONG_SETTINGS},
    "load_extension": {"path": [None, 3, b"x.py", ""]},
}


@pytest.mark.parametrize(
    ("call", "name", "value"),
    [(call, name, value) for call, each in WRONG.items() for name, values in each.items() for value in values],
)
def test_an_argument_of_another_kind_is_refused_by_its_name(call: str, name: str, value: object) -> None:
    with pytest.raises(dstc_isa.DstcError) as caught:
        CALLS[call](**{name: value})
    shown = str(value) if isinstance(value, str) and value else name
    assert re.search(rf"\b{name}\b", str(caught.value)) or shown in str(caught.value), str(caught.value)


FORMS: list[Callable[[Any], Any]] = [
    lambda array: array.tolist(),
    lambda array: tuple(map(tuple, array.tolist())) if array.ndim == 2 else array.tolist(),
    lambda array: array.astype(np.int8),
    lambda array: array.astype(bool),
    np.asfortranarray,
    lambda array: memoryview(np.ascontiguousarray(array, np.float64)),
    lambda array: array.astype(">f8"),
]


@pytest.mark.parametrize("form", range(len(FORMS)))
def test_operands_are_whatever_numpy_reads(form: int) -> None:
    of = FORMS[form]
    for multiply in (dstc_isa.spgemm, dstc_isa.gemm_dense, dstc_isa.gemm_sparse24):
        assert np.array_equal(multiply(of(MATRIX), of(MATRIX), gpu=None).c, MATRIX)
    expected = np.full((1, 3, 2, 2), 18)
    assert np.array_equal(dstc_isa.conv2d(of(IMAGES), of(FILTERS), gpu=None).y, expected)
    assert np.array_equal(dstc_isa.conv2d(of(IMAGES), of(FILTERS), kernel="conv_dense", gpu=None).y, expected)
    last = dstc_isa.run_layers(of(IMAGES), [dstc_isa.Layer(w=of(FILTERS), bias=[1, 2, 3])], gpu=None)[-1]
    assert np.array_equal(last.y, expected + np.array([1, 2, 3])[:, None, None])


WITHIN = (
    "dstc_isa.assembler",
    "dstc_isa.isa.compiled_printer",
    "dstc_isa.isa.symbolic",
    "dstc_isa.listing.line_program",
    "dstc_isa.listing.printer",
    "dstc_isa.syntax",
    "dstc_isa.trace.tracing_machine",
)
"""Where exceptions, `AssemblyError` apart, never leave: they become diagnostics or another error, or end a trace."""


def exceptions() -> list[type[BaseException]]:
    found = []
    for module in pkgutil.walk_packages(dstc_isa.__path__, "dstc_isa."):
        if module.name.endswith("__main__"):
            continue
        there = vars(importlib.import_module(module.name)).values()
        found += [
            each
            for each in there
            if isinstance(each, type) and issubclass(each, BaseException) and each.__module__ == module.name
        ]
    return found


def test_every_exception_that_a_user_can_meet_has_the_base_and_a_public_name() -> None:
    met = [each for each in exceptions() if not each.__module__.startswith(WITHIN) or each is dstc_isa.AssemblyError]
    assert len(met) > 30
    assert [each for each in met if not issubclass(each, dstc_isa.DstcError | Warning)] == []
    public = [each for each in met if not each.__module__.startswith("dstc_isa.cli")]
    assert [each.__name__ for each in public if getattr(dstc_isa, each.__name__, None) is not each] == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: run(arguments={1: 2}), "arguments: each name is a text, not an int"),
        (lambda: read_rows(3), "directory is a directory's name, not an int"),
        (lambda: draw_points([], None), "directory is a directory's name, not None"),
        (lambda: draw_layers([], "title", 3), "directory is a directory's name, not an int"),
        (lambda: load_graph(3), "path is a file's name, not an int"),
        (lambda: load_table(None), "name is a network's name or a file, not None"),
        (lambda: Device(gpu="v100"), "Device: gpu is a Gpu; load_gpu(name) gives one, not a str"),
        (
            lambda: Device(gpu=dstc_isa.load_gpu(), options={"sample": 0.25}),
            "Device: options is a RunOptions, such as RunOptions(sample=0.25), not a dict",
        ),
    ],
)
def test_functions_that_pages_show_name_the_argument(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(dstc_isa.ArgumentTypeError, match=re.escape(message)):
        call()


def test_files_are_named_by_texts_and_paths(tmp_path: Path) -> None:
    for place in (tmp_path / "no.toml", str(tmp_path / "no.toml")):
        with pytest.raises(NetworkError, match=r"no\.toml: cannot be read"):
            load_table(place)
    for place in (tmp_path / "no.onnx", str(tmp_path / "no.onnx")):
        with pytest.raises(NetworkError, match=r"no\.onnx"):
            load_graph(place)
    assert draw_points([], str(tmp_path)) == draw_points([], tmp_path) == []


def test_a_bias_beyond_fp32_is_refused_as_the_page_says() -> None:
    with pytest.raises(dstc_isa.DstcError, match=r"bias: filter 1 .* is beyond FP32's range"):
        dstc_isa.conv2d(IMAGES, FILTERS, bias=[0, 1e39, 0])


def test_numbers_of_numpy_are_numbers() -> None:
    source = ".kernel k\nMOV R0, N\nSTG.E [R2], R0\nEXIT\n.endkernel\n"
    for number in (np.int64(3), np.uint8(3), np.float32(3)):
        assert dstc_isa.assemble(source, defines={"N": number}) == dstc_isa.assemble(
            source, defines={"N": number.item()}
        )


def test_a_layer_without_filters_says_so() -> None:
    with pytest.raises(dstc_isa.DstcError, match=r"Layer\(\) needs w"):
        dstc_isa.Layer()
