"""What is wrong with a network that cannot be run."""

from dstc_isa.errors import DstcError


class NetworkError(DstcError):
    """A file, an input or a layer that cannot be used; the message says which, why, and what was expected."""
