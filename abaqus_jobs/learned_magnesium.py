"""The learned magnesium of the impact problems: from the polycrystal to one model file, each step a sub-command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

# Random walks for coverage, and paths like those that a rod or a plate meets under impact.
PROTOCOLS = "R:1500:0.25,impact:2500:0.5"
CONFIG = "pca_dnn_impact"


def learned_magnesium(
    folder: Path, processes: int = 2, announce: Callable[[str], None] = print, protocols: str = PROTOCOLS
) -> Path:
    """Generate, train and export into `folder`, going on where an earlier call stopped; the model file.

    Raises PybridgeError where a step fails (its own message stands above), KeyboardInterrupt after Ctrl-C.
    """
    data, training, model = folder / "histories.h5", folder / "training", folder / "MAGNESIUM.pt"
    announce("fine scale: a polycrystal of 128 grains along thousands of paths")
    call(
        "generate", "taylor", "--protocol", protocols, "--precision", "float32",
        "--processes", str(processes), "--out", str(data),
    )  # fmt: skip
    announce("training: a network learns the stress of the polycrystal")
    call("train", str(data), "--config", CONFIG, "--out", str(training), "--threads", str(processes))
    announce("export: one model file, compared in both engines")
    if not model.exists() or model.stat().st_mtime < (training / "surrogate.npz").stat().st_mtime:
        call("export", str(training), "--out", str(model), "--force")
    call("inspect", str(model))
    return model


def call(*arguments: str) -> None:
    """Another sub-command, found by its name so that this folder depends on pybridge alone."""
    from pybridge.commands import main
    from pybridge.errors import PybridgeError

    print("pybridge " + " ".join(arguments), flush=True)
    code = main(list(arguments))
    if code == 130:
        raise KeyboardInterrupt
    if code != 0:
        raise PybridgeError(f"pybridge {arguments[0]} ended with code {code}; its message stands above")
