"""Keyword options of the functions that a user calls: a name that there is not is refused with the nearest one."""

import inspect
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps
from typing import ParamSpec, TypeVar, get_args

from dstc_isa.errors import DstcError

P = ParamSpec("P")
R = TypeVar("R")


class OptionError(DstcError, TypeError):
    """A keyword that a function of the package does not take; the message names function, keyword and what is near."""


def option_names(function: Callable[..., object]) -> tuple[str, ...]:
    """Every keyword that a function takes, those of its ``**options: Unpack[...]`` included."""
    names: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            for unpacked in get_args(parameter.annotation):
                names += unpacked.__annotations__
        elif parameter.kind is not parameter.POSITIONAL_ONLY:
            names.append(parameter.name)
    return tuple(names)


def suggestion(name: str, names: Iterable[str]) -> str:
    """``did you mean ...?`` with what goes before it, or nothing."""
    near = get_close_matches(name, names, 1)
    return f"; did you mean {near[0]}?" if near else ""


def named_options(function: Callable[P, R]) -> Callable[P, R]:
    """Decorates a function so that a keyword that it does not take raises OptionError."""
    names = option_names(function)

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in names:
                hint = suggestion(name, names) or f"; its options are {', '.join(names)}"
                raise OptionError(f"{function.__name__}() has no option {name}{hint}")
        return function(*args, **kwargs)

    return checked
