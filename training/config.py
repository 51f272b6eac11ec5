"""The configuration of a training: a TOML file, parsed once into a frozen dataclass."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from pybridge.errors import ConfigError

Config = TypeVar("Config")
CONFIGS = Path(__file__).parent / "configs"


@dataclass(frozen=True)
class TrainConfig:
    """What to train. Names are the keys of the TOML file; every key is optional."""

    name: str = "pca_dnn"
    modes_in: int = 32  # PCA modes of each strain component
    modes_out: int = 32  # PCA modes of each stress component
    width: int = 256  # of each hidden layer
    hidden_layers: int = 3
    pressure: str = (
        "learned"  # "learned" by the network, or "polynomial" in J - 1, subtracted before it learns
    )
    pressure_degree: int = 3
    epochs: int = 200
    batch: int = 64
    learning_rate: float = 1e-3  # at the start; cosine decay to 0
    held_weight: float = (
        0.0  # weight of the error in the solver (history known up to t, then held) in the loss
    )
    # What that error takes for the unknown future: "held", or "mixed", the last rate kept up for a random while first.
    continuation: str = "held"
    # Part of the epochs in which the paths are also shown turned by the 24 rotations of the cube, as if the material
    # were isotropic: for a texture without preference, which is nearly so. The rest of the epochs sees the data alone.
    rotated_until: float = 0.0
    validation_fraction: float = 0.1  # of the paths, taken from the end of the data set, never trained on
    precision: str = "float32"
    device: str = "cpu"  # or "cuda"
    seed: int = 0
    checkpoint_every: int = 10  # epochs

    def __post_init__(self) -> None:
        def whole(name: str, low: int) -> tuple[str, bool, str]:
            value = getattr(self, name)
            return (
                name,
                isinstance(value, int) and not isinstance(value, bool) and value >= low,
                f"a whole number >= {low}",
            )

        def within(name: str, low: float, high: float) -> tuple[str, bool, str]:
            value = getattr(self, name)
            good = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
            return name, good, f"a number from {low} to {high}"

        def choice(name: str, *allowed: str) -> tuple[str, bool, str]:
            return name, getattr(self, name) in allowed, " or ".join(map(repr, allowed))

        for name, good, expected in (
            (
                "name",
                isinstance(self.name, str) and self.name.isidentifier(),
                "letters, digits and underscores",
            ),
            *(
                whole(name, 1)
                for name in ("modes_in", "modes_out", "width", "hidden_layers", "pressure_degree")
            ),
            *(whole(name, 1) for name in ("epochs", "batch", "checkpoint_every")),
            whole("seed", 0),
            within("learning_rate", 1e-9, 1.0),
            within("held_weight", 0.0, 1.0),
            within("rotated_until", 0.0, 1.0),
            within("validation_fraction", 0.0, 0.9),
            choice("pressure", "learned", "polynomial"),
            choice("continuation", "held", "mixed"),
            choice("precision", "float32", "float64"),
            choice("device", "cpu", "cuda"),
        ):
            if not good:
                raise ConfigError(f"{name} = {getattr(self, name)!r}: expected {expected}")

    @property
    def multiply_adds(self) -> int:
        """Of one evaluation of the network at one point."""
        inner = (self.hidden_layers - 1) * self.width**2
        return 6 * (self.modes_in + self.modes_out) * self.width + inner

    def to_dict(self) -> dict[str, Any]:
        """Plain values by key."""
        return asdict(self)


def parsed(kind: type[Config], keys: list[str], values: dict[str, Any], source: str) -> Config:
    """kind(**values) where all keys are known; raises ConfigError naming `source` and the key."""
    for key in values:
        if key not in keys:
            close = difflib.get_close_matches(key, keys, 1)
            hint = f"did you mean {close[0]}?" if close else f"expected one of {', '.join(keys)}"
            raise ConfigError(f"{source}: unknown key {key!r}; {hint}")
    try:
        return kind(**values)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error


def config_from_dict(values: dict[str, Any], source: str) -> TrainConfig:
    """Check keys and values; raises ConfigError naming `source` and the key."""
    return parsed(TrainConfig, [field.name for field in fields(TrainConfig)], values, source)


def read_config(path: Path | str) -> TrainConfig:
    """Read a TOML file, or one of the package's own by its name (`pca_dnn`, `pca_dnn_impact`)."""
    path = Path(path)
    if not path.exists() and (CONFIGS / f"{path}.toml").exists():
        path = CONFIGS / f"{path}.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        shipped = ", ".join(sorted(file.stem for file in CONFIGS.glob("*.toml")))
        raise ConfigError(f"{path}: no such configuration; give a TOML file, or one of {shipped}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from error
    return config_from_dict(values, str(path))
