"""Everything that pyproject.toml registers can be imported and called."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import pytest

GROUPS = {
    "pybridge.commands": "run",
    "pybridge.verify": "run",
    "pybridge.bench": "run",
    "pybridge.fuzz": "bases",
}
REGISTERED = sorted(
    (point for group in GROUPS for point in entry_points(group=group)), key=lambda p: (p.group, p.name)
)


@pytest.mark.parametrize("point", REGISTERED, ids=lambda p: f"{p.group}:{p.name}")
def test_registered_modules_load(point: EntryPoint) -> None:
    assert callable(getattr(point.load(), GROUPS[point.group]))


def test_there_are_registered_modules() -> None:
    assert {point.group for point in REGISTERED} == set(GROUPS)
