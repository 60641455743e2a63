"""The ways a function is compiled here, each as a typed decorator around Numba's own."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])

BARE: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Options of a function that only compiled code calls: no entry point for the interpreter is made."""

INLINE: dict[str, Any] = {**BARE, "forceinline": True}


def compiled(function: Function) -> Function:
    """Compile a function that other compiled functions call."""
    return njit(**BARE)(function)


def inlined(function: Function) -> Function:
    """The same, expanded in place at every call."""
    return njit(**INLINE)(function)


def merged(function: Function) -> Function:
    """Merge a function into its only caller before compilation.

    Every level of calls would link and optimise the whole interpreter once more.
    """
    return njit(inline="always")(function)


def emitter(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that types a call and returns the writer of its LLVM code."""
    return intrinsic(function)
