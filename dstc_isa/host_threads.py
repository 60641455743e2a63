"""How many threads of the host a run may take, from the command line and from Python."""

from numbers import Integral

from dstc_isa.errors import UsageError
from dstc_isa.options import check_kind

MAX_HOST_THREADS = 256


def check_threads(name: str, threads: int | None) -> None:
    """Raise UsageError for a number of host threads that there cannot be; None stands for all cores.

    ``name``: what errors call it. Raises ArgumentTypeError for what is no whole number.
    """
    if threads is None:
        return
    check_kind(name, threads, Integral, "a whole number or None")
    if not 1 <= threads <= MAX_HOST_THREADS:
        raise UsageError(f"{name} is 1 to {MAX_HOST_THREADS}, not {threads}")
