"""Errors that users meet. Each message says what was given, what was expected, and what to do."""

from __future__ import annotations

from typing import Any

from pybridge._core import MaterialError


class PybridgeError(ValueError):
    """Base of the package's own errors: bad input or a run that cannot go on. The command prints its text alone."""


class DeckError(PybridgeError):
    """A deck (.inp) that cannot be read or run: names the file, the line and the keyword."""


class ModelFileError(PybridgeError):
    """A model file (.pt) that is missing, truncated, altered, or of a newer format."""


class DataSetError(PybridgeError):
    """A data set (.h5) that does not meet the schema."""


class ConfigError(PybridgeError):
    """A configuration with unknown keys or values out of range."""


class HostError(PybridgeError):
    """A compiled user subroutine that breaks the interface: out of bounds, changed inputs, wrong precision, NaN."""


class PackingError(PybridgeError):
    """A packing of grains that cannot be prepared, read, or taken along a loading path."""


class LoadingError(PackingError):
    """A loading program that stopped; `history` (pybridge.packing.History) holds the records up to there."""

    def __init__(self, text: str, history: Any) -> None:
        super().__init__(text)
        self.history = history


class SolverError(PybridgeError):
    """A run that cannot go on: inverted element, failed material point, time step at zero."""


__all__ = [
    "ConfigError", "DataSetError", "DeckError", "HostError", "LoadingError", "MaterialError",
    "ModelFileError", "PackingError", "PybridgeError", "SolverError",
]  # fmt: skip
