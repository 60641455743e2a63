"""Dense kernels: the baseline that sparse ones are compared with."""
