"""Pictures of results with matplotlib: fields on the deformed shape, histories, two runs side by side."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.results.reader import ResultFileError, Results
from pybridge.results.slices import Polygons, axial_cut, surface

_SCALES = {"Pa": (1e-6, "MPa"), "m": (1e3, "mm"), "J": (1.0, "J"), "1": (1.0, ""), "": (1.0, "")}
_TITLES = {
    "mises": "von Mises stress",
    "deviatoric_strain": "deviatoric strain measure $e_d$",
    "volumetric_strain": "volumetric strain measure $e_v$",
    "equivalent_plastic_strain": "equivalent plastic strain",
}
_ENERGIES = ("kinetic", "internal", "plastic", "viscous", "hourglass", "contact", "external", "total")
_STYLE = {
    "font.size": 9, "axes.titlesize": 10, "figure.dpi": 150, "savefig.dpi": 150, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": False, "legend.frameon": False, "image.cmap": "viridis",
}  # fmt: skip


def title_of(name: str) -> str:
    """A field's name for people."""
    return _TITLES.get(name, name.replace("_", " "))


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def values_of(results: Results, field: str, frame: int) -> tuple[NDArray, str]:
    """One number an element, scaled for people, and its unit. NAME[k] takes a component; vectors give their length."""
    name, _, rest = field.partition("[")
    if name in results.node_fields:
        nodal = np.sqrt((results.node(name, frame) ** 2).sum(1))
        values = np.concatenate([nodal[c].mean(1) for _, c in results.mesh.blocks])
    else:
        values = np.asarray(results.element(name, frame), float)
        if values.ndim == 2:
            component = rest.rstrip("]")
            if component and not (component.isdigit() and int(component) < values.shape[1]):
                raise ResultFileError(
                    f"{results.path}: {field}: expected a component from 0 to {values.shape[1] - 1} in brackets"
                )
            values = values[:, int(component)] if component else np.sqrt((values**2).sum(1))
    factor, unit = _SCALES.get(results.units.get(name, ""), (1.0, results.units.get(name, "")))
    return values * factor, unit


def plot_field(
    results: Results, path: Path, field: str, frame: int = -1, view: str = "cut", mirror: bool = True
) -> Path:
    """The deformed shape with a field, on an axial cut or on the surface."""
    plt = _pyplot()
    values, unit = values_of(results, field, frame)
    time = results.times[frame]
    with plt.rc_context(_STYLE):
        if view == "surface" and not results.mesh.flat:
            figure = plt.figure(figsize=(6.4, 5.6))
            axes = figure.add_subplot(projection="3d")
            polygons = surface(results.mesh, results.node("displacement", frame))
            mappable = _draw_surface(axes, polygons, values)
            figure.colorbar(mappable, ax=axes, shrink=0.7, pad=0.08, label=_label(field, unit))
        else:
            polygons = axial_cut(results.mesh, results.node("displacement", frame), mirror=mirror)
            figure, axes = plt.subplots(figsize=_size(polygons), layout="constrained")
            mappable = _draw_cut(axes, polygons, values, _limits(values))
            figure.colorbar(mappable, ax=axes, label=_label(field, unit), **_bar_place(polygons))
        figure.suptitle(f"{_short(results)}\n{title_of(field)}, t = {_time(time)}", fontsize=10)
        return _save(plt, figure, path)


