"""What is wrong with a network that cannot be run."""

from dstc_isa.errors import DstcError, UsageError
from dstc_isa.printable import printable


class NetworkError(DstcError):
    """A file, an input or a layer that cannot be used; the message says which, why, and what was expected.

    It is one line, whatever characters the names in a file hold.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class NetworkNameError(NetworkError, UsageError):
    """A name of a network, layer or input that there is not; names that leave no layer or give an input no array."""
