"""The one error of the object file format."""

from dstc_isa.errors import DstcError


class ObjectError(DstcError, ValueError):
    """A file that is no intact object, or a program that no object can hold; the message says how to mend it."""


def foreign(why: str) -> ObjectError:
    """The error for a file that something else than dstc-asm wrote."""
    return ObjectError(f"not an object of dstc-asm: {why}; give an object file that dstc-asm wrote")


def damaged(why: str) -> ObjectError:
    """The error for an object whose bytes are not as dstc-asm wrote them."""
    return ObjectError(f"damaged object file: {why}; assemble its source again")
