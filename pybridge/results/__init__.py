"""Results of runs: one HDF5 format, its writer and reader, files for ParaView, comparison and pictures (docs/solver.md)."""

from pybridge.results.reader import Results, read_results
from pybridge.results.writer import ResultWriter

__all__ = ["ResultWriter", "Results", "read_results"]
