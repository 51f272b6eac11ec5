"""Inputs from which the model reader is fuzzed: umat/drivers/fuzz_model.cpp says how they are read."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

from pybridge.bench.random_surrogate import write_random_surrogate
from pybridge.model_file import read_model


def write_small_model(path: Path) -> Path:
    """A surrogate of random weights of a few kB: most of a reader's time goes into checksums."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_random_surrogate(path, 1, 3, 1, 2e-6, steps=4)
    return path


def write_seeds(folder: Path, *models: Path) -> Path:
    """Two inputs for each model file: the archive, without its graph, as it stands; and its card and weights apart."""
    folder.mkdir(parents=True, exist_ok=True)
    for model in models:
        card, weights = parts(model)
        (folder / f"{model.stem}-parts").write_bytes(b"\x01" + struct.pack("<I", len(card)) + card + weights)
        small = folder / f"{model.stem}-small.zip"
        with zipfile.ZipFile(small, "w") as archive:
            archive.writestr("m/extra/card.json", card)
            archive.writestr("m/data.pkl", b"not read")
            archive.writestr("m/extra/weights.bin", weights)
        (folder / f"{model.stem}-archive").write_bytes(b"\x00" + small.read_bytes())
        small.unlink()
    return folder


def parts(model: Path) -> tuple[bytes, bytes]:
    """card.json, shortened to what it means, and weights.bin."""
    with zipfile.ZipFile(model) as archive:
        (card,) = (n for n in archive.namelist() if n.endswith("/extra/card.json"))
        (weights,) = (n for n in archive.namelist() if n.endswith("/extra/weights.bin"))
        read_model(model)
        text = json.dumps(json.loads(archive.read(card)), separators=(", ", ": "))
        return text.encode(), archive.read(weights)
