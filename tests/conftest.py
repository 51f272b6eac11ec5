"""Shared by all tests: seeded randomness."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded generator; tests never draw from the global one."""
    return np.random.default_rng(20260101)
