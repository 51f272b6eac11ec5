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
        f"elastic moduli of the virgin material: bulk {_pascal(moduli['bulk'])}, shear {_pascal(moduli['shear'])}; density {card['density'] or 'not given'}",
    ]
    state = "state of a point: " + ", ".join(
        f"{s['name']}[{s['count']}] ({s['description']})" for s in card["state_schema"]
    )
    if card["kind"] == "mlp_history":
        return [*lines, state, *_soil(path)]
    lines += [
        f"trained for |U - I| up to {_limit(domain['strain_max'], '')}, |dU/dt| up to {_limit(domain['rate_max'], '1/s')}, times up to {_limit(domain['time_max'], 's')}",
        state,
    ]
    members = card.get("members", 1)
    if "network" in card:
        layers = card["network"]
        text = f"network {_shape(layers)}, {layers[0]['activation']}: {members * _cost(layers)} multiply-adds a point"
        lines.append(
            text if members == 1 else f"{members} members of kind {card['member_kind']}, each with a {text}"
        )
    if "spread_max" in file.tensors:
        scale, limit = (float(file.tensors[name][0]) for name in ("stress_scale", "spread_max"))
        lines.append(f"members disagree beyond a spread of {limit:.3g} times {_pascal(scale)}")
    pressure = file.tensors.get("pressure_coefficients", file.tensors.get("member0.pressure_coefficients"))
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


def _soil(path: Path) -> list[str]:
    """What is particular to a committee with accumulated strain (docs/soil.md)."""
    import numpy as np

    from training.mlp_export import read_mlp
    from training.mlp_train import PARTS

    model = read_mlp(path)
    layers, training, count = model.card["network"], model.card["training"], len(model.weights)
    config = model.card["training"].get("config", {})
    own = config.get("stiffness_width")
    lines = [
        f"committee of {count} with networks {_shape(layers)}, {model.activation}: {count * _cost(layers)} multiply-adds a point",
        *([f"  two side by side in each: width {config['width']} for stresses, {own} for stiffness"] if own else []),
        f"deadband of the accumulated strain: {model.deadband:g}" if model.deadband else "no deadband of the accumulated strain",
        f"members disagree beyond a spread of {model.spread_max:.3g} times {_pascal(model.stress_scale)}",
        "stress at rest: " + _components(model.answer(np.zeros((1, 6)))[0][0, :3], _pascal),
        "box of the training; a point is unreliable a tenth of its size outside:",
    ]  # fmt: skip
    low, high = (x.reshape(2, 3) for x in (model.lowest, model.highest))
    for name, a, b in zip(("strain", "accumulated strain"), low, high, strict=True):
        lines.append(
            f"  {name} " + _components(np.stack([a, b], 1), lambda ab: f"{ab[0]:.3g} to {ab[1]:.3g}")
        )
    epochs = ", ".join(f"{log['epoch']} of {log['epochs']}" for log in training.get("members", []))
    if epochs:
        lines.append(f"best epochs of the members: {epochs}")
    lines.append(
        f"data of checksum {training.get('data', 'not recorded')}, packing {training.get('packing') or 'not recorded'}"
    )
    sets = [training["runs"], *training.get("added", [])] if "runs" in training else []
    for k, runs in enumerate(sets, start=1):
        lines.append(f"  set {k}: " + ", ".join(f"{part} on {_runs(runs[part])}" for part in PARTS))
    if not sets and "train_share" in config:
        first, second = config["train_share"], config["validation_share"]
        shares = ", ".join(
            f"{part} on {100 * s:.0f} %"
            for part, s in zip(PARTS, (first, second, 1 - first - second), strict=True)
        )
        lines.append(f"  of the runs of each set: {shares}")
    lines.append("errors (relative L2 over all points):")
    errors = dict(model.card["errors"])
    by_part = {
        part: {what: errors.pop(f"{what}_{part}", None) for what in ("stress", "stiffness")} for part in PARTS
    }
    return [
        *lines,
        *_errors(
            {part: row for part, row in by_part.items() if any(v is not None for v in row.values())} | errors
        ),
    ]


def _components(values: Any, text: Any) -> str:
    return ", ".join(f"{name} {text(value)}" for name, value in zip(("11", "22", "12"), values, strict=True))


def _runs(numbers: list[int]) -> str:
    """Which they are, or how many where they are many."""
    if len(numbers) > 12:
        return f"{len(numbers)} runs"
    return (
        "run " * (len(numbers) == 1) + "runs " * (len(numbers) > 1) + (" ".join(map(str, numbers)) or "none")
    )


def _shape(layers: list[dict[str, Any]]) -> str:
    return " - ".join([str(layers[0]["in"]), *(str(layer["out"]) for layer in layers)])


def _cost(layers: list[dict[str, Any]]) -> int:
    return sum(layer["in"] * layer["out"] for layer in layers)


def _pascal(value: float) -> str:
    for unit, size in (("GPa", 1e9), ("MPa", 1e6), ("kPa", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.2f} {unit}"
    return f"{value:.3g} Pa"


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
        f"stress up to {_pascal(norm(data.stress).max())}, deviator up to {_pascal(norm(deviator(data.stress)).max())}",
    ]
    law = data.provenance.get("law")
    if law:
        lines.append(f"law {law['name']}, constants {law['constants']}, run in {law['precision']}")
    for key in ("material", "code_version", "seconds_last_run", "source", "packing"):
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
    from training.yield_surface_export import holds, load, members_of

    curve = path / "learning_curve.csv"
    if not (path / "surrogate.npz").exists() and curve.exists():
        rows = curve.read_text(encoding="utf-8").splitlines()
        return [
            f"{path}: unfinished training, last checkpoint: {rows[0]} = {rows[-1]}; repeat its `train` command to go on"
        ]
    if holds(path):
        surrogate = load(path / "surrogate.npz")
        card = surrogate.card
        return [
            f"{path}: trained {card['kind']} {card['name']!r} of {len(members_of(surrogate))}, sizes {card['sizes']}",
            f"trained on {card['training'].get('paths', '?')} paths, {card['training'].get('epochs', '?')} epochs",
            "errors measured (mean relative L2 of the stress history):",
            *_errors(dict(card["errors"])),
        ]
    model = load_surrogate(path / "surrogate.npz")
    training = model.card["training"]
    return [
        f"{path}: trained surrogate {model.card['name']!r}, {model.multiply_adds} multiply-adds a point, {len(model.primitive)} sums of state",
        f"trained on {training['paths']} paths, {training['epochs']} epochs; configuration {training['config']}",
        "errors measured (mean relative L2 of the stress history):",
        *_errors(dict(model.card["errors"])),
    ]
