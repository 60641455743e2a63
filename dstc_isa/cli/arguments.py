"""Kernel arguments and sizes as they are written on the command line."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from dstc_isa.errors import DstcError, UsageError
from dstc_isa.rounded_once import written_float

if TYPE_CHECKING:
    import numpy.typing as npt

    from dstc_isa.engine.launch import Argument


class InputError(DstcError):
    """An input that the command line names rightly and that cannot be used; the message says why."""


@frozen
class Assignment:
    """``NAME=TEXT``."""

    name: str
    text: str


def assignment(option: str, text: str) -> Assignment:
    """Split ``NAME=VALUE``."""
    name, sign, value = text.partition("=")
    if not sign or not name or not value:
        raise UsageError(f"{option} takes NAME=VALUE, not {text!r}")
    return Assignment(name, value)


def sizes(option: str, text: str, least: int, most: int) -> tuple[int, ...]:
    """Comma-separated whole numbers, from ``least`` to ``most`` of them."""
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{option} takes whole numbers with commas between, such as 8,4,1, not {text!r}") from None
    if not least <= len(numbers) <= most:
        count = f"{least} to {most}" if least != most else f"{most}"
        raise UsageError(f"{option} takes {count} numbers, not {len(numbers)}")
    return numbers


def kernel_arguments(given: Iterable[Assignment]) -> "dict[str, Argument]":
    """The values of all ``--arg``, by name."""
    arguments: dict[str, Argument] = {}
    for each in given:
        if each.name in arguments:
            raise UsageError(f"--arg {each.name} is given twice")
        arguments[each.name] = kernel_argument(each)
    return arguments


def kernel_argument(given: Assignment) -> "Argument":
    """The value of ``--arg``: a number, ``@FILE.npy``, or an array that is described, such as ``zeros:f4:64x32``."""
    option = f"--arg {given.name}={given.text}"
    array = array_argument(option, given.text)
    if array is not None:
        return array
    try:
        return int(given.text, 10 if given.text.lstrip("+-").isdigit() else 0)
    except ValueError:
        pass
    try:
        return written_float(given.text)
    except ValueError:
        from dstc_isa.cli.made_arrays import FORMS

        kinds = ", ".join([*FORMS.values()][:-1]) + f" or {[*FORMS.values()][-1]}"
        raise UsageError(f"{option}: write a number, @FILE.npy, {kinds}") from None


def array_argument(option: str, text: str) -> "npt.NDArray[Any] | None":
    """The array of ``@FILE.npy`` or ``KIND:DTYPE:SHAPE...``, None for another text; ``option`` begins messages."""
    from dstc_isa.cli.made_arrays import FORMS, made_array

    if text == "@":
        raise UsageError(f"{option}: name a .npy file behind the @")
    if text.startswith("@"):
        return array_from(Path(text[1:]))
    return made_array(option, text) if text.partition(":")[0] in FORMS and ":" in text else None


def array_from(path: Path) -> "npt.NDArray[Any]":
    """A C-contiguous, writable array from a ``.npy`` file."""
    from dstc_isa.array_files import ArrayFileError, read_npy
    from dstc_isa.host_memory import OutOfMemory

    try:
        return read_npy(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except OutOfMemory as error:
        raise InputError(f"{path}: {error}") from None
    except MemoryError:
        raise InputError(f"{path}: its array does not fit in memory") from None
    except ArrayFileError as error:
        raise InputError(f"{path}: not a .npy array of numbers: {error}") from None
