"""The base of every error that the package raises for what it was given."""


class DstcError(Exception):
    """Anything that this package refuses or that a kernel does wrong; the message says what, where and how to mend it.

    Subclasses that stand for a wrong value are also a ``ValueError``, faults of a kernel also a ``RuntimeError``.
    """


class UsageError(DstcError, ValueError):
    """An option or an argument that is wrong in itself, whatever files and arrays hold; the message names it."""


class ArgumentTypeError(DstcError, TypeError):
    """An argument of a kind that a function does not take; the message begins with its name."""


class ShapeError(DstcError, ValueError):
    """Operands whose shapes do not fit, or a convolution that does not exist; the message names the dimension."""
