"""The part of the timing model that runs once per instruction, compiled by Numba."""