def plot_comparison(
    a: Results,
    b: Results,
    path: Path,
    field: str,
    frames: tuple[int, int],
    names: tuple[str, str],
    mirror: bool = True,
) -> Path:
    """Both runs with one scale, and their difference."""
    plt = _pyplot()
    (va, unit), (vb, _) = values_of(a, field, frames[0]), values_of(b, field, frames[1])
    cuts = [
        axial_cut(r.mesh, r.node("displacement", f), mirror=mirror)
        for r, f in ((a, frames[0]), (b, frames[1]))
    ]
    low, high = _limits(np.concatenate((va, vb)))
    extreme = float(np.nanmax(np.abs(va - vb))) or 1.0
    width, height = _size(cuts[0])
    wide = width > 1.4 * height
    with plt.rc_context(_STYLE):
        shape = (3, 1) if wide else (1, 3)
        size = (width, 2.4 * height) if wide else (min(max(3.0 * width - 6.0, 6.6), 11.0), height)
        figure, all_axes = plt.subplots(*shape, figsize=size, layout="compressed", sharex=True, sharey=True)
        place: dict[str, Any] = {"shrink": 0.8, "pad": 0.02, "location": "right" if wide else "bottom"}
        panels = ((names[0], cuts[0], va), (names[1], cuts[1], vb))
        mappable = None
        for axes, (name, cut, values) in zip(all_axes, panels, strict=False):
            mappable = _draw_cut(axes, cut, values, (low, high))
            axes.set_title(name)
        figure.colorbar(mappable, ax=all_axes[:2], label=_label(field, unit), **place)
        last = _draw_cut(all_axes[2], cuts[1], va - vb, (-extreme, extreme), "RdBu_r")
        all_axes[2].set_title(f"{names[0]}{' ' if wide else chr(10)}− {names[1]}")
        figure.colorbar(last, ax=all_axes[2], label=_label("difference", unit), **place)
        for axes in all_axes:
            axes.label_outer()
        figure.suptitle(f"{_short(b)}\n{title_of(field)}, t = {_time(b.times[frames[1]])}", fontsize=10)
        return _save(plt, figure, path)


def plot_history(runs: list[Results], names: list[str], path: Path) -> Path:
    """Energies, contact forces and the time increment; a second run is dashed."""
    plt = _pyplot()
    with plt.rc_context(_STYLE | {"axes.grid": True, "grid.alpha": 0.25}):
        figure, (energy, force, step) = plt.subplots(
            3, 1, figsize=(6.4, 7.6), sharex=True, layout="constrained"
        )
        colours = plt.get_cmap("tab10").colors
        for results, line in zip(runs, ("-", "--"), strict=False):
            h = results.history
            time, factor = _time_axis(h["time"])
            largest = max(np.abs(h[n]).max() for n in _ENERGIES)
            for k, name in enumerate(_ENERGIES):
                if np.abs(h[name]).max() > 2e-3 * largest:
                    colour = "black" if name == "total" else colours[k]
                    label = name if line == "-" else None
                    energy.plot(h["time"] * factor, h[name], line, lw=1.3, color=colour, label=label)
            for k, name in enumerate(_contact_forces(h)):
                label = name.removeprefix("force_").replace("_", " ") if line == "-" else None
                force.plot(h["time"] * factor, -h[name], line, lw=1.0, color=colours[k], label=label)
            step.plot(h["time"][1:] * factor, h["dt"][1:] * 1e9, line, lw=1.0, color=colours[0])
            step.set_xlabel(f"time ({time})")
        energy.set_ylabel("energy (J)")
        energy.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, 1.32))
        force.set_ylabel("contact force\non the body (N)")
        if force.lines:
            force.legend(loc="best")
        step.set_ylabel("time increment (ns)")
        step.set_ylim(bottom=0.0)
        if len(runs) > 1:
            figure.suptitle(f"solid: {names[0]}; dashed: {names[1]}", fontsize=9)
        else:
            figure.suptitle(_short(runs[0]), fontsize=10)
        return _save(plt, figure, path)


def _contact_forces(history: dict[str, NDArray]) -> list[str]:
    forces = {n: np.abs(v).max() for n, v in history.items() if n.startswith("force_")}
    largest = max(forces.values(), default=0.0)
    return [n for n, size in forces.items() if size > 0.01 * largest]


