"""Checkpoint files of trainings: everything needed to go on to the same bits, and what the training is of."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from pybridge.errors import ConfigError
from training.atomic import atomic_path


def packed(content: Mapping[str, Any]) -> bytes:
    """Tensors and plain values as torch.save writes them."""
    memory = io.BytesIO()
    torch.save(dict(content), memory)
    return memory.getvalue()


def save_checkpoint(path: Path, identity: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    """Write tensors and plain values; `identity` (JSON-able): "config" and whatever else the training is of."""
    whole = packed({"identity": json.dumps(identity, sort_keys=True), **content})
    with atomic_path(path) as temporary:
        temporary.write_bytes(whole)


def load_checkpoint(
    path: Path, identity: Mapping[str, Any], restore: Callable[[dict[str, Any]], object], device: str = "cpu"
) -> None:
    """Hand what was written to `restore`; raises ConfigError where it belongs to another training or cannot be used."""
    wanted = json.loads(json.dumps(identity))
    try:
        content = torch.load(path, weights_only=True, map_location=device)
        found = json.loads(content["identity"])
        if found == wanted:
            restore(content)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ConfigError(
            f"{path}: not a checkpoint of this package, or a damaged one ({error}); delete it to start anew"
        ) from error
    if found != wanted:
        raise ConfigError(
            f"{path.parent} holds another training: {_difference(found, wanted)}; choose another --out or delete it"
        )


def _difference(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    other = [key for key in wanted if key != "config" and found.get(key) != wanted[key]]
    old, new = found.get("config", {}), wanted["config"]
    keys = [f"{key} is {old.get(key)!r} there, {new[key]!r} here" for key in new if old.get(key) != new[key]]
    return ", ".join([*(f"another {key.removesuffix('_sha256')}" for key in other), *keys])
