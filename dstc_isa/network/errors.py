"""What is wrong with a network that cannot be run."""

from dstc_isa.errors import DstcError, UsageError


class NetworkError(DstcError):
    """A file, an input or a layer that cannot be used; the message says which, why, and what was expected."""


class NetworkNameError(NetworkError, UsageError):
    """A name of a network, layer or input that there is not; names that leave no layer or give an input no array."""
