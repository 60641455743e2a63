"""The ways a function is compiled here, each as a typed decorator around Numba's own."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import config, njit
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])

BARE: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Options of a function that only compiled code calls: no entry point for the interpreter is made."""

INLINE: dict[str, Any] = {**BARE, "forceinline": True}


def _njit(function: Function, options: dict[str, Any]) -> Function:
    # NUMBA_DISABLE_JIT is for looking into code of one's own; the engine has no other form, but --reference.
    disabled, config.DISABLE_JIT = config.DISABLE_JIT, 0
    try:
        return njit(**options)(function)
    finally:
        config.DISABLE_JIT = disabled


def compiled(function: Function) -> Function:
    """Compile a function that other compiled functions call."""
    return _njit(function, BARE)


def entry(function: Function) -> Function:
    """Compile a function that the interpreter calls, while other Python threads go on."""
    return _njit(function, {"nogil": True})


def inlined(function: Function) -> Function:
    """The same, expanded in place at every call."""
    return _njit(function, INLINE)


def merged(function: Function) -> Function:
    """Merge a function into its only caller before compilation.

    Every level of calls would link and optimise the whole interpreter once more.
    """
    return _njit(function, {"inline": "always"})


def emitter(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that types a call and returns the writer of its LLVM code."""
    return intrinsic(function)
