"""Counts of a product's result, in a line."""

from dstc_isa.report.products import counts


def counts_text(name: str, nnz: int, size: int) -> str:
    """Non-zeros of a result, and their share of ``size`` elements."""
    return f"{name} has {nnz:,} non-zeros of {size:,}, density {counts(nnz, size)['density']:.4g}"
