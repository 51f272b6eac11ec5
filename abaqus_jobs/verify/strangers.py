"""`pybridge verify strangers`: VUMATs in classic Fortran, not pybridge's, run in the mini-solver (needs gfortran).

Three subroutines written from textbook equations (abaqus_jobs/vumats: elastic, J2 with kinematic hardening, Neo-Hooke
with damage) are compiled with vaba_param.inc in both precisions and run with `pybridge run --vumat FILE.f` on one
element with a prescribed F(t) = 1 + t A, whose stretch shrinks and grows again while it turns; the stress is compared
with closed forms at every frame. Then the elastic one is given one fault at a time, each of which must be named; and the
Fortran shim of `pybridge build abaqus` must give the bits of the library behind it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from abaqus_jobs.one_element import one_element
from pybridge.commands import main
from pybridge.conventions import matrix_to_block
from pybridge.deck.user_material import user_material
from pybridge.deck.writer import write_deck
from pybridge.errors import HostError
from pybridge.host import UmatLibrary, UmatPoint, load_vumat
from pybridge.host.arguments import Sizes, default_arguments
from pybridge.host.compile import compile_vumat
from pybridge.report import Report
from pybridge.results import read_results

SOURCES = Path(__file__).resolve().parents[1] / "vumats"
TIME = 1e-5  # s
# F = lambda(t) times a rotation about 3: the stretch falls to 0.71 at half time and comes back to 0.91 at the end.
TURN = np.array([[-1.0, -1.0, 0.0], [1.0, -1.0, 0.0], [0.0, 0.0, 0.0]]) / TIME
END = 0.9 * TIME
# Nothing symmetric in it, so that a swapped component shows.
SHEAR = np.array([[0.25, 0.5, -0.2], [0.1, -0.15, 0.3], [-0.35, 0.2, 0.2]]) / TIME
# Relative to the largest stress. Strain is summed over 1000 midpoint steps: second order in the step, and in single
# precision 1000 rounded sums. Neo-Hooke takes U itself; on the turn its largest energy falls between two steps.
TARGETS = {"elastic_turn_double": "<= 2e-6", "elastic_turn_single": "<= 1e-5",
           "j2_kinematic_turn_double": "<= 2e-6", "j2_kinematic_turn_single": "<= 1e-5",
           "neo_hooke_turn_double": "<= 2e-6", "neo_hooke_turn_single": "<= 1e-5",
           "neo_hooke_shear_double": "<= 1e-12", "neo_hooke_shear_single": "<= 1e-5"}  # fmt: skip
ELASTIC = (200e9, 0.3)
KINEMATIC = (117e9, 0.35, 400e6, 2e9)
NEO_HOOKE = (30e6, 50e6, 0.6, 4e6)


@dataclass(frozen=True)
class Case:
    """One subroutine: constants, number of states, path, and its stress (frames, 6) from F at the frames."""

    name: str
    constants: tuple[float, ...]
    states: int
    gradient: NDArray
    stress: Callable[[NDArray], NDArray]


def elastic_stress(f: NDArray) -> NDArray:
    """sigma = lambda tr(ln U) 1 + 2 mu ln U where U keeps its directions."""
    young, poisson = ELASTIC
    two_mu = young / (1 + poisson)
    lame = two_mu * poisson / (1 - 2 * poisson)
    log = _log_stretch(f)
    return _blocks([lame * np.trace(e) * np.eye(3) + two_mu * e for e in log])


def kinematic_stress(f: NDArray) -> NDArray:
    """With e = ln U = ln(lambda) diag(1, 1, 0): along axis 3 the uniaxial problem of Prager's model.

    q = sigma_33 - sigma_11 = 2 G (x - 3 p / 2), x = -ln(lambda), p the plastic strain along 3; yield at
    |q - H p| = sigma_y, so that p follows x - p_0 with a dead zone of 2 sigma_y / 2 G: its answer depends on the path.
    """
    young, poisson, sigma_y, hard = KINEMATIC
    shear, bulk = young / (2 * (1 + poisson)), young / (3 * (1 - 2 * poisson))
    log = np.log(np.linalg.det(f)) / 2
    p, result = 0.0, []
    for x in -log:
        trial = 2 * shear * x - (3 * shear + hard) * p  # q - H p with p held
        over = abs(trial) - sigma_y
        if over > 0:
            p += np.sign(trial) * over / (3 * shear + hard)
        q = 2 * shear * x - 3 * shear * p
        mean = -2 * bulk * x
        result.append(np.diag([mean - q / 3, mean - q / 3, mean + 2 * q / 3]))
    return _blocks(result)


def neo_hooke_stress(f: NDArray) -> NDArray:
    """From B = F F', in the global basis: no stretch, no rotation. Damage by the largest energy so far."""
    mu, lame, most, scale = NEO_HOOKE
    largest, result = 0.0, []
    for one in f:
        j, b = np.linalg.det(one), one @ one.T
        energy = mu / 2 * (np.trace(b) - 3) - mu * np.log(j) + lame / 2 * np.log(j) ** 2
        largest = max(largest, energy)
        damage = most * (1 - np.exp(-largest / scale))
        result.append((1 - damage) / j * (mu * (b - np.eye(3)) + lame * np.log(j) * np.eye(3)))
    return _blocks(result)


