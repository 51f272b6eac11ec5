"""Materials that every scenario runs with, and the hosts they run through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scenarios import Increment, Scenario, increments
from surrogate import surrogate_file

from pybridge import reference
from pybridge._core import load_model, make_law
from pybridge.host import HostedVumat, load_vumat, our_library

DENSITY = 7800.0
PRECISIONS = ("float64", "float32")


@dataclass(frozen=True)
class Case:
    """A material: its name and constants, and what it must have shown.

    reference: whether there is a plain Python law; duration: s of a scenario; flow: state variable that must have
    grown at most points; tolerance: relative to the largest stress of the history, by precision, with its reason in
    test_parity.py; model: a surrogate from the file of conftest.py instead of a law.
    """

    name: str
    constants: tuple[float, ...] = ()
    reference: bool = True
    duration: float = 2e-5
    flow: str | None = "equivalent_plastic_strain"
    tolerance: tuple[float, float] = (1e-11, 2e-5)
    model: bool = False


CASES = (
    Case("PYBRIDGE_ELASTIC", (210e9, 0.29), flow=None),
    Case("PYBRIDGE_J2_PERFECT", (117e9, 0.35, 400e6, 0.0)),
    Case("PYBRIDGE_J2_TABLE", (117e9, 0.35, 310e6, 0.0, 370e6, 0.011, 390e6, 0.045)),
    Case(
        "PYBRIDGE_JOHNSON_COOK",
        (200e9, 0.3, 792e6, 510e6, 0.26, 1.03, 1793.0, 294.0, 0.014, 1.0, 477.0, 0.9),
        tolerance=(1e-9, 5e-5),
    ),
    # The reference integrates each grain as a differential equation: tests/crystal compares with it.
    # At the rates it is made for (2e5 per second): far slower, precisions divide their steps differently.
    Case(
        "PYBRIDGE_TAYLOR_CRYSTAL_MG",
        (12.0, 3.0),
        reference=False,
        duration=2e-7,
        flow="",
        tolerance=(1e-9, 5e-4),
    ),
    Case("SURROGATE", reference=False, duration=1.9e-6, flow=None, tolerance=(1e-12, 1e-4), model=True),
)


@cache
def library(precision: str) -> Any:
    """Our own VUMAT, opened once."""
    return load_vumat(our_library(precision))


@dataclass
class History:
    """Stress (steps, 6, n), state (steps, states, n) and dissipation per volume (steps, n) of a run."""

    stress: NDArray
    state: NDArray
    dissipation: NDArray


def run_material(material: Any, steps: list[Increment], density: float = DENSITY) -> History:
    """Drive a material of the contract through the steps, in its own precision."""
    dtype, n = material.dtype, steps[0].strain_inc.shape[1]
    hosted = isinstance(material, HostedVumat)

    def cast(array: NDArray) -> NDArray:
        return np.ascontiguousarray(array, dtype)

    stress, state = np.zeros((6, n), dtype), np.zeros((material.state_size, n), dtype)
    history = History(*(np.empty((len(steps), *s)) for s in ((6, n), state.shape, (n,))))
    status = np.empty(n, np.int32)
    for k, inc in enumerate(steps):
        new, state_new, dissipation = np.empty_like(stress), np.empty_like(state), np.empty(n, dtype)
        extra = {"defgrad_old": cast(inc.defgrad_old), "defgrad_new": cast(inc.defgrad_new)} if hosted else {}
        material.update(
            time_old=inc.time_old, dt=inc.dt, strain_inc=cast(inc.strain_inc), stretch_old=cast(inc.stretch_old),
            stretch_new=cast(inc.stretch_new), temperature=np.zeros(n, dtype), density=np.full(n, density, dtype),
            stress_old=stress, state_old=state, stress_new=new, state_new=state_new, dissipation_inc=dissipation,
            status=status, **extra,
        )  # fmt: skip
        assert (status <= 1).all()
        stress, state = new, state_new
        history.stress[k], history.state[k], history.dissipation[k] = stress, state, dissipation
    return history


def make_material(case: Case, precision: str, engine: str = "native") -> Any:
    """The kernels through pybind11."""
    if case.model:
        return load_model(str(surrogate_file()), engine, precision)
    return make_law(case.name, list(case.constants), precision)


def host_material(case: Case, precision: str, engine: str = "native", **options: Any) -> HostedVumat:
    """The compiled vumat_."""
    if case.model:
        options |= {"model_file": surrogate_file(), "engine": engine}
    name = f"{case.name}_{engine}" if case.model else case.name
    return HostedVumat(library(precision), name, case.constants, **options)


@cache
def truth(case: Case, scenario: Scenario) -> History:
    """What all hosts are held against: the Python reference, or the bindings in float64 where there is none."""
    steps = increments(scenario, case.duration)
    if case.reference:
        return run_material(reference.make_law(case.name, list(case.constants)), steps)
    return run_material(make_material(case, "float64"), steps)


def through_bindings(case: Case, scenario: Scenario, precision: str, engine: str = "native") -> History:
    """The kernels through pybind11."""
    return run_material(make_material(case, precision, engine), increments(scenario, case.duration))


def through_vumat(case: Case, scenario: Scenario, precision: str, engine: str = "native") -> History:
    """The compiled vumat_, guarded, in blocks of 3 points."""
    # A flat call drops the stresses 23 and 13, which only an isotropic material does not have.
    flat = scenario.plane and case.reference
    hosted = host_material(case, precision, engine, nblock=3, guarded=True, two_dimensional=flat)
    return run_material(hosted, increments(scenario, case.duration))


HOSTS: dict[str, Callable[..., History]] = {"bindings": through_bindings, "vumat": through_vumat}


def combinations() -> list[tuple[str, str, Case]]:
    """Host, engine and case: laws have one engine, surrogates two."""
    return [
        (h, e, c)
        for h in HOSTS
        for c in CASES
        for e in (("native", "torchscript") if c.model else ("native",))
    ]
