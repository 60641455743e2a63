import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.cli.arguments import (
    Assignment,
    InputError,
    array_from,
    assignment,
    kernel_argument,
    kernel_arguments,
    sizes,
)
from dstc_isa.errors import UsageError

WORDS = st.text(st.characters(codec="ascii", exclude_characters="="), min_size=1)


def value(text: str) -> Any:
    return kernel_argument(Assignment("x", text))


def outcome(function: Callable[[Any], Any], argument: Any) -> Any:
    """What a function returns, or the error that it has for the user."""
    try:
        return function(argument)
    except (UsageError, InputError) as error:
        return error


@given(name=WORDS, text=st.text(min_size=1))
def test_assignment(name: str, text: str) -> None:
    assert assignment("--arg", f"{name}={text}") == Assignment(name, text)


@pytest.mark.parametrize("text", ["", "x", "=", "=3", "x="])
def test_no_assignment(text: str) -> None:
    with pytest.raises(UsageError, match="--out takes NAME=VALUE, not"):
        assignment("--out", text)


@given(st.lists(st.integers(), min_size=1, max_size=5))
def test_sizes(numbers: list[int]) -> None:
    assert sizes("--grid", ",".join(map(str, numbers)), 1, 5) == tuple(numbers)


@pytest.mark.parametrize(
    ("text", "least", "most", "message"),
    [
        ("", 1, 3, "--grid takes whole numbers"),
        ("8,", 1, 3, "--grid takes whole numbers with commas between, such as 8,4,1, not '8,'"),
        ("1.5", 1, 3, "whole numbers"),
        ("8x4", 1, 3, "whole numbers"),
        ("1,2,3,4", 1, 3, "--grid takes 1 to 3 numbers, not 4"),
        ("1,2", 3, 3, "--grid takes 3 numbers, not 2"),
    ],
)
def test_wrong_sizes(text: str, least: int, most: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        sizes("--grid", text, least, most)


@given(st.integers())
def test_integers(number: int) -> None:
    assert value(str(number)) == number
    assert value(hex(number)) == number
    assert isinstance(value(str(number)), int)


@given(st.floats(allow_nan=False))
def test_floats(number: float) -> None:
    assert value(repr(number)) == number
    assert isinstance(value(repr(number)), float)


def test_not_a_number_is_a_float() -> None:
    assert np.isnan(value("nan"))


@pytest.mark.parametrize(
    ("text", "dtype", "shape"),
    [
        ("zeros:f4:64x32", "<f4", (64, 32)),
        ("zeros:float16:7", "<f2", (7,)),
        ("zeros:u8:0", "<u8", (0,)),
        ("zeros:>i2:1x2x3", ">i2", (1, 2, 3)),
    ],
)
def test_zeros(text: str, dtype: str, shape: tuple[int, ...]) -> None:
    array = value(text)
    assert array.dtype == np.dtype(dtype)
    assert array.shape == shape
    assert not array.any()
    assert array.flags.writeable


@given(st.text(st.sampled_from("zeros:f4x,({[]})0123456789-@. ui<>"), max_size=12))
def test_any_text_is_a_value_or_one_clear_error(text: str) -> None:
    for full in (text, f"zeros:{text}", f"zeros:f4:{text[:4]}"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = outcome(value, full)
        assert isinstance(found, int | float | np.ndarray) or "\n" not in str(found)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("foo", UsageError, "--arg x=foo: write a number, @FILE.npy, zeros:DTYPE:SHAPE"),
        ("1,5", UsageError, "write a number"),
        ("zeros:f4", UsageError, "write zeros:DTYPE:SHAPE, such as"),
        ("zeros::3", UsageError, "write zeros:DTYPE:SHAPE, such as"),
        ("zeros:f4:", UsageError, "write zeros:DTYPE:SHAPE, such as"),
        ("zeros:f4:3x", UsageError, "write zeros:DTYPE:SHAPE, such as"),
        ("zeros:none:3", UsageError, "write zeros:DTYPE:SHAPE, such as"),
        ("zeros:O:3", UsageError, "numbers, not on object values"),
        ("zeros:f4:" + "1x" * 70 + "1", UsageError, "an array has at most 64 dimensions, not 71"),
        ("zeros:f8:99999999999999", InputError, "the array: needs 727.6 TiB of memory, and there are"),
        ("zeros:f8:" + "9" * 30, InputError, "--arg x=zeros"),
    ],
)
def test_wrong_values(text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        value(text)


def test_arguments_by_name() -> None:
    assert kernel_arguments([Assignment("n", "3"), Assignment("a", "0.5")]) == {"n": 3, "a": 0.5}
    with pytest.raises(UsageError, match="--arg n is given twice"):
        kernel_arguments([Assignment("n", "3"), Assignment("n", "4")])


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.int16).reshape(3, 4),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.array(2.5),
        np.zeros((0, 3), np.float16),
        np.zeros(3, np.dtype([("x", "f4"), ("y", "u1")])),
    ],
)
def test_array_from_file(tmp_path: Path, array: np.ndarray) -> None:
    path = tmp_path / "x.npy"
    np.save(path, array)
    loaded = value(f"@{path}")
    np.testing.assert_array_equal(loaded, array)
    assert loaded.dtype == array.dtype
    assert loaded.flags.c_contiguous
    assert loaded.flags.writeable
    assert loaded.flags.owndata


def test_file_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros(3))
    array = array_from(path)
    assert isinstance(array, np.ndarray)
    array[:] = 1
    assert np.load(path).tolist() == [0, 0, 0]


def test_wrong_files(tmp_path: Path) -> None:
    objects, several, text = tmp_path / "objects.npy", tmp_path / "several.npz", tmp_path / "text.npy"
    np.save(objects, np.array([{}]), allow_pickle=True)
    np.savez(several, a=np.zeros(2), b=np.zeros(3))
    text.write_text("1 2 3")
    for path, message in (
        (objects, "not a .npy array of numbers"),
        (several, "not a .npy array of numbers"),
        (text, "not a .npy array of numbers"),
        (tmp_path / "none.npy", "cannot be read: No such file"),
        (tmp_path, "cannot be read: Is a directory"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            array_from(path)
        assert str(caught.value).startswith(f"{path}: ")


@given(cut=st.integers(0, 200), place=st.integers(0, 127), byte=st.integers(0, 255))
def test_damaged_file(tmp_path_factory: pytest.TempPathFactory, cut: int, place: int, byte: int) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.npy"
    np.save(path, np.arange(20, dtype=np.float32))
    data = bytearray(path.read_bytes())
    data[place] = byte
    path.write_bytes(data[:cut] if cut % 2 else data)
    found = outcome(array_from, path)
    assert found.nbytes <= 200 if isinstance(found, np.ndarray) else str(found).startswith(f"{path}: ")
