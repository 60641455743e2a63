"""Arguments of the functions that a user calls: what is not taken is refused with the name of the argument."""

import inspect
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps
from typing import Any, ParamSpec, TypeVar, get_args

from dstc_isa.errors import ArgumentTypeError, DstcError, UsageError

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


def check_kind(name: str, value: object, kinds: type | tuple[type, ...], expected: str) -> None:
    """Raise ArgumentTypeError for a value of no such kind; ``expected``: a noun with its article."""
    if not isinstance(value, kinds):
        raise ArgumentTypeError(f"{name} is {expected}, not {kind_text(value)}")


def check_name(name: str, value: object, kinds: type | tuple[type, ...], expected: str) -> None:
    """As ``check_kind``, and raise UsageError for an empty text, which Python takes for the current directory."""
    check_kind(name, value, kinds, expected)
    if value == "":
        raise UsageError(f"{name} is {expected}, not an empty text")


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise UsageError for what is none of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise UsageError(f"{name} is {' or '.join(choices)}, not {value!r}")


def check_call(name: str, value: object) -> None:
    """Raise ArgumentTypeError for what is neither a function nor None."""
    if value is not None and not callable(value):
        raise ArgumentTypeError(f"{name} is a function or None, not {kind_text(value)}")


def kind_text(value: Any) -> str:
    """What a value is, as messages say it."""
    name = type(value).__name__
    return "None" if value is None else f"a{'n' if name.startswith(('a', 'e', 'i', 'o', 'nd')) else ''} {name}"
