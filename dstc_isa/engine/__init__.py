"""Loading and executing kernels: the compiled engine, and the readable reference it is tested against."""
