"""Benchmarks of the kernels, the bridge and the solver."""
