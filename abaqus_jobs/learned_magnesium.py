"""The learned magnesium of the impact problems: from the polycrystal to one model file, each step a sub-command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Recipe:
    """Paths of the fine scale, a training configuration and its changes."""

    protocols: str
    config: str
    settings: tuple[str, ...] = ()


# Random walks for coverage, the classical paths, and paths like those that a rod or a plate meets under impact.
RECIPES = {
    "yield_surface": Recipe(
        "R:2700:0.1,I:150:0.1,U:40:0.1,L-U:90:0.1,C:40:0.1,impact:300:0.5", "yield_surface", ("epochs=40",)
    ),
    "pca_dnn": Recipe("R:1500:0.25,impact:2500:0.5", "pca_dnn_impact"),
}


def learned_magnesium(
    folder: Path, processes: int = 2, announce: Callable[[str], None] = print, kind: str = "yield_surface"
) -> Path:
    """Generate, train and export into `folder`, going on where an earlier call stopped; the model file.

    kind: one of RECIPES. Raises PybridgeError where a step fails (its own message stands above), KeyboardInterrupt after Ctrl-C.
    """
    recipe = RECIPES[kind]
    settings = [word for setting in recipe.settings for word in ("--set", setting)]
    data, training, model = folder / "histories.h5", folder / "training", folder / "MAGNESIUM.pt"
    announce("fine scale: a polycrystal of 128 grains along thousands of paths")
    call(
        "generate", "taylor", "--protocol", recipe.protocols, "--precision", "float32",
        "--processes", str(processes), "--out", str(data),
    )  # fmt: skip
    announce("training: a network learns the stress of the polycrystal")
    call(
        "train", str(data), "--config", recipe.config, *settings, "--out", str(training), "--threads",
        str(processes),
    )  # fmt: skip
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
