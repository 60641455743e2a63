"""What the report of a product says beside its launch."""


def counts(nnz: int, size: int) -> dict[str, int | float]:
    """Non-zeros of a result, a NaN is one, and their share of ``size`` elements, as plain data."""
    return {"nnz": nnz, "density": nnz / size if size else 0.0}


def counts_text(name: str, nnz: int, size: int) -> str:
    """The same in a line."""
    return f"{name} has {nnz:,} non-zeros of {size:,}, density {counts(nnz, size)['density']:.4g}"
