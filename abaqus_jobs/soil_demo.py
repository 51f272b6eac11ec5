"""Learned soil from packings to a boundary value problem: what `pybridge demo soil` does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from abaqus_jobs.learned_magnesium import call

PACKING = "disks400"
RUNS, STEPS, STRAIN = 6, 40, 0.04


def learned_soil(out: Path, threads: int, announce: Callable[[str], None]) -> Path:
    """Coupled tests and a committee of five networks in `out`, going on where an earlier call stopped; the model file."""
    data, model = out / "soil.h5", out / "soil.pt"
    announce(f"{RUNS} coupled tests: a packing at each of 32 Gauss points, random lateral pressure")
    if not data.exists():
        call(
            "soil", "generate", "--packing", PACKING, "--runs", str(RUNS), "--steps", str(STEPS),
            "--strain", str(STRAIN), "--threads", str(threads), "--out", str(data),
        )  # fmt: skip
    announce("training: five networks learn stress and stiffness")
    if not model.exists() or model.stat().st_mtime < data.stat().st_mtime:
        call("soil", "train", str(data), "--members", "5", "--epochs", "1500", "--out", str(model))
    return model


def demo(out: Path, threads: int, announce: Callable[[str], None]) -> int:
    """A laboratory test, coupled tests, a committee of five networks, the same test with packings and the network."""
    from abaqus_jobs.soil_check import compare
    from pybridge.solver.implicit import BiaxialTest

    biaxial = out / "biaxial.csv"
    announce("one packing of 400 disks in the laboratory: biaxial test with unloading")
    if not biaxial.exists():
        call(
            "packing", "test", PACKING, "--program", "biaxial", "--strains", "-0.03", "-0.027", "-0.05",
            "--out", str(biaxial),
        )  # fmt: skip
    model = learned_soil(out, threads, announce)
    announce("a test none of them has seen: with packings, and with the network")
    report = compare(PACKING, model, BiaxialTest(strain=STRAIN), STEPS, threads, out)
    report.print(out / "report.json")
    announce(f"done: all files are in {out}/")
    return 0
