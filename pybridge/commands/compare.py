"""Compare two results of one deck: relative L2 of displacement, von Mises stress and the strain measures, final
length, foot radius, and where the difference is largest; forces over the whole time up to then. The second result is the
reference.

  pybridge compare learned.h5 fine_scale.h5
  pybridge compare a.h5 b.h5 --time 5e-7 --json difference.json
"""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "compare two results of one deck"
FIELDS = ("displacement", "velocity", "stress", "mises", "pressure", "deviatoric_strain", "volumetric_strain",
          "equivalent_plastic_strain")  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge compare --help`."""
    parser.add_argument("result", type=Path, metavar="RESULT", help="result file (.h5)")
    parser.add_argument("reference", type=Path, metavar="REFERENCE", help="result file to compare with")
    parser.add_argument("--time", type=float, metavar="T", help="time in s (default: the last frame)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the line of JSON to FILE too")
    parser.add_argument(
        "--at-most", type=float, metavar="X", help="exit code 1 where a relative difference exceeds X"
    )


def run(options: argparse.Namespace) -> int:
    """Print the table of differences and the line of JSON."""
    from pybridge.report import Report
    from pybridge.results import read_results
    from pybridge.results.compare import (
        check_comparable,
        difference,
        extent,
        force_differences,
        matching_frames,
    )

    a, b = read_results(options.result), read_results(options.reference)
    check_comparable(a, b)
    frame = -1 if options.time is None else a.frame_at(options.time)
    here, there = matching_frames(a, b, frame)
    report = Report("compare")
    report.add("time", a.times[here], "s")
    target = "" if options.at_most is None else f"<= {options.at_most}"
    places = []
    for name in FIELDS:
        node = name in a.node_fields and name in b.node_fields
        if not node and not (name in a.element_fields and name in b.element_fields):
            continue
        found = difference(a, b, name, frame)
        report.add(
            f"relative L2 of {name}", found.relative, "1", target if name in ("displacement", "mises") else ""
        )
        if name in ("displacement", "mises"):
            report.add(f"largest difference of {name}", found.largest, a.units.get(name, ""))
            report.add(f"its {'node' if node else 'element'} ({name})", found.label, "label")
            x, y, z = found.place
            places.append(
                f"{name}: largest difference at {'node' if node else 'element'} {found.label}, reference position "
                f"({x:.4g}, {y:.4g}, {z:.4g})"
                + (
                    ""
                    if node
                    else f", {'flagged' if found.unreliable else 'not flagged'} unreliable by its material"
                )
            )
    for curve in force_differences(a, b, float(a.times[here])):
        report.add(f"{curve.name}: mean difference over the peak", curve.mean, "1")
        report.add(f"{curve.name}: peak", curve.peak, "1")
        report.add(f"{curve.name}: at the end, over the peak", curve.end, "1")
    for results, text, index in ((a, "result", here), (b, "reference", there)):
        for name, value in extent(results, index).items():
            report.add(f"{name}, {text}", value, "m")
    print("\n".join(places))
    return report.print(options.json)