def _log_stretch(f: NDArray) -> list[NDArray]:
    values, vectors = np.linalg.eigh(np.swapaxes(f, 1, 2) @ f)
    return [v @ np.diag(np.log(w) / 2) @ v.T for w, v in zip(values, vectors, strict=True)]


def _blocks(stress: list[NDArray]) -> NDArray:
    return np.array([matrix_to_block(one[:, :, None])[:, 0] for one in stress])


CASES = (
    Case("elastic", ELASTIC, 0, TURN, elastic_stress),
    Case("j2_kinematic", KINEMATIC, 7, TURN, kinematic_stress),
    Case("neo_hooke", NEO_HOOKE, 3, TURN, neo_hooke_stress),
    Case("neo_hooke", NEO_HOOKE, 3, SHEAR, neo_hooke_stress),
)

# Code put into the loop of elastic.f, and what the message must say.
FAULTS = {
    "index_out_of_bounds": ("stressNew(i,ndir+nshr+1) = one", "broke a rule of Fortran: At line"),
    "write_past_the_end": ("call spoil(stressNew(1,1), nblock*(ndir+nshr)+3)", "wrote out of bounds of stressNew"),
    "write_before_the_beginning": ("call spoil(stressNew(1,1), -2)", "Index '-2' of dimension 1 of array 'a' below"),
    "changed_input": ("call spoil(strainInc(1,2), 1)", "changed its input strainInc, component 2 of point 1"),
    "stress_not_set": ("return", "of stressNew unwritten"),
    "not_a_number": ("stressNew(i,4) = sqrt(props(2) - one)", "answered not-a-number in stressNew, component 4"),
    "stop": ("stop 'no convergence'", "reached STOP no convergence"),
    "abaqus_error": ("call xplb_abqerr(-3, 'point %I of %S', i, one, 'STEEL   ')", "severe error: point 1 of STEEL"),
    "abaqus_exit": ("call xplb_exit", "left through xplb_exit"),
    "wild_address": ("call spoil(stressNew(1,1), 2000000000)", "which is not its own"),
}  # fmt: skip
SPOIL = """
      subroutine spoil(a, k)
      include 'vaba_param.inc'
      dimension a(*)
      a(k) = 7
      end
"""


def run(options: argparse.Namespace) -> Report:
    """Run the check; --quick takes 200 steps, which misses targets."""
    report = Report("strangers")
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(options.out or scratch)
        for case in CASES:
            for precision in ("double", "single"):
                error, states = _closed_form(out, case, precision, 200 if options.quick else 1000)
                path = "turn" if case.gradient is TURN else "shear"
                name = f"{case.name}_{path}_{precision}"
                report.add(f"{name}_error", error, "1", TARGETS[name])
                if case.name == "j2_kinematic":
                    report.add(f"{case.name}_{precision}_largest_plastic_strain", states, "1", ">= 0.05")
        report.add("faults_named", _faults(out), "1", f">= {len(FAULTS)}")
        report.add("fortran_shim_different_bits", _shim(Path(scratch)), "1", "<= 0")
    return report


def _closed_form(out: Path, case: Case, precision: str, steps: int) -> tuple[float, float]:
    """Largest error of the stress over all frames, relative to the largest stress; largest last state."""
    name = f"{case.name}-{'turn' if case.gradient is TURN else 'shear'}-{precision}"
    schema = [_State(f"sdv{k + 1}") for k in range(case.states)]
    deck = one_element(
        user_material("STEEL", 8000.0, case.constants, schema), case.gradient, END, steps=steps
    )
    write_deck(deck, out / f"{name}.inp")
    code, text = _run(out, out / f"{name}.inp", SOURCES / f"{case.name}.f", precision)
    if code:
        raise HostError(f"{name}: the run failed:\n{text}")
    results = read_results(out / f"{name}.h5")
    found = np.array([results.element("stress", k)[0] for k in range(len(results.times))])
    gradients = np.eye(3) + results.times[:, None, None] * case.gradient
    # The path matters: the closed form is walked finely, frames picked afterwards.
    fine = np.linspace(0, results.times[-1], 200 * (len(results.times) - 1) + 1)
    walked = case.stress(np.eye(3) + fine[:, None, None] * case.gradient)[::200]
    expected = walked if case.states else case.stress(gradients)
    state = results.element("state_7") if case.states == 7 else np.zeros(1)
    return float(np.abs(found - expected).max() / np.abs(expected).max()), float(np.max(state))


