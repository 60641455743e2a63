"""Which arrays a pointer parameter takes: by the elements that it declares, or with a warning if it declares none."""

from typing import Any

import numpy as np
import numpy.typing as npt

from dstc_isa.program import ELEMENT_SIZES, Parameter

NUMBERS = "biufc"
"""Kinds of NumPy types that are numbers: truth values, integers, floats and complex ones."""

WORD_BYTES = 4
_MATCHING = {"u": "iub", "s": "iub", "f": "f", "b": NUMBERS}
_PAIRS = "f16x2"
_NUMPY_KINDS = {"u": "uint", "s": "int", "f": "float", "b": "uint"}


class ArrayTypeWarning(UserWarning):
    """An array for an untyped pointer has numbers that no kernel computes with."""


def refusal(parameter: Parameter, array: npt.NDArray[Any]) -> str:
    """Why a pointer parameter does not take an array, to stand behind the parameter's name, or empty.

    ``.ptr`` takes numbers of any type. A typed pointer takes elements of its own size: integers with sign or without
    for u and s (truth values too, in one byte), the float of that size for f, numbers of any kind for b, and an even
    number of float16 for f16x2.
    """
    dtype, name, element = array.dtype, parameter.name, parameter.element
    if isinstance(array, np.ma.MaskedArray):
        return f"was given a masked array, and a kernel would read its gaps as numbers: {name} = {name}.filled(0)"
    if dtype.kind not in NUMBERS:
        return f"was given {no_numbers(dtype)}{_bits_of(dtype, name)}"
    if not dtype.isnative:
        return f"was given {dtype!r}, whose bytes are in the other order: {name} = {name}.astype({_numpy(dtype)})"
    if not element:
        return ""
    if dtype.kind in _MATCHING[element[0]] and dtype.itemsize == _size(element):
        if element == _PAIRS and array.size % 2:
            return f"is .ptr.{element} and was given {array.size} float16 numbers, which are no pairs"
        return ""
    return f"is .ptr.{element} and was given an array of {dtype}: {_conversion(element, dtype, name)}"


def doubt(parameter: Parameter, array: npt.NDArray[Any]) -> str:
    """What is doubtful about an array for an untyped pointer, to stand behind the parameter's name, or empty.

    That is a float or complex number of more than 32 bits: a kernel that loads words reads parts of numbers.
    """
    dtype, name = array.dtype, parameter.name
    if parameter.element or dtype.kind not in "fc" or dtype.itemsize <= WORD_BYTES:
        return ""
    declared = " or declare .ptr.f64" if dtype == np.float64 else ""
    return (
        f"is an untyped pointer and was given an array of {dtype}, of which a kernel that loads 32-bit words reads "
        f"parts: {_conversion('f32', dtype, name)}{declared}"
    )


def no_numbers(dtype: np.dtype[Any]) -> str:
    """What a kernel works on, and what these are instead."""
    return f"{dtype} values, and a kernel works on numbers"


def _size(element: str) -> int:
    """Bytes of an array's element: a pair is two of them."""
    return ELEMENT_SIZES[element] // (2 if element == _PAIRS else 1)


def _numpy(dtype: np.dtype[Any]) -> str:
    return f"np.{dtype.newbyteorder('=').name}"


def _bits_of(dtype: np.dtype[Any], name: str) -> str:
    """How to give the bits of what is stored like a number without being one, such as dates and bfloat16."""
    if dtype.kind in "mM" or (dtype.kind == "V" and dtype.names is None and dtype.itemsize in (1, 2, 4, 8)):
        kind = "int" if dtype.kind in "mM" else "uint"
        return f": {name}.view(np.{kind}{8 * dtype.itemsize}) gives their bits"
    return ""


def _conversion(element: str, dtype: np.dtype[Any], name: str) -> str:
    """The line of Python that makes such an array one of the element's type."""
    kind, bits = element[0], 8 * _size(element)
    wanted = f"np.{_NUMPY_KINDS[kind]}{bits}"
    if kind == "b":
        return f"{name} = {name}.view({wanted}) keeps its bits"
    if dtype.kind == "c" and kind == "f":
        parts = f"np.complex{2 * bits}" if bits >= 32 else ""
        whole = f".astype({parts})" if parts and dtype.name != parts[3:] else ""
        turned = f".astype({wanted})" if not parts else ""
        view = f".view({wanted})" if parts else f".view({name}.real.dtype)"
        return f"{name} = {name}{whole}{view}{turned} has real and imaginary parts in turn"
    if kind in "us" and dtype.kind in "fc":
        astype = "" if dtype.kind == "c" else f"{name} = {name}.astype({wanted}) converts the numbers, "
        return f"{astype}{name} = {name}.view({wanted}) keeps the bits"
    return f"{name} = {name}.astype({wanted}) converts it"
