"""What is wrong with a network that cannot be run."""


class NetworkError(Exception):
    """A file, an input or a layer that cannot be used; the message says which, why, and what was expected."""
