"""Results of products: checked against independent ones, counted, and written as dense or sparse matrices."""

import argparse
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstc_isa.cli.output import check_output, save_array
from dstc_isa.cli.status import Status
from dstc_isa.cli.terminal import say
from dstc_isa.errors import UsageError
from dstc_isa.whole_file import write_whole

if TYPE_CHECKING:
    from dstc_isa.exact import Exact, Verdict

SUFFIXES = (".npy", ".npz", ".mtx")
HELP = "save the float32 product: dense as .npy, sparse as .npz (SciPy) or .mtx (Matrix Market)"
ARGUMENT = re.compile(r"\b(?P<name>[abxw]|bias)(?=: | is (?:\(?\d|empty)| has (?:\d|rows|a number)| must have )")


def add_verify_option(command: argparse.ArgumentParser) -> None:
    """Add it to a command."""
    command.add_argument(
        "--verify",
        action="store_true",
        help="compare the result with an independent one in float64; exit status 4 if it is beyond its tolerance",
    )


def check_result_output(path: Path) -> None:
    """Refuse a file that no product can be written to, before the run."""
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path}: a product is written to a file whose name ends in one of {', '.join(SUFFIXES)}")
    check_output(path)


def save_result(path: Path, result: Any) -> None:
    """Write a matrix, in the form that the name asks for."""
    if path.suffix == ".npy":
        save_array(path, result)
        return
    from scipy.io import mmwrite
    from scipy.sparse import csr_array, save_npz

    data = io.BytesIO()
    matrix = csr_array(result)
    if path.suffix == ".npz":
        save_npz(data, matrix)
    else:
        mmwrite(data, matrix.tocoo(), symmetry="general")
    write_whole(path, data.getvalue(), durable=True)


def verification(verdict: "Verdict | None") -> dict[str, Any]:
    """What reports say of how a result compared, None if it was not verified."""
    return {"verification": None if verdict is None else verdict.as_json()}


def verified(result: Any, exact: "Exact") -> "Verdict":
    """Compare a result with the exact one, and say what was found."""
    from dstc_isa.exact import compare

    verdict = compare(result, exact)
    say(verdict.text)
    return verdict


def verified_status(verdict: "Verdict | None", status: int) -> int:
    """The exit status of a run that ended with ``status``."""
    return Status.FINDING if verdict is not None and verdict.wrong else status


def with_file_names(text: str, files: Mapping[str, object]) -> str:
    """A message about arguments of a function, with the files that they are from; those without one keep their name."""

    def named(found: re.Match[str]) -> str:
        file = files.get(found["name"])
        return found[0] if file is None else str(file)

    return ARGUMENT.sub(named, text)
