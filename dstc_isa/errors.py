"""The base of every error that the package raises for what it was given."""


class DstcError(Exception):
    """Anything that this package refuses or that a kernel does wrong; the message says what, where and how to mend it.

    Subclasses that stand for a wrong value are also a ``ValueError``, faults of a kernel also a ``RuntimeError``.
    """


class UsageError(DstcError, ValueError):
    """An option or an argument that is wrong in itself, whatever files and arrays hold; the message names it."""
