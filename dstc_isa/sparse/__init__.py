"""Sparse matrices for the machine: the two-level bitmap format, matrix files, random matrices, SpGEMM."""