@dataclass(frozen=True)
class _State:
    name: str
    count: int = 1
    unit: str = "1"
    description: str = ""


def _run(out: Path, deck: Path, source: Path, precision: str) -> tuple[int, str]:
    """`pybridge run` with that source: exit code, and what it printed."""
    output, errors = io.StringIO(), io.StringIO()
    command = [
        "run",
        str(deck),
        "--vumat",
        str(source),
        "--precision",
        precision,
        "--out",
        str(out),
        "--overwrite",
    ]
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        code = main([*command, "--quiet"])
    return code, output.getvalue() + errors.getvalue()


def _faults(out: Path) -> int:
    """How many of the faults are named as they should; the others are printed."""
    text = (SOURCES / "elastic.f").read_text()
    deck = out / "faults.inp"
    write_deck(one_element(user_material("STEEL", 8000.0, ELASTIC), TURN, END, steps=20), deck)
    named = 0
    for name, (code, expected) in FAULTS.items():
        source = out / f"{name}.f"
        if name == "stress_not_set":  # before the loop
            body = text.replace("      do 100", f"      {code}\n      do 100")
        else:
            body = text.replace("  100 continue", f"        {code}\n  100 continue")
        source.write_text(body + SPOIL)
        result, message = _run(out, deck, source, "double")
        if result == 2 and expected in message:
            named += 1
        else:
            print(f"{name}: exit code {result}, expected {expected!r}, got:\n{message}", flush=True)
    return named


def _shim(folder: Path) -> int:
    """Answers that differ between the compiled Fortran shim and the library behind it, both precisions."""
    from pybridge.deploy.bundle import build_abaqus

    johnson_cook = [200e9, 0.3, 792e6, 510e6, 0.26, 1.03, 1793.0, 294.0, 0.014, 1.0, 477.0, 0.9]
    deployed = build_abaqus(
        folder / ("a folder whose name needs more than one line of Fortran " * 2).strip()
    ).folder
    os.environ.pop("PYBRIDGE_ABAQUS_DIR", None)
    different = 0
    for precision, name in (("float64", "libexplicitU-D.so"), ("float32", "libexplicitU.so")):
        shim = load_vumat(compile_vumat(deployed / "pybridge_shim.f", precision), precision)
        answers = []
        for library in (shim, load_vumat(deployed / name)):
            given = default_arguments(
                Sizes(50, states=3, constants=12), library.dtype, "PYBRIDGE_JOHNSON_COOK", johnson_cook
            )
            given["totalTime"][0] = given["stepTime"][0] = given["dt"][0] = 1e-6
            given["density"][:] = 7800
            strain = np.random.default_rng(1).normal(size=300) * 5e-3
            given["strainInc"][:] = strain
            given["stretchNew"][:] += strain
            given["defgradNew"][:300] = given["stretchNew"]
            library.call(given)
            answers.append(
                b"".join(
                    given[k].tobytes() for k in ("stressNew", "stateNew", "enerInternNew", "enerInelasNew")
                )
            )
        different += answers[0] != answers[1]
    return different + _shim_of_umat(deployed, [*johnson_cook, 7800.0])


def _shim_of_umat(deployed: Path, constants: list[float]) -> int:
    """The same for umat_, tangent and request for a smaller increment included."""
    direct = UmatLibrary(deployed / "libstandardU.so")
    shim = UmatLibrary(compile_vumat(deployed / "pybridge_shim.f", "float64"))
    different = 0
    for gradient in (0.1 * TIME * SHEAR, -2.5 * np.eye(3)):  # flows; inverted
        answers = []
        for library in (shim, direct):
            given = UmatPoint(direct, "PYBRIDGE_JOHNSON_COOK", constants).arguments(
                np.eye(3) + gradient, 1e-6
            )
            library.call(given)
            outputs = ("STRESS", "STATEV", "DDSDDE", "SSE", "SPD", "SCD", "PNEWDT")
            answers.append(b"".join(given[k].tobytes() for k in outputs))
        different += answers[0] != answers[1]
    return different
