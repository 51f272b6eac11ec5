"""The compiled UMAT, and histories that rotate, shear and reverse."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))

from umat_cases import CASES, GRADIENT, HORIZON, Case, rotation

from pybridge.bench.random_surrogate import write_random_surrogate
from pybridge.host import UmatLibrary


@pytest.fixture(scope="session")
def umat() -> UmatLibrary:
    """Our UMAT, with a surrogate of random weights named NETWORK."""
    library = UmatLibrary()
    file = Path(tempfile.mkdtemp(prefix="pybridge-umat-")) / "network.pt"
    write_random_surrogate(file, 4, 21, 2, HORIZON)
    library.use_model("NETWORK", file)
    library.network_file = file  # type: ignore[attr-defined]
    return library


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest) -> Case:
    """Every kind of material."""
    return request.param


@pytest.fixture
def history() -> Callable[..., list[NDArray]]:
    """history(steps, gradient, spin): F(t) = R(spin a) (1 + a G), a up to 1 and back to 0.4; F12 != F21."""

    def make(steps: int = 20, gradient: NDArray = GRADIENT, spin: float = 0.8) -> list[NDArray]:
        rise = np.linspace(0, 1, steps // 2 + 1)[1:]
        a = np.concatenate([rise, np.linspace(1, 0.4, steps - len(rise) + 1)[1:]])
        return [rotation((0.48, -0.6, 0.64), spin * v) @ (np.eye(3) + v * gradient) for v in a]

    return make
