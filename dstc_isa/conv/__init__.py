"""Convolution: shapes, and the kernels that compute it with and without zeros."""
