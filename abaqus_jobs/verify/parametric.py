"""`pybridge verify parametric`: [LIU22] Figs. 5 and 7 with one trained file, and the error toward the edge of its domain.

Rods at four velocities and three aspect ratios, plates at three velocities and thicknesses, through vumat_: a table, one data
file (as `pybridge study` writes them), and pictures of the von Mises stress after 1 us. Then five of the rods
against the polycrystal at every point of the same mesh: errors, largest strain over the trained one, points flagged.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from pybridge.report import Report

# Rods that also run with the fine scale, by name: label, parameters. From the middle of the trained domain to beyond it.
POINTS: dict[str, tuple[str, dict[str, float]]] = {
    "V100": ("100 m/s", {"velocity": 100.0}),
    "D2": ("2 mm", {"diameter": 2e-3}),
    "V200": ("200 m/s", {"velocity": 200.0}),
    "V300": ("300 m/s", {"velocity": 300.0}),
    "V400": ("400 m/s", {"velocity": 400.0}),
}
KEPT = ("error_displacement", "error_mises", "error_stress_total", "error_stress_deviatoric", "error_stress_volumetric",
        "error_foot_radius", "error_mises_where_not_flagged", "share_of_points_flagged", "johnson_cook_error_mises",
        "learned_energy_error")  # fmt: skip
TARGETS = {("V200", "error_mises"): "<= 0.10", ("V200", "error_displacement"): "<= 0.02"}


def run(options: argparse.Namespace) -> Report:
    """Train what is not given (--model), run the study, compare three of its points with the fine scale."""
    from abaqus_jobs.impact_check import compare_materials
    from abaqus_jobs.learned_magnesium import learned_magnesium
    from abaqus_jobs.parametric import largest_strain, run_series
    from abaqus_jobs.parametric_pictures import plot_errors
    from abaqus_jobs.rods import taylor_anvil
    from pybridge.model_file import read_model
    from pybridge.results import read_results

    out = options.out or Path("runs") / "verify"
    model = Path(options.model or learned_magnesium(out / "magnesium"))
    folder, report = out / "parametric", Report("parametric")
    trained = float(read_model(model).card["domain"]["strain_max"])
    fixed = {"elements": "300", "time": "2e-7", "intervals": "4"} if options.quick else {}
    found = run_series(model, folder, fixed=fixed, threads=2)
    for name, results in found.items():
        report.add(f"{name}_largest_mises", 1e-6 * float(results.element("mises").max()), "MPa")
        report.add(f"{name}_largest_strain", largest_strain(results), "1")
        report.add(f"{name}_flagged", float((results.element("unreliable_so_far") > 0).mean()), "1")
    rows, shares = [], []
    for point, (_, parameters) in POINTS.items():
        builder = partial(taylor_anvil, elements=400 if options.quick else 3200, **parameters)
        place = folder / f"against_fine_scale_{point}"
        figures = compare_materials(builder, model, place, reuse=True, threads=2).figures
        rows.append({name: figure.value for name, figure in figures.items()})
        shares.append(largest_strain(read_results(place / "fine_scale.h5")) / trained)
        report.add(f"{point}_strain_over_trained", shares[-1], "1")
        for name in KEPT:
            report.add(f"{point}_{name}", rows[-1][name], "1", TARGETS.get((point, name), ""))
    labels = [label for label, _ in POINTS.values()]
    print(plot_errors(labels, rows, shares, folder / "error_toward_the_edge.png"))
    return report
