"""Pictures of results: the deformed shape with a field, histories, and two runs side by side.

pybridge plot taylor.h5                                   von Mises, strain measures and histories, at the end
pybridge plot taylor.h5 --field equivalent_plastic_strain --time 5e-7
pybridge plot plate.h5 --view surface                     the outer surface in 3D
pybridge plot learned.h5 fine_scale.h5                    both and their difference
pybridge plot taylor.h5 --paraview                        .vtu and .pvd files for ParaView
pybridge plot taylor.h5 --list                            what the file holds
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pybridge.errors import PybridgeError

HELP = "pictures of results, and files for ParaView"
DEFAULT_FIELDS = ("mises", "deviatoric_strain", "volumetric_strain", "equivalent_plastic_strain")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge plot --help`."""
    parser.add_argument(
        "results", type=Path, nargs="+", metavar="RESULT", help="one result file (.h5), or two to compare"
    )
    parser.add_argument(
        "--field",
        action="append",
        metavar="NAME",
        help="field to draw (may be repeated); NAME[k]: a component",
    )
    parser.add_argument("--time", type=float, metavar="T", help="time in s (default: the last frame)")
    parser.add_argument(
        "--view", choices=("cut", "surface"), default="cut", help="axial cut or outer surface (cut)"
    )
    parser.add_argument("--half", action="store_true", help="do not mirror a half or quarter model")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder of the pictures (that of the first result)"
    )
    parser.add_argument(
        "--format", choices=("png", "pdf", "svg"), default="png", help="of the pictures (png)"
    )
    parser.add_argument("--names", nargs=2, metavar=("A", "B"), help="names of two runs in a comparison")
    parser.add_argument("--paraview", action="store_true", help="write all frames for ParaView instead")
    parser.add_argument("--list", action="store_true", help="say what the file holds, and draw nothing")


def run(options: argparse.Namespace) -> int:
    """Draw, and print the name of each file written."""
    from pybridge.results import read_results

    if len(options.results) > 2:
        raise PybridgeError(f"plot: expected one or two result files, got {len(options.results)}")
    runs = [read_results(path) for path in options.results]
    folder = options.out or runs[0].path.parent
    if options.list:
        for results in runs:
            _list(results)
        return 0
    for results in runs:
        if not len(results.times):
            raise PybridgeError(f"{results.path}: it holds no frame yet; run the deck further")
    written = _paraview(runs, folder) if options.paraview else _pictures(runs, folder, options)
    for path in written:
        print(path)
    return 0


def _paraview(runs: list, folder: Path) -> list[Path]:
    from pybridge.results.vtu import export_paraview

    return [export_paraview(results, folder / f"{results.path.stem}_paraview") for results in runs]


def _pictures(runs: list, folder: Path, options: argparse.Namespace) -> list[Path]:
    from pybridge.results import figures
    from pybridge.results.compare import check_comparable, matching_frames

    first = runs[0]
    known = first.element_fields + first.node_fields
    fields = options.field or [name for name in DEFAULT_FIELDS if all(name in r.element_fields for r in runs)]
    for field in fields:
        if field.partition("[")[0] not in known:
            raise PybridgeError(f"{first.path}: no field {field}; it holds {', '.join(known)}")
    frame = -1 if options.time is None else first.frame_at(options.time)
    mirror = not options.half
    if len(runs) == 1:
        stem = f"{first.path.stem}_{{}}" + ("_surface" if options.view == "surface" else "")
        written = [
            figures.plot_field(
                first, _name(folder, stem.format(_safe(f)), options), f, frame, options.view, mirror
            )
            for f in fields
        ]
        return [*written, *_histories(runs, [first.path.stem], folder, first.path.stem, options)]
    second = runs[1]
    check_comparable(first, second)
    frames = matching_frames(first, second, frame)
    names = tuple(options.names) if options.names else (first.path.stem, second.path.stem)
    stem = f"{first.path.stem}_against_{second.path.stem}"
    written = [
        figures.plot_comparison(
            first,
            second,
            _name(folder, f"{stem}_{_safe(f)}", options),
            f,
            frames,
            (names[0], names[1]),
            mirror,
        )
        for f in fields
    ]
    return [*written, *_histories(runs, list(names), folder, stem, options)]


def _histories(
    runs: list, names: list[str], folder: Path, stem: str, options: argparse.Namespace
) -> list[Path]:
    """Energies and contact of explicit runs; force over displacement where something is moved."""
    from pybridge.results import figures
    from pybridge.results.load_figure import moved_regions, plot_load

    written = []
    if all("kinetic" in r.history for r in runs):
        written.append(figures.plot_history(runs, names, _name(folder, f"{stem}_history", options)))
    if all(moved_regions(r) for r in runs):
        written.append(plot_load(runs, names, _name(folder, f"{stem}_load", options)))
    return written


def _name(folder: Path, stem: str, options: argparse.Namespace) -> Path:
    return folder / f"{stem}.{options.format}"


def _safe(field: str) -> str:
    return field.replace("[", "_").replace("]", "")


def _list(results) -> None:
    state = (
        "complete" if results.complete else f"not complete: {results.stopped or 'still running, or killed'}"
    )
    print(f"{results.path}: {results.title.strip() or 'no title'} ({state})")
    nodes, elements = len(results.mesh.coordinates), len(results.mesh.element_labels)
    kinds = ", ".join(sorted({kind for kind, _ in results.mesh.blocks}))
    print(f"  {nodes} nodes, {elements} elements ({kinds}), {len(results.times)} frames", end="")
    print(f" to {results.times[-1]:.6g} s" if len(results.times) else "")
    for title, names in (
        ("node fields", results.node_fields), ("element fields", results.element_fields), ("histories", tuple(results.history)),
    ):  # fmt: skip
        print(f"  {title}: " + ", ".join(f"{n} ({results.units.get(n) or '1'})" for n in names))
