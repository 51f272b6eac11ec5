"""Pictures and ParaView files of the runs that `compare_materials` left in a folder."""

from __future__ import annotations

from pathlib import Path

from pybridge.results import figures, read_results
from pybridge.results.panel import plot_panel
from pybridge.results.vtu import export_paraview

CASES = {
    "johnson_cook": "Johnson-Cook",
    "pca_dnn": "PCA + DNN, vumat_",
    "learned": "learned, through vumat_",
    "fine_scale": "fine scale",
}
FIELDS = ("mises", "deviatoric_strain", "volumetric_strain")


def draw(folder: Path) -> list[Path]:
    """All materials in one picture, learned against fine scale with the difference, and .pvd files; their names."""
    runs = {case: read_results(folder / f"{case}.h5") for case in CASES if (folder / f"{case}.h5").is_file()}
    written = [
        plot_panel(list(runs.values()), [CASES[case] for case in runs], folder / "materials.png", FIELDS)
    ]
    if "learned" in runs and "fine_scale" in runs:
        pair = (runs["learned"], runs["fine_scale"])
        names = (CASES["learned"], CASES["fine_scale"])
        for field in FIELDS[:2]:
            path = folder / f"learned_against_fine_scale_{field}.png"
            written.append(figures.plot_comparison(*pair, path, field, (-1, -1), names))
        history = folder / "learned_against_fine_scale_history.png"
        written.append(figures.plot_history(list(pair), list(names), history))
    return written + [export_paraview(run, folder / f"{case}_paraview") for case, run in runs.items()]
