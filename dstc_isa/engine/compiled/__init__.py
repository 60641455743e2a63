"""The fast engine: the same semantics text compiled by Numba over 32-lane SIMD values."""
