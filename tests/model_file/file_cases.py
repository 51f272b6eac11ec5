"""Archives to order, and what both readers say of them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pybridge._core import MaterialError, load_model
from pybridge.errors import ModelFileError
from pybridge.model_file import read_model


def archive(card: bytes, weights: bytes, name: str = "small", method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        file.writestr(f"{name}/extra/weights.bin", weights)
        file.writestr(f"{name}/extra/card.json", card)
        file.writestr(f"{name}/version", b"3\n")
    return stream.getvalue()


def both_refuse(path: Path, native: str, python: str | None = None) -> None:
    """Both readers name the file and say what is wrong."""
    for read, error, message in (
        (lambda: load_model(str(path), "native", "float64"), MaterialError, native),
        (lambda: read_model(path), ModelFileError, python if python is not None else native),
    ):
        if message == "accepted":
            read()
            continue
        with pytest.raises(error, match=message) as caught:
            read()
        assert str(path) in str(caught.value)


def put(path: str, value: Any) -> Callable[[dict], None]:
    """Sets card entry "a.b.0.c"; a value of ... removes it."""

    def change(card: dict) -> None:
        *keys, last = [int(k) if k.isdigit() else k for k in path.split(".")]
        at: Any = card
        for key in keys:
            at = at[key]
        if value is ...:
            del at[last]
        else:
            at[last] = value

    return change
