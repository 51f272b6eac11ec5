"""Say in words what a model file (.pt), a data set (.h5) or a training folder holds.

pybridge inspect magnesium.pt
pybridge inspect magnesium.pt --deck                        the *MATERIAL block of a deck in m, kg, s
pybridge inspect magnesium.pt --deck --units mm-tonne-s     the same in other units
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

HELP = "say in words what a model file or data set holds"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge inspect --help`."""
    from pybridge.deploy.material_block import UNITS

    parser.add_argument("file", type=Path, help="model file (.pt), data set (.h5) or training folder")
    parser.add_argument(
        "--deck",
        action="store_true",
        help="print the *MATERIAL block to paste: name, constants, state variables, density",
    )
    parser.add_argument("--name", metavar="NAME", help="of the material in the deck (the file's name)")
    parser.add_argument("--units", choices=tuple(UNITS), default="m-kg-s", help="of the deck (m-kg-s)")
    parser.add_argument(
        "--density",
        type=float,
        metavar="RHO",
        help="in the deck's units, where the model does not say it or another is meant",
    )
    parser.add_argument(
        "--stop-if-unreliable",
        action="store_true",
        help="constant 3: stop the job where a point leaves the trained range",
    )


def run(options: argparse.Namespace) -> int:
    """Print the words, or the block."""
    if options.deck:
        from pybridge.deploy.material_block import material_block

        block = material_block(
            options.file, options.name, options.units, options.density, options.stop_if_unreliable
        )
        print(block, end="")
        return 0
    for line in describe(options.file):
        print(line)
    return 0


def describe(path: Path) -> list[str]:
    """Lines of plain words; raises ModelFileError or DataSetError for a file that cannot be read."""
    from pybridge.errors import PybridgeError
    from training.datasets import parts_folder

    if path.suffix == ".pt":
        return _model(path)
    if path.suffix in (".h5", ".hdf5"):
        return _unfinished(path) if not path.exists() and parts_folder(path).exists() else _data(path)
    if path.is_dir():
        return _training(path)
    raise PybridgeError(f"{path}: expected a model file (.pt), a data set (.h5) or a training folder")


def _percent(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {100 * value:.2f} %" for name, value in values.items() if value is not None)


def _errors(errors: dict[str, Any]) -> list[str]:
    lines = []
    for name, values in errors.items():
        lines.append(f"  {name}: {_percent(values) if isinstance(values, dict) else values}")
    return lines or ["  none recorded; `pybridge evaluate` measures them"]


def _model(path: Path) -> list[str]:
    from pybridge.model_file import read_model

    file = read_model(path)
    card = file.card
    domain, moduli = card["domain"], card["elastic_moduli"]
    lines = [
        f"{path}: model {card['name']!r}, kind {card['kind']}, format version {card['format_version']}, trained in {card['precision']}",
        f"made with {', '.join(f'{k} {v}' for k, v in card['created_with'].items())}",
        f"elastic moduli of the virgin material: bulk {moduli['bulk'] / 1e9:.2f} GPa, shear {moduli['shear'] / 1e9:.2f} GPa; density {card['density'] or 'not given'}",
        f"trained for |U - I| up to {_limit(domain['strain_max'], '')}, |dU/dt| up to {_limit(domain['rate_max'], '1/s')}, times up to {_limit(domain['time_max'], 's')}",
        "state of a point: "
        + ", ".join(f"{s['name']}[{s['count']}] ({s['description']})" for s in card["state_schema"]),
    ]
    if "network" in card:
        layers = card["network"]
        cost = sum(layer["in"] * layer["out"] for layer in layers)
        shape = " - ".join([str(layers[0]["in"]), *(str(layer["out"]) for layer in layers)])
        lines.append(f"network {shape}, {layers[0]['activation']}: {cost} multiply-adds a point")
    pressure = file.tensors.get("pressure_coefficients")
    lines.append(
        "pressure: learned by the network"
        if pressure is None
        else f"pressure: polynomial in J - 1, coefficients {', '.join(f'{p:.4g}' for p in pressure)} Pa"
    )
    training = card["training"]
    lines.append(
        f"trained on {training.get('paths', '?')} paths, {training.get('epochs', '?')} epochs, data sha256 {str(training.get('data_sha256'))[:16]}…"
    )
    for part in training.get("data", {}).get("parts", []):
        spec = part["spec"]
        lines.append(
            f"  {part['paths']} paths {spec['protocol']}, largest strain {spec['strain']}, seed {spec['seed']}"
        )
    lines.append("errors measured (mean relative L2 of the stress history):")
    return [*lines, *_errors(card["errors"])]


def _limit(value: float | None, unit: str) -> str:
    return "any" if value is None else f"{value:.4g} {unit}".strip()


def _data(path: Path) -> list[str]:
    import numpy as np

    from training.datasets import read_dataset
    from training.tensors import determinant, deviator, norm

    data = read_dataset(path)
    protocols = {name: data.protocol.count(name) for name in sorted(set(data.protocol))}
    times = data.time if data.time.ndim == 1 else data.time[0]
    strain = norm(data.strain)
    lines = [
        f"{path}: data set of {len(data)} paths ({', '.join(f'{n} {p}' for p, n in protocols.items())}), {data.failed} failed ones left out",
        f"{len(times) - 1} stored steps up to {times[-1]:.4g} s",
        f"|U - I| up to {strain.max():.3f} (at the end {np.median(strain[:, -1]):.3f} in the middle), det U from {determinant(data.stretch).min():.3f} to {determinant(data.stretch).max():.3f}",
        f"stress up to {norm(data.stress).max() / 1e9:.3g} GPa, deviator up to {norm(deviator(data.stress)).max() / 1e6:.4g} MPa",
    ]
    law = data.provenance.get("law")
    if law:
        lines.append(f"law {law['name']}, constants {law['constants']}, run in {law['precision']}")
    for key in ("material", "code_version", "seconds_last_run", "source"):
        if key in data.provenance:
            lines.append(f"{key}: {data.provenance[key]}")
    return lines


def _unfinished(path: Path) -> list[str]:
    import json

    from training.datasets import parts_folder

    folder = parts_folder(path)
    header = json.loads((folder / "header.json").read_text(encoding="utf-8"))
    done = len(list(folder.glob("batch-*.h5")))
    wanted = sum(part["paths"] for part in header.get("parts", []))
    return [
        f"{path}: unfinished; {done} batches of {wanted} paths stand in {folder}; repeat its `generate` command to go on"
    ]


def _training(path: Path) -> list[str]:
    from training.pca_dnn import load_surrogate

    curve = path / "learning_curve.csv"
    if not (path / "surrogate.npz").exists() and curve.exists():
        rows = curve.read_text(encoding="utf-8").splitlines()
        return [
            f"{path}: unfinished training, last checkpoint: {rows[0]} = {rows[-1]}; repeat its `train` command to go on"
        ]
    model = load_surrogate(path / "surrogate.npz")
    training = model.card["training"]
    return [
        f"{path}: trained surrogate {model.card['name']!r}, {model.multiply_adds} multiply-adds a point, {len(model.primitive)} sums of state",
        f"trained on {training['paths']} paths, {training['epochs']} epochs; configuration {training['config']}",
        "errors measured (mean relative L2 of the stress history):",
        *_errors(dict(model.card["errors"])),
    ]
