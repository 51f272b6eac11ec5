"""Benchmarks of data generation and training."""
