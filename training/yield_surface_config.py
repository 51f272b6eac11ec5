"""The configuration of a training of the learned yield surface: a TOML file with kind = "yield_surface"."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pybridge.errors import ConfigError
from training.config import CONFIGS, parsed
from training.yield_surface import Sizes

KIND = "yield_surface"


@dataclass(frozen=True)
class YieldSurfaceConfig:
    """What to train. Names are the keys of the TOML file; every key but kind is optional."""

    kind: str = KIND
    name: str = "yield_surface"
    backstresses: int = 3  # tensors of 5
    scalars: int = 14  # other hidden states
    width: int = 56  # of both hidden layers
    substeps: int = 2  # of the flow in one step, network held
    radius_floor: float = 0.01  # least yield radius, of the root mean square elastic strain of the data
    # flow slower than this counts as none, of the root mean square strain rate of the data
    rest_rate: float = 0.01
    rate_floor: float = (
        0.1  # the network is shown the root of the squared rate and of this squared, in the same unit
    )
    piece: float = 0.2  # longest elastic increment taken at once, in units of the same as radius_floor
    ahead: float = 0.05  # in steps longer than this the network is asked in the middle of each piece
    # of the virgin material: isotropic, or all 21 constants, of the data's provenance or of their first steps
    moduli: str = "isotropic"
    pressure_degree: int = 1  # of the polynomial in J - 1
    # Of the surrogate, in steps of the data: 2 every second, 0.5 halves.
    steps: tuple[float, ...] = (0.5, 0.25)
    step_weights: tuple[float, ...] = (0.9, 0.1)  # how often each is used
    augment: bool = False  # turn every batch at random: builds in the isotropy of a random texture
    members: int = 1  # of a committee, trained one after another from different seeds on the same paths
    epochs: int = 150
    batch: int = 32
    learning_rate: float = 6e-3  # the largest of a one-cycle schedule
    weight_decay: float = 0.1  # of the matrices, an update: this times the learning rate
    validation_fraction: float = 0.05
    precision: str = "float32"
    device: str = "cpu"
    seed: int = 0
    checkpoint_every: int = 5  # epochs

    def __post_init__(self) -> None:
        for name, low, high in (
            ("backstresses", 1, 6), ("scalars", 1, 40), ("width", 4, 128), ("substeps", 1, 8), ("pressure_degree", 1, 6),
            ("members", 1, 16),
            ("epochs", 1, 100_000), ("batch", 1, 100_000), ("seed", 0, 2**31), ("checkpoint_every", 1, 100_000),
        ):  # fmt: skip
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ConfigError(f"{name} = {value!r}: expected a whole number from {low} to {high}")
        for name, least, most in (
            ("radius_floor", 1e-6, 1.0), ("piece", 1e-3, 10.0), ("ahead", 1e-6, 1e6), ("rest_rate", 1e-12, 1.0), ("rate_floor", 1e-6, 10.0), ("learning_rate", 1e-9, 1.0), ("weight_decay", 0.0, 10.0), ("validation_fraction", 0.0, 0.9),
        ):  # fmt: skip
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
                raise ConfigError(f"{name} = {value!r}: expected a number from {least} to {most}")
        for name, allowed in (
            ("kind", (KIND,)),
            ("moduli", ("isotropic", "anisotropic")),
            ("precision", ("float32", "float64")),
            ("device", ("cpu",)),
        ):
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"{name} = {getattr(self, name)!r}: expected {' or '.join(map(repr, allowed))}"
                )
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise ConfigError(f"name = {self.name!r}: expected letters, digits and underscores")
        self._check_steps()
        if 5 * self.backstresses + self.scalars > 50:
            raise ConfigError(
                "backstresses and scalars: expected at most 50 hidden states, 5 backstresses + scalars"
            )

    def _check_steps(self) -> None:
        for name in ("steps", "step_weights"):
            value = getattr(self, name)
            if (
                not isinstance(value, list | tuple)
                or not value
                or not all(isinstance(x, int | float) and x > 0 for x in value)
            ):
                raise ConfigError(f"{name} = {value!r}: expected a list of positive numbers")
            object.__setattr__(self, name, tuple(float(x) for x in value))
        if len(self.steps) != len(self.step_weights):
            raise ConfigError("step_weights: expected one for each of steps")
        for x in self.steps:
            if abs(round(x) - x) > 1e-9 and abs(round(1 / x) - 1 / x) > 1e-9:
                raise ConfigError(f"steps: expected whole numbers or one over them, got {x}")

    @property
    def sizes(self) -> Sizes:
        """Numbers of the surrogate."""
        return Sizes(self.backstresses, self.scalars, self.width, self.substeps)

    def to_dict(self) -> dict[str, Any]:
        """Plain values by key, as JSON gives them back."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }


def config_from_dict(values: dict[str, Any], source: str) -> YieldSurfaceConfig:
    """Check keys and values; raises ConfigError naming `source` and the key."""
    return parsed(YieldSurfaceConfig, [field.name for field in fields(YieldSurfaceConfig)], values, source)


def read_values(path: Path | str) -> dict[str, Any]:
    """The raw table of a TOML file or of a configuration that ships; empty where there is none to read."""
    path = Path(path)
    if not path.exists():
        path = CONFIGS / f"{path}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}


def from_command(path: Path | str, changes: list[str]) -> YieldSurfaceConfig:
    """A configuration file with changes KEY=VALUE; raises ConfigError."""
    values = read_values(path)
    for text in changes:
        try:
            values |= tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            key, _, value = text.partition("=")
            values[key.strip()] = value.strip()
    return config_from_dict(values, f"{path} {' '.join(changes)}".strip())


def wants(path: Path | str) -> bool:
    """Whether a configuration is one of this kind; whatever cannot be read is left to training.config."""
    return read_values(path).get("kind") == KIND
