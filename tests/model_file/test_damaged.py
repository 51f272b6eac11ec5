"""Thousands of damaged model files: an error or an answer, never a crash."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pybridge._core import MaterialError, load_model
from pybridge.errors import ModelFileError
from pybridge.model_file import read_model


def read_both(path: Path) -> int:
    """Number of readers that accept the file; anything but the readers' own errors goes up."""
    accepted = 0
    for precision in ("float64", "float32"):
        with contextlib.suppress(MaterialError):
            load_model(str(path), "native", precision)
            accepted += 1
    with contextlib.suppress(ModelFileError):
        read_model(path)
        accepted += 1
    return accepted


def test_thousands_of_damaged_archives(write: Callable[..., Path], rng: np.random.Generator) -> None:
    """Bytes of the archive's own structures overwritten: an error or an answer, never a crash."""
    path = write()
    whole = path.read_bytes()
    directory = whole.index(b"PK\x01\x02")
    for trial in range(1000):
        changed = bytearray(whole)
        for _ in range(int(rng.integers(1, 4))):
            low = 0 if trial % 3 == 0 else directory
            at = int(rng.integers(low, len(whole)))
            changed[at] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF, int(rng.integers(256))]))
        if trial % 5 == 0:
            cut = int(rng.integers(len(changed)))
            del changed[cut : cut + int(rng.integers(1, 40))]
        path.write_bytes(changed)
        read_both(path)


def walk(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """All (container, key) of a JSON value."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        found.append((value, key))
        walk(value[key], found)
    return found


HOSTILE = [
    None, True, -1, 0, 1, 0.5, 1e308, -1e308, 2**31, 2**32, 2**53, 2**63, 2**64 + 1, 2**31 - 1, 1 << 30, "", "x" * 1000,
    [], {}, [[]], [0], [1 << 30, 1 << 30], [2**31], [1] * 9, 10**400, {"name": "time"}, "f32", "f64", "linear", 64, 128, [21, 1],
]  # fmt: skip


def test_thousands_of_hostile_cards(write: Callable[..., Path], rng: np.random.Generator) -> None:
    """Valid archives whose cards lie: any entry replaced by anything."""
    accepted = 0
    for _ in range(1000):

        def lie(card: dict) -> None:
            for _ in range(int(rng.integers(1, 4))):
                places = walk(card, [])
                container, key = places[int(rng.integers(len(places)))]
                if rng.random() < 0.1:
                    del container[key]
                else:
                    container[key] = copy.deepcopy(HOSTILE[int(rng.integers(len(HOSTILE)))])

        accepted += read_both(write(lie)) > 0
    assert 0 < accepted < 1000  # free entries such as "errors" may hold anything


def test_thousands_of_damaged_json_texts(
    write: Callable[..., Path], parts: Any, rng: np.random.Generator
) -> None:
    text = json.dumps(parts[0]).encode()
    alphabet = b'{}[]",:0123456789.eE+-\\untrfals \x00\xff'
    for _ in range(1000):
        changed = bytearray(text)
        for _ in range(int(rng.integers(1, 4))):
            at = int(rng.integers(len(changed)))
            changed[at : at + int(rng.integers(0, 3))] = bytes([alphabet[int(rng.integers(len(alphabet)))]])
        read_both(write(text=bytes(changed)))
