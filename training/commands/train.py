"""Train a surrogate on a data set, as a configuration file says.

  pybridge train crystal.h5                          the learned yield surface
  pybridge train crystal.h5 --config pca_dnn         PCA + DNN of [LIU22], also pca_dnn_impact
  pybridge train crystal.h5 --curve 100,400,1600 --updates 6000      error against number of paths, beside PCA + DNN
  pybridge train crystal.h5 --config pca_dnn --front --out runs/front  error against cost: many small trainings

What the data cannot teach (too few, noisy, one-sided, wrong units) is told before, and what came of it after.
The folder --out gets checkpoint.pt, learning_curve.csv and .png and, at the end, surrogate.npz, which `pybridge
export` turns into a model file. An interrupted training goes on, to the same bits, with the same command.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from training.config import config_from_dict, read_config
from training.yield_surface_config import wants

if TYPE_CHECKING:
    from training.datasets import DataSet

HELP = "train a surrogate on a data set"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge train --help`."""
    parser.add_argument("data", type=Path, help="data set (.h5)")
    parser.add_argument(
        "--config",
        default="yield_surface",
        help="a TOML file, or the name of one that ships: yield_surface (default), pca_dnn, pca_dnn_impact",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the training (runs/NAME)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of the configuration"
    )
    parser.add_argument(
        "--front", action="store_true", help="pca_dnn: train the front of error against cost instead"
    )
    parser.add_argument(
        "--curve",
        metavar="N1,N2,…",
        help="error against the number of training paths instead: this surrogate and PCA + DNN",
    )
    parser.add_argument(
        "--updates",
        type=int,
        metavar="N",
        help="--curve: of every training (the configurations' on 3200 paths)",
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch (1)")
    parser.add_argument(
        "--unchecked", action="store_true", help="train on data whose moduli or wave speed cannot be right"
    )


def run(options: argparse.Namespace) -> int:
    """Train, and say how well."""
    import tomllib

    import torch

    from pybridge.deploy.findings import show
    from training.data_check import after_training, worth_telling
    from training.datasets import read_dataset
    from training.train import train

    torch.set_num_threads(max(1, options.threads))
    if options.curve is not None:
        return train_curve(options)
    if wants(options.config):
        return train_yield_surface(options)
    config = read_config(options.config)
    for text in options.set:
        try:
            change = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            key, _, value = text.partition("=")
            change = {key.strip(): value.strip()}
        config = config_from_dict({**dataclasses.asdict(config), **change}, f"--set {text}")
    data = checked(read_dataset(options.data), options.unchecked)
    out = options.out or Path("runs") / config.name
    if options.front:
        from training.front import front

        return front(data, config, out)
    model = train(data, config, out)
    measured = model.card["errors"].get("validation")
    show(worth_telling(after_training(out / "learning_curve.csv")))
    print(
        f"{out / 'surrogate.npz'}: {model.multiply_adds} multiply-adds a point, {6 * model.modes_in} sums of state"
    )
    if measured is None:
        print("no paths were held back: run `pybridge evaluate` for its errors")
        return 0
    words = ", ".join(
        f"{name} {100 * measured[name]:.2f} %"
        for name in ("total", "deviatoric", "volumetric")
        if measured[name] is not None
    )
    print(f"error on held-back paths, whole path known: {words}")
    return 0


def train_yield_surface(options: argparse.Namespace) -> int:
    """The same for a configuration of kind "yield_surface"."""
    from pybridge.deploy.findings import show
    from pybridge.errors import ConfigError
    from training.data_check import after_training, worth_telling
    from training.datasets import read_dataset
    from training.yield_surface_config import from_command
    from training.yield_surface_train import train

    if options.front:
        raise ConfigError("--front varies PCA modes and width: give --config pca_dnn with it")
    config = from_command(options.config, options.set)
    out = options.out or Path("runs") / config.name
    surrogate = train(checked(read_dataset(options.data), options.unchecked), config, out)
    show(worth_telling(after_training(out / "learning_curve.csv")))
    size = surrogate.card["sizes"]
    states = 5 * size["backstresses"] + size["scalars"]
    print(
        f"{out / 'surrogate.npz'}: {surrogate.multiply_adds} multiply-adds a point and step, {states} hidden states"
    )
    measured = surrogate.card["errors"].get("validation", {})
    words = ", ".join(
        f"{key} {100 * measured[key]:.2f} %"
        for key in ("total", "deviatoric")
        if measured.get(key) is not None
    )
    print(f"error on held-back paths: {words or 'no paths were held back'}")
    return 0


def checked(data: DataSet, anyway: bool) -> DataSet:
    """The data set, once its warnings are told. Raises DataSetError where one is an error, unless `anyway`."""
    from pybridge.deploy.findings import ERROR, show
    from pybridge.errors import DataSetError
    from training.data_check import examine, worth_telling

    findings = worth_telling(examine(data))
    show(findings)
    errors = [one for one in findings if one.state == ERROR]
    if errors and not anyway:
        raise DataSetError(f"{data.path}: {errors[0].text}; {errors[0].remedy}, or train --unchecked")
    return data


def train_curve(options: argparse.Namespace) -> int:
    """Error against number of paths."""
    from pybridge.errors import ConfigError
    from training.datasets import read_dataset
    from training.learning_curve import learning_curve
    from training.yield_surface_config import from_command

    try:
        counts = sorted({int(text) for text in options.curve.split(",")})
    except ValueError as error:
        raise ConfigError(f"--curve {options.curve}: expected whole numbers, as 100,200,400") from error
    if counts[0] < 1:
        raise ConfigError(f"--curve {options.curve}: expected numbers of paths from 1")
    if options.updates is not None and options.updates < 1:
        raise ConfigError(f"--updates {options.updates}: expected 1 or more")
    config = from_command("yield_surface", options.set)
    out = options.out or Path("runs") / "curve"
    learning_curve(read_dataset(options.data), counts, config, out, options.updates)
    print(f"{out / 'learning_curve.png'}, .md, .json")
    return 0
