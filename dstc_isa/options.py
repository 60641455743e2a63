"""Arguments of the functions that a user calls: what is not taken is refused with the name of the argument."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from functools import wraps
from numbers import Integral
from typing import Any, ParamSpec, TypeVar, get_args

from attrs import NOTHING, fields

from dstc_isa.errors import ArgumentTypeError, DstcError, UsageError

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


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


def check_whole(name: str, value: object) -> None:
    """Raise ArgumentTypeError for what is no whole number."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ArgumentTypeError(f"{name} is a whole number, not {kind_text(value)}")


def check_texts(name: str, values: Any, each: str) -> None:
    """Raise ArgumentTypeError for what is no sequence of texts; ``each``: such as "a kernel's name"."""
    if isinstance(values, str):
        raise ArgumentTypeError(f"{name} is a sequence, each {each}, not one text: [{values!r}]")
    check_kind(name, values, Sequence, f"a sequence, each {each}")
    for value in values:
        check_kind(f"{name}: each", value, str, each)


def named_fields(made: type[T]) -> type[T]:
    """Decorates a class of attrs so that a field that it does not have, or that is left out, raises OptionError."""
    initialise = made.__init__
    names = option_names(initialise)[1:]
    needed = [f.name for f in fields(made) if f.default is NOTHING]  # type: ignore[arg-type]

    @wraps(initialise)
    def checked(self: T, *args: Any, **kwargs: Any) -> None:
        for name in kwargs:
            if name not in names:
                hint = suggestion(name, names) or f"; its options are {', '.join(names)}"
                raise OptionError(f"{made.__name__}() has no option {name}{hint}")
        lacking = [name for name in needed[len(args) :] if name not in kwargs]
        if lacking:
            raise OptionError(f"{made.__name__}() needs {lacking[0]}")
        initialise(self, *args, **kwargs)

    made.__init__ = checked  # type: ignore[assignment,method-assign]
    return made


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