def _draw_cut(
    axes: Any, polygons: Polygons, values: NDArray, limits: tuple[float, float], cmap: str = "viridis"
) -> Any:
    from matplotlib.collections import PolyCollection

    corners = polygons.corners * 1e3
    collection = PolyCollection(
        list(corners), array=values[polygons.element], cmap=cmap, edgecolors="face", linewidths=0.5
    )
    collection.set_clim(*limits)
    axes.add_collection(collection)
    axes.set_aspect("equal")
    axes.set_facecolor("0.96")
    low, high = corners.min((0, 1)), corners.max((0, 1))
    margin = 0.03 * (high - low).max()
    x0, x1 = axes.get_xlim() if axes.lines else (np.inf, -np.inf)
    axes.set_xlim(min(x0, low[0] - margin), max(x1, high[0] + margin))
    axes.set_ylim(low[1] - margin, high[1] + margin)
    axes.set_xlabel(f"{polygons.axes[0]} (mm)")
    axes.set_ylabel(f"{polygons.axes[1]} (mm)")
    return collection


def _draw_surface(axes: Any, polygons: Polygons, values: NDArray) -> Any:
    import matplotlib
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.ticker import MaxNLocator
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    corners = polygons.corners * 1e3
    normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    normal /= np.maximum(np.linalg.norm(normal, axis=1), 1e-300)[:, None]
    light = 0.75 + 0.25 * normal @ np.array([0.5, -0.6, 0.62])  # darker on the side turned away
    mappable = ScalarMappable(Normalize(*_limits(values)), matplotlib.colormaps["viridis"])
    colours = mappable.to_rgba(values[polygons.element])
    colours[:, :3] *= light[:, None]
    axes.add_collection3d(
        Poly3DCollection(list(corners), facecolors=colours, edgecolors=(0, 0, 0, 0.15), linewidths=0.2)
    )
    low, high = corners.min((0, 1)), corners.max((0, 1))
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_zlim(low[2], high[2])
    axes.set_box_aspect(high - low)
    axes.view_init(elev=22, azim=-55)
    for k, name in enumerate("xyz"):
        getattr(axes, f"set_{name}label")(
            f"{name} (mm)" if high[k] - low[k] > 0.4 * (high - low).max() else ""
        )
        getattr(axes, f"{name}axis").set_major_locator(MaxNLocator(4 if k == 2 else 3))
    return mappable


def _limits(values: NDArray) -> tuple[float, float]:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _size(polygons: Polygons) -> tuple[float, float]:
    low, high = polygons.corners.min((0, 1)), polygons.corners.max((0, 1))
    ratio = float((high[0] - low[0]) / (high[1] - low[1]))
    return (
        (7.2, min(max(6.4 / ratio, 1.6), 5.0) + 1.3)
        if ratio > 1.2
        else (min(max(5.4 * ratio, 2.4), 6.0) + 1.8, 6.4)
    )


def _bar_place(polygons: Polygons) -> dict[str, Any]:
    wide = _size(polygons)[0] > 7.0
    return (
        {"location": "bottom", "shrink": 0.7, "pad": 0.03} if wide else {"location": "right", "shrink": 0.8}
    )


def _label(name: str, unit: str) -> str:
    return f"{title_of(name)} ({unit})" if unit else title_of(name)


def _short(results: Results) -> str:
    lines = results.title.splitlines()
    text = lines[0] if lines and lines[0].strip() else results.path.stem
    return text if len(text) <= 70 else text[:67] + "..."


def _time(time: float) -> str:
    unit, factor = _time_axis(np.array([time]))
    return f"{time * factor:.4g} {unit}"


def _time_axis(times: NDArray) -> tuple[str, float]:
    largest = float(np.max(times)) if len(times) else 0.0
    for unit, factor in (("µs", 1e6), ("ms", 1e3)):
        if largest * factor < 1e3:
            return unit, factor
    return "s", 1.0


def _save(plt: Any, figure: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        figure.savefig(part, format=path.suffix.lstrip(".") or "png")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
        plt.close(figure)
    return path
