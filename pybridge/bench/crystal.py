"""Speed of the Taylor polycrystal: microseconds a grain and step, order under step halving, Newton corrections.

One thread. Every step of a random walk of 10 % (128 grains, 1 microsecond, 1000 steps) is timed in CPU seconds over
several runs; the smallest of each step counts. The floor is the arithmetic of the source at the peak of this machine.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pybridge._core import (
    CrystalParameters,
    active_isa,
    make_taylor_crystal,
    peak_flops,
    uniform_orientations,
)
from pybridge.report import Report

GRAINS = 128
DURATION = 1e-6
STEPS = 1000
SHORT = {"float64": "f64", "float32": "f32"}
# Operations a lane of cpp/crystal, counted in the source: add, multiply, divide one each, multiply-add two.
FLOP_CORRECTION = (
    1700  # slip.h, correct(): 12 systems of 76, exponential and metric 400, 5 x 5 system 150, update 240
)
FLOP_REST = 2700  # grain.h, advance() without the corrections; twins in one division, one of them active


def random_walk(steps: int, points: int, amplitude: float = 0.1, knots: int = 10) -> NDArray[np.float64]:
    """Stretch (steps + 1, 6, points): walks with Rademacher increments, monotone cubics between them, seeded."""
    from scipy.interpolate import PchipInterpolator

    rng = np.random.default_rng(1)
    values = np.zeros((knots + 1, 6, points))
    values[1:] = np.cumsum(rng.choice([-1.0, 1.0], (knots, 6, points)) * amplitude / np.sqrt(knots), axis=0)
    path = PchipInterpolator(np.linspace(0, 1, knots + 1), values)(np.linspace(0, 1, steps + 1))
    path[:, :3] += 1
    return path


@dataclass
class Run:
    """Stress (steps + 1, 6, n), CPU seconds of each step, share of points that failed in each step."""

    stress: NDArray
    seconds: NDArray
    failed: NDArray


def run_path(material, path: NDArray, dt: float, *, accept_failure: bool = False) -> Run:
    """Update along a path; `accept_failure` starts every step from the virgin state and counts what fails."""
    dtype, n = material.dtype, path.shape[2]
    stretch = np.ascontiguousarray(path.astype(dtype))
    old = np.zeros((material.state_size, n), dtype)
    new = np.zeros_like(old)
    stress = np.zeros((len(path), 6, n), dtype)
    strain, zeros, ones = np.zeros((6, n), dtype), np.zeros(n, dtype), np.ones(n, dtype)
    work, status = np.zeros(n, dtype), np.zeros(n, np.int32)
    seconds, failed = np.zeros(len(path) - 1), np.zeros(len(path) - 1)
    for k in range(len(path) - 1):
        begin = time.process_time()
        material.update(
            time_old=k * dt, dt=dt, strain_inc=strain, stretch_old=stretch[k], stretch_new=stretch[k + 1],
            temperature=zeros, density=ones, stress_old=stress[k], state_old=old, stress_new=stress[k + 1],
            state_new=new, dissipation_inc=work, status=status,
        )  # fmt: skip
        seconds[k] = time.process_time() - begin
        failed[k] = np.mean(status != 0)
        if failed[k] and not accept_failure:
            raise RuntimeError(f"bench crystal: {np.sum(status != 0)} points failed in step {k}")
        old, new = new, old
    return Run(stress, seconds, failed)


def deviator(stress: NDArray) -> NDArray:
    """Deviatoric part of (steps, 6, n) tensor components."""
    out = stress.copy()
    out[:, :3] -= stress[:, :3].mean(axis=1, keepdims=True)
    return out


def crystal(precision: str, grains: int = GRAINS, **changes: float):
    """The polycrystal of Table A.1 with some of its numerical choices changed."""
    parameters = CrystalParameters()
    for name, value in changes.items():
        setattr(parameters, name, value)
    return make_taylor_crystal(uniform_orientations(grains, 0), parameters, precision)


def time_per_grain(precision: str, points: int, steps: int, repeats: int) -> float:
    """Seconds a grain and step: the mean over the path of the smallest time of each step."""
    path = random_walk(STEPS, points)[:: STEPS // steps] if steps < STEPS else random_walk(STEPS, points)
    material = crystal(precision)
    best = np.min([run_path(material, path, DURATION / steps).seconds for _ in range(repeats)], axis=0)
    return float(best.mean()) / (points * GRAINS)


def speed(report: Report, quick: bool) -> dict[str, float]:
    """Time a grain and step for both precisions and three sizes of block."""
    found = {}
    for precision, short in SHORT.items():
        for points in (1, 16) if quick else (1, 16, 136):
            seconds = time_per_grain(precision, points, 250 if quick else STEPS, 2 if points > 16 else 4)
            target = "<= 0.5" if points == 16 and precision == "float32" else ""
            report.add(f"time a grain and step, {short}, nblock {points}", seconds * 1e6, "us", target)
            found[f"{short} {points}"] = seconds
    fastest = min(found["f32 16"], found["f64 16"])
    paths = 3200 * STEPS * GRAINS * fastest / 2
    report.add("3200 paths of 1000 steps and 128 grains on 2 cores", paths / 60, "min", "<= 5")
    return found


def corrections(steps: int) -> float:
    """Mean Newton corrections a grain and step, from the share of grains that fail when only k are allowed."""
    path = random_walk(STEPS, 64)[:steps]
    total = 2.0  # the prediction, and one that must find nothing left
    full = CrystalParameters()
    rotations = uniform_orientations(8, 0)
    for allowed in range(1, 9):
        share = []
        for q in rotations:
            limited = CrystalParameters()
            limited.iterations_max = allowed
            share.append(
                failures(
                    make_taylor_crystal(q[None], full, "float64"),
                    make_taylor_crystal(q[None], limited, "float64"),
                    path,
                )
            )
        total += float(np.mean(share))
        if np.mean(share) == 0:
            break
    return total


def failures(full, limited, path: NDArray) -> float:
    """Share of points and steps where `limited` fails from the states that `full` goes through."""
    dt, n = DURATION / STEPS, path.shape[2]
    old, new = np.zeros((full.state_size, n)), np.zeros((full.state_size, n))
    spare, stress = np.zeros_like(new), np.zeros((6, n))
    status, count = np.zeros(n, np.int32), 0
    for k in range(len(path) - 1):
        arguments = {
            "time_old": k * dt, "dt": dt, "strain_inc": stress, "stretch_old": np.ascontiguousarray(path[k]),
            "stretch_new": np.ascontiguousarray(path[k + 1]), "temperature": stress[0], "density": stress[0],
            "stress_old": stress, "state_old": old, "stress_new": np.zeros((6, n)), "dissipation_inc": np.zeros(n),
        }  # fmt: skip
        limited.update(**arguments, state_new=spare, status=status)
        count += int(np.sum(status != 0))
        full.update(**arguments, state_new=new, status=status)
        old, new = new, old
    return count / (n * (len(path) - 1))


def order(report: Report, quick: bool) -> None:
    """Error of the deviatoric stress history at 1000 steps and its slope, with and without twins.

    The median of the points: two twin systems of a grain that compete on equal terms may change the winner with the
    step, and then one point is off by a share of a grain at any step.
    """
    finest = 8000 if quick else 32000
    counts = (1000, 2000)
    path = random_walk(finest, 4 if quick else 8)

    def history(steps: int, **changes: float) -> NDArray:
        part, material = path[:: finest // steps], crystal("float64", 16, tolerance=1e-3, **changes)
        return deviator(run_path(material, part, DURATION / steps).stress)[:: steps // counts[0]]

    for name, twins, implicitness, target in (
        ("slip and twins", 1e5, 0.5, ">= 1"),
        ("slip alone", 0.0, 0.5, ">= 1.4"),
        ("slip alone, backward Euler", 0.0, 1.0, ""),
    ):
        exact = history(finest, twin_rate=twins)
        size = np.linalg.norm(exact, axis=(0, 1))
        error = [
            float(np.median(np.linalg.norm(history(n, twin_rate=twins, implicitness=implicitness) - exact, axis=(0, 1)) / size))
            for n in counts
        ]  # fmt: skip
        report.add(f"deviatoric error at 1000 steps, {name}", error[0], "1")
        report.add(f"order, 1000 to 2000 steps, {name}", float(np.log2(error[0] / error[1])), "1", target)


def run(options: argparse.Namespace) -> Report:
    """See `pybridge bench crystal`."""
    report = Report("crystal")
    report.add("vector width", {"baseline": 16, "avx2": 32, "avx512": 64}[active_isa()], "byte")
    found = speed(report, options.quick)
    mean = corrections(40 if options.quick else 200)
    report.add("Newton corrections a grain and step", mean, "1")
    flop = FLOP_REST + FLOP_CORRECTION * mean
    report.add("arithmetic a grain and step", flop, "flop")
    for precision, short in SHORT.items():
        peak = peak_flops(precision, "active", 8 if options.quick else 40)
        report.add(f"floor {short}: arithmetic at peak", flop / peak * 1e6, "us")
        report.add(f"share of peak, {short}", flop / peak / found[f"{short} 16"], "1")
    order(report, options.quick)
    return report
