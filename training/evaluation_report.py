"""Run a whole evaluation: fresh fine-scale tests, tables (JSON and text) and pictures in one folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from pybridge.report import write_text_atomic
from training import evaluate, pictures
from training.datasets import DataSet
from training.evaluate import (
    TABLE_PROTOCOLS,
    Source,
    causality,
    causality_figures,
    isotropy,
    isotropy_figures,
)
from training.executor import Executor
from training.pca_dnn import PcaDnn
from training.progress import progress_bar
from training.tensors import IDENTITY, deviator, norm

PAPER = {"R": 5.0, "F": 4.0, "U": 8.0}  # per cent, [LIU22] Table 1, cases 11 to 13


def run_evaluation(
    model: PcaDnn, source: Source, out: Path, executor: Executor, paths: int = 100, strain: float | None = None,
    quiet: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Everything of training.evaluate; writes evaluation.json, evaluation.md and pictures, returns the JSON."""
    out.mkdir(parents=True, exist_ok=True)
    strain = source.spec.strain if strain is None else strain
    protocols = [*TABLE_PROTOCOLS, *sorted(set(source.protocols) - set(TABLE_PROTOCOLS))]
    result: dict[str, Any] = {"strain": strain, "multiply_adds": model.multiply_adds, "protocols": {}}
    with progress_bar(quiet) as bar:
        line = bar.add_task("evaluate", total=len(protocols) + 3, note="")
        sets: dict[str, DataSet] = {}
        for name in protocols:
            bar.update(line, note=f"protocol {name}")
            sets[name] = evaluate.fresh_paths(source, name, paths, strain, out, executor)
            result["protocols"][name] = evaluate.protocol_row(model, sets[name])
            bar.update(line, advance=1)
        bar.update(line, note="resolution")
        fine = evaluate.fresh_paths(source, "R", max(4, paths // 5), strain, out, executor, stored=1000)
        result["resolution"] = evaluate.resolution(model, fine)
        bar.update(line, advance=1, note="causality")
        figures2 = causality(model, source, strain)
        result["causality"] = {name: causality_figures(f, model.time) for name, f in figures2.items()}
        bar.update(line, advance=1, note="isotropy")
        figure3 = isotropy(
            lambda _, stretch: model.history(model.time, stretch - IDENTITY), model.time, source, strain
        )
        result["isotropy"] = isotropy_figures(figure3)
        bar.update(line, advance=1, note="")
    _pictures(model, sets, result, figures2, figure3, out)
    write_text_atomic(out / "evaluation.json", json.dumps(result, indent=1) + "\n")
    write_text_atomic(out / "evaluation.md", "\n".join(table(result)) + "\n")
    return result


def table(result: dict[str, Any]) -> list[str]:
    """The evaluation as a Markdown table and a few lines, errors in per cent: total / deviatoric / volumetric."""

    def three(values: dict[str, float | None]) -> str:
        parts = (values[name] for name in ("total", "deviatoric", "volumetric"))
        return " / ".join("–" if value is None else f"{100 * value:.2f}" for value in parts)

    lines = [
        f"Largest strain {result['strain']}; {result['multiply_adds']} multiply-adds a point; mean relative L2 errors in %, "
        "total / deviatoric / volumetric.",
        "",
        "| protocol | paths | whole path known | in the solver, held | in the solver, linear | held − linear, total | PCA alone, in / out | paper, total |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in result["protocols"].items():
        paper = f"{PAPER[name]:g}" if name in PAPER else ""
        lines.append(
            f"| {name} | {row['paths']} | {three(row['whole'])} | {three(row['held'])} | {three(row['linear'])} | "
            f"{100 * row['held_minus_linear']['total']:.2f} | {100 * row['pca_input']:.2f} / {100 * row['pca_output']:.2f} | {paper} |"
        )
    lines += [
        "",
        "| steps a history | whole, total | whole, deviatoric | held, total | held, deviatoric |",
        "| --- | --- | --- | --- | --- |",
    ]
    for steps, row in result["resolution"].items():
        lines.append(
            f"| {steps} | "
            + " | ".join(
                f"{100 * row[key]:.2f}" for key in ("total", "deviatoric", "held_total", "held_deviatoric")
            )
            + " |"
        )
    for name, text in (("a", "five walks parting at T/2"), ("b", "five ramps held at different times")):
        values = result["causality"][name]
        lines += [
            "",
            f"Causality, {text}: spread before the parting {100 * values['learned']:.2f} % of the largest stress (fine scale {100 * values['fine']:.2f} %), whole futures given; held in the solver it is 0 by construction.",
        ]
    values = result["isotropy"]
    lines += [
        "",
        f"Isotropy: spread of the axial deviatoric stress over 13 directions {100 * values['learned']:.2f} % (fine scale {100 * values['fine']:.2f} %).",
    ]
    return lines


def _pictures(
    model: PcaDnn, sets: dict[str, DataSet], result: dict[str, Any], figures2: Any, figure3: Any, out: Path
) -> None:
    rows = result["protocols"]
    names = list(rows)
    pictures.error_bars(
        names,
        {
            f"{label}, {part}": [rows[name][key][part] or np.nan for name in names]
            for key, label in (("whole", "whole path known"), ("held", "in the solver"))
            for part in ("total", "deviatoric")
        },
        out / "protocols.png",
    )
    cases = []
    for name in ("R", "U-iso", "L-U-iso", "C"):
        one = sets[name].subset(slice(0, 1))
        answers = {
            "fine scale": one.stress[0],
            "whole": model.history(one.time, one.strain)[0],
            "held": model.in_solver(one.time, one.strain)[0],
        }
        cases.append((name, np.broadcast_to(one.time, one.strain.shape[:2])[0], one.strain[0], answers))
    pictures.histories(cases, out / "histories.png")
    profile = evaluate.error_in_time(model, sets["R"])
    pictures.curves(
        {name: (sets["R"].time * 1e6, 100 * values) for name, values in profile.items()},
        ("time, µs", "rms error over rms stress, %"),
        out / "error_in_time.png",
        "y",
    )
    steps = np.array(list(result["resolution"]))
    by = {
        key: np.array([row[key] for row in result["resolution"].values()]) * 100
        for key in ("total", "deviatoric", "held_total", "held_deviatoric")
    }
    pictures.curves(
        {key.replace("_", ", "): (steps, values) for key, values in by.items()},
        ("steps a history", "error, %"),
        out / "resolution.png",
        "xy",
    )
    time = model.time * 1e6
    panels = []
    for name, figure in figures2.items():
        lines = [
            (time, norm(deviator(t)) / 1e6, norm(deviator(p)) / 1e6)
            for t, p in zip(figure.truth, figure.learned, strict=True)
        ]
        panels.append((f"causality ({name})", lines))
    pictures.pairs(panels, ("time, µs", "|deviator|, MPa"), out / "causality.png")
    lines = [(figure3.strain, t / 1e6, p / 1e6) for t, p in zip(figure3.truth, figure3.learned, strict=True)]
    pictures.pairs(
        [("isotropy: tension along 13 directions", lines)],
        ("strain", "axial deviatoric stress, MPa"),
        out / "isotropy.png",
    )
