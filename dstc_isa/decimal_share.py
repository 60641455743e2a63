"""Shares that are written in decimal, and counts of them."""

from fractions import Fraction
from math import ceil, floor
from typing import TypeAlias

Share: TypeAlias = float | str | Fraction


def exact_share(share: Share) -> Fraction:
    """A share as it is written, without what binary floating point adds: of 0.29, 29 hundredths."""
    try:
        return Fraction(str(share))
    except ValueError:
        raise ValueError(f"a share is a number such as 0.29, not {share!r}") from None


def least_of(share: Share, total: int) -> int:
    """The fewest of ``total`` that are at least the share: of 0.07 and 100, 7."""
    return ceil(exact_share(share) * total)


def most_of(share: Share, total: int) -> int:
    """The most of ``total`` that are at most the share: of 0.29 and 100, 29."""
    return floor(exact_share(share) * total)
