"""What a pointer parameter takes: the rule for each pair of types, a refusal's words, and that its advice helps."""

import warnings

import numpy as np
import pytest

from dstc_isa.engine.array_types import ArrayTypeWarning, doubt, refusal
from dstc_isa.engine.launch import LaunchError, prepare
from dstc_isa.program import ELEMENT_SIZES, Kernel, Parameter, Program
from tests.engine.build import build

BOTH_SIGNS = {bits: {f"int{bits}", f"uint{bits}"} for bits in (8, 16, 32, 64)}
TAKEN = {
    **{f"{sign}{bits}": names for sign in "us" for bits, names in BOTH_SIGNS.items()},
    "u8": BOTH_SIGNS[8] | {"bool"},
    "s8": BOTH_SIGNS[8] | {"bool"},
    "f16": {"float16"},
    "f16x2": {"float16"},
    "f32": {"float32"},
    "f64": {"float64"},
    "b8": BOTH_SIGNS[8] | {"bool"},
    "b16": BOTH_SIGNS[16] | {"float16"},
    "b32": BOTH_SIGNS[32] | {"float32"},
    "b64": BOTH_SIGNS[64] | {"float64", "complex64"},
}
NUMBERS = sorted({name for names in TAKEN.values() for name in names} | {"complex128", "longdouble", "clongdouble"})


def pointer(element: str = "") -> Parameter:
    return Parameter("x", "ptr", 0, element)


@pytest.mark.parametrize("element", ELEMENT_SIZES)
@pytest.mark.parametrize("name", NUMBERS)
def test_a_typed_pointer_takes_its_own_elements(element: str, name: str) -> None:
    refused = refusal(pointer(element), np.zeros(16, name))
    assert (refused == "") == (name in TAKEN[element])
    if refused:
        assert refused.startswith(f"is .ptr.{element} and was given an array of {np.dtype(name)}: ")
        for advice in refused.partition(": ")[2].split(", "):
            expression = advice.removeprefix("x = ").rpartition(")")[0] + ")"
            assert refusal(pointer(element), eval(expression, {"np": np, "x": np.zeros(16, name)})) == ""
    assert doubt(pointer(element), np.zeros(16, name)) == ""


def test_pairs_are_even() -> None:
    assert refusal(pointer("f16x2"), np.zeros(6, np.float16)) == ""
    assert refusal(pointer("f16x2"), np.zeros(5, np.float16)) == (
        "is .ptr.f16x2 and was given 5 float16 numbers, which are no pairs"
    )


@pytest.mark.parametrize("name", NUMBERS)
def test_an_untyped_pointer_takes_numbers_and_doubts_wide_floats(name: str) -> None:
    array = np.zeros(4, name)
    assert refusal(pointer(), array) == ""
    doubted = doubt(pointer(), array)
    assert (doubted != "") == (name in {"float64", "longdouble", "complex64", "complex128", "clongdouble"})
    if doubted:
        assert str(array.dtype) in doubted
        assert "np.float32" in doubted


@pytest.mark.parametrize("element", ["", "b32", "u8", "f32"])
@pytest.mark.parametrize(
    ("dtype", "advice"),
    [
        ("U3", ""),
        ("S4", ""),
        ("M8[s]", "x.view(np.int64) gives their bits"),
        ("m8[ns]", "x.view(np.int64) gives their bits"),
        ("O", ""),
        ("V4", "x.view(np.uint32) gives their bits"),
        ("V3", ""),
        ([("a", "f4"), ("b", "i4")], ""),
    ],
)
def test_what_is_no_number_is_refused_by_all(element: str, dtype: object, advice: str) -> None:
    refused = refusal(pointer(element), np.zeros(4, dtype))
    assert refused.startswith(f"was given {np.dtype(dtype)} values, and a kernel works on numbers")
    assert refused.endswith(advice)
    assert "\n" not in refused


def test_bytes_in_the_other_order_are_refused() -> None:
    other = np.arange(4, dtype=np.dtype(np.float32).newbyteorder())
    for element in ("", "f32", "b32"):
        assert "x = x.astype(np.float32)" in refusal(pointer(element), other)
        assert refusal(pointer(element), other.astype(np.float32)) == ""


def test_a_launch_refuses_and_warns_by_the_same_rule() -> None:
    def launch(array: np.ndarray, element: str) -> None:
        kernel = Kernel("k", (build("EXIT"),), parameters=(pointer(element),))
        prepare(Program((kernel,)), kernel, (1,), (32,), {"x": array})

    with pytest.raises(LaunchError) as caught:
        launch(np.zeros(4), "f32")
    assert str(caught.value) == (
        "parameter x of kernel k is .ptr.f32 and was given an array of float64: x = x.astype(np.float32) converts it"
    )
    with pytest.warns(ArrayTypeWarning, match=r"parameter x of kernel k is an untyped pointer .* float64"):
        launch(np.zeros(4), "")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        launch(np.zeros(4, np.float32), "")
        launch(np.zeros(4), "f64")
