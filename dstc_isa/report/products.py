"""What the report of a product says beside its launch."""


def counts(nnz: int, size: int) -> dict[str, int | float]:
    """Non-zeros of a result, a NaN is one, and their share of ``size`` elements, as plain data."""
    return {"nnz": nnz, "density": nnz / size if size else 0.0}
