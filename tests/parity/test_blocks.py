"""The answer of vumat_ does not depend on blocks or threads: bit for bit."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from materials import CASES, PRECISIONS, Case, History, host_material, run_material
from scenarios import Scenario, increments

BLOCKS = (1, 2, 3, 7, 15, 16, 17, 136, 511, 512)
THREADS = (2, 3, 5, 8)
MANY = Scenario(
    "many",
    ((0.006, 0.004, -0.002), (-0.003, -0.008, 0.005), (0.002, 0.001, 0.003)),
    ((0, 0), (0.6, 1), (1, -0.4)),
    steps=5,
    points=1100,
)


@cache
def answer(case: Case, precision: str, nblock: int, threads: int) -> History:
    material = host_material(case, precision, nblock=nblock, threads=threads)
    return run_material(material, increments(MANY, case.duration))


def assert_same_bits(found: History, expected: History) -> None:
    for name in ("stress", "state", "dissipation"):
        assert getattr(found, name).tobytes() == getattr(expected, name).tobytes(), name


@pytest.mark.parametrize("nblock", BLOCKS)
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_block_size_changes_no_bit(precision: str, case: Case, nblock: int) -> None:
    whole = answer(case, precision, MANY.points, 1)
    assert np.abs(whole.stress).max() > 1e7
    assert case.flow is None or np.abs(whole.dissipation).max() > 1e4
    assert_same_bits(answer(case, precision, nblock, 1), whole)


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_threads_change_no_bit(precision: str, case: Case, threads: int) -> None:
    assert_same_bits(answer(case, precision, 17, threads), answer(case, precision, MANY.points, 1))
