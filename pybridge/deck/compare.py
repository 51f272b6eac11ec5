"""Whether two decks say the same: for tests and for writers that check what they wrote."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from pybridge.deck.model import Deck


def differences(a: Deck, b: Deck, rtol: float = 1e-12) -> list[str]:
    """What differs between two decks, in words; numbers agree to `rtol` of the largest beside them. Empty: the same.

    The names of source files and of regions that are single nodes are left out.
    """
    found: list[str] = []
    _compare("deck", a, b, rtol, found)
    return found


def _compare(where: str, a: Any, b: Any, rtol: float, found: list[str]) -> None:
    if type(a) is not type(b):
        found.append(f"{where}: {type(a).__name__} against {type(b).__name__}")
    elif is_dataclass(a):
        names = {item.name for item in fields(a)}
        skipped = {"source", "region"} if "nodes" in names else {"source"}
        for item in fields(a):
            if item.name not in skipped:
                _compare(f"{where}.{item.name}", getattr(a, item.name), getattr(b, item.name), rtol, found)
    elif isinstance(a, dict):
        if list(a) != list(b):
            found.append(f"{where}: {list(a)} against {list(b)}")
        for key in a.keys() & b.keys():
            _compare(f"{where}[{key}]", a[key], b[key], rtol, found)
    elif _numeric(a):
        x, y = np.asarray(a), np.asarray(b)
        scale = float(np.abs(x).max()) if x.size else 0.0
        if x.shape != y.shape or not np.allclose(x, y, rtol=0.0, atol=rtol * scale):
            found.append(f"{where}: numbers differ")
    elif isinstance(a, tuple):
        if len(a) != len(b):
            found.append(f"{where}: {len(a)} against {len(b)} entries")
        for i, (x, y) in enumerate(zip(a, b, strict=False)):
            _compare(f"{where}[{i}]", x, y, rtol, found)
    elif a != b:
        found.append(f"{where}: {a!r} against {b!r}")


def _numeric(value: Any) -> bool:
    if isinstance(value, np.ndarray | float):
        return True
    return isinstance(value, tuple) and bool(value) and all(isinstance(part, float) for part in value)
