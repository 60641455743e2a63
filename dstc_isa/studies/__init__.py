"""Sets of runs that answer a question: is the model right, and how do kernels compare over densities."""
