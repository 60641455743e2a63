"""What ``run`` does with arrays afterwards: ``--expect`` compares them, ``--print`` shows them."""

import re
from typing import TYPE_CHECKING, Any

from attrs import frozen

from dstc_isa.cli.arguments import InputError, array_argument, assignment
from dstc_isa.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

FIRST_PLACES = 8
_TOLERANCE = re.compile(r",(rtol|atol)=([^,=]*)$")
_SHOWN = re.compile(r"([A-Za-z_$][\w$]*)(?:\[([^\[\]]*)\])?")
_MOST_SHOWN = 10_000
_LINE = 120


@frozen(eq=False)
class Expectation:
    """What an array argument must hold after the run: within ``atol + rtol * |reference|`` of the reference."""

    name: str
    source: str
    reference: "npt.NDArray[Any]"
    rtol: float = 0.0
    atol: float = 0.0
    file: str | None = None

    def check_shape(self, array: "npt.NDArray[Any]") -> None:
        """InputError if the array's shape is another than the reference's."""
        if array.shape != self.reference.shape:
            raise InputError(
                f"--expect {self.name}: {self.source} has shape {self.reference.shape}, "
                f"and the argument {self.name} has {array.shape}"
            )

    def compare(self, array: "npt.NDArray[Any]") -> tuple[bool, str]:
        """Whether the array is as expected, and a sentence or some lines that say so.

        NaN is as expected where the reference has NaN, an infinity where it has the same; -0 is 0.
        """
        import numpy as np

        reference = self.reference
        with np.errstate(all="ignore"):
            wide = [
                each.astype(np.clongdouble if each.dtype.kind == "c" else np.longdouble) for each in (array, reference)
            ]
            error = np.abs(wide[0] - wide[1])
            # Not the arrays themselves: NumPy compares an integer and a float in float64, which rounds the integer.
            same = (wide[0] == wide[1]) | (np.isnan(wide[0]) & np.isnan(wide[1]))
            error = np.where(same, 0, error)
            right = same | (error <= self.atol + self.rtol * np.abs(wide[1]))
            right &= np.isfinite(error)
        finite = np.where(np.isfinite(error), error, -1)
        largest = float(finite.max()) if finite.size else 0.0
        tolerance = f" (rtol {self.rtol:g}, atol {self.atol:g})" if self.rtol or self.atol else ""
        wrong = np.argwhere(~right)
        if not len(wrong):
            return (
                True,
                f"{self.name}: all {array.size:,} numbers are as in {self.source}{tolerance}, "
                f"largest error {largest:.6g}",
            )
        worst = f"largest error {largest:.6g} at {_place(np.unravel_index(int(finite.argmax()), array.shape))}"
        if largest < 0:
            worst = "all of them NaN or infinite on one side"
        lines = [f"{self.name}: {len(wrong):,} of {array.size:,} numbers differ from {self.source}{tolerance}, {worst}"]
        for index in map(tuple, wrong[:FIRST_PLACES]):
            lines.append(f"  {self.name}{_place(index)} is {array[index]}, expected {reference[index]}")
        if len(wrong) > FIRST_PLACES:
            lines.append(f"  and {len(wrong) - FIRST_PLACES:,} more")
        return False, "\n".join(lines)


def _place(index: Any) -> str:
    return f"[{', '.join(str(int(each)) for each in index)}]"


def expectation(text: str) -> Expectation:
    """``NAME=@FILE.npy[,rtol=R][,atol=A]``, or an array that the command line describes in place of the file."""
    given = assignment("--expect", text)
    source, tolerances = given.text, {"rtol": 0.0, "atol": 0.0}
    while (match := _TOLERANCE.search(source)) is not None:
        source = source[: match.start()]
        try:
            tolerances[match[1]] = float(match[2])
        except ValueError:
            tolerances[match[1]] = -1
        if not tolerances[match[1]] >= 0:
            raise UsageError(f"--expect {given.name}: {match[1]} is a number from 0 on, not {match[2]!r}")
    reference = array_argument(f"--expect {given.name}={source}", source)
    if reference is None:
        raise UsageError(f"--expect {text}: write NAME=@FILE.npy, with ,rtol=1e-3 or ,atol=1e-6 behind it if you like")
    file = source[1:] if source.startswith("@") else None
    return Expectation(given.name, file or source, reference, file=file, **tolerances)


@frozen(eq=False)
class Shown:
    """A part of an array argument to print after the run: ``out[0:8, 3]``."""

    text: str
    name: str
    index: tuple[Any, ...]

    def of(self, array: "npt.NDArray[Any]") -> Any:
        """The part; UsageError if the array has no such part."""
        try:
            return array[self.index]
        except (IndexError, ValueError) as error:
            raise UsageError(f"--print {self.text}: {error}") from None

    def lines(self, array: "npt.NDArray[Any]") -> str:
        """The part as text, its name before it."""
        import numpy as np

        part = np.asarray(self.of(array))
        return f"{self.text} =\n{np.array2string(part, threshold=_MOST_SHOWN, max_line_width=_LINE)}"


def shown(text: str) -> Shown:
    """``NAME`` or ``NAME[SLICES]`` with NumPy's basic slices."""
    match = _SHOWN.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--print {text}: write NAME or NAME[SLICES], such as out[0:8] or out[3, ::2]")
    parts = (match[2] or "...").split(",")
    try:
        return Shown(text.strip(), match[1], tuple(_slice(part.strip()) for part in parts))
    except ValueError:
        raise UsageError(f"--print {text}: a slice is a number, START:STOP, START:STOP:STEP or ...") from None


def _slice(text: str) -> Any:
    if text == "...":
        return ...
    parts = text.split(":")
    if len(parts) == 1:
        return int(text)
    if len(parts) > 3:
        raise ValueError(text)
    return slice(*(int(part) if part.strip() else None for part in parts))
