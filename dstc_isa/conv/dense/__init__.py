"""Convolution that multiplies every zero, as a product without its lowered matrix."""
