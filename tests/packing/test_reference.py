"""Packings against the NumPy reference, step by step, and what must hold for every one of them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from grain_reference import Reference, turns, vectors

from pybridge.packing import load, save

NAMES = ["disks", "spheres", "disks rolling", "spheres rolling, Hertz", "disks, Hertz"]


def gradient_of(dim: int) -> np.ndarray:
    """Asymmetric, with spin; disks deform in their plane."""
    out = np.array([[0.8, 0.5, 0.2], [-0.3, -1.1, 0.4], [0.1, -0.6, 0.5]])
    if dim == 2:
        out[2, :] = out[:, 2] = 0
    return out


@pytest.mark.parametrize("name", NAMES)
def test_steps_follow_the_reference(name, make) -> None:
    packing = make(name)
    gradient, dt = gradient_of(packing.dim), packing.time_step
    packing.drive(gradient, dt, 400)  # sheared, contacts slide
    reference = Reference(packing)
    scale = np.abs(np.diag(reference.start())).max()
    for _ in range(6):
        stress = reference.step(gradient, dt)
        packing.drive(gradient, dt, 1)
        # The package turns contact forces to first order in the step's rotation, about 1e-5: 1e-10 a step.
        np.testing.assert_allclose(packing.measure().stress, stress, atol=1e-8 * scale)
    state, n, dim = packing.state, packing.count, packing.dim
    d = vectors(state["position"], n, dim) - reference.x
    reduced = np.linalg.solve(state["cell"], d.T).T  # grains may have been wrapped
    np.testing.assert_allclose(reduced, np.round(reduced), atol=1e-9)
    speed = np.abs(reference.w).max()
    np.testing.assert_allclose(vectors(state["velocity"], n, dim), reference.w, atol=1e-6 * speed)
    np.testing.assert_allclose(
        turns(state["spin"], n, dim), reference.spin, atol=1e-6 * np.abs(reference.spin).max()
    )
    assert 0 < packing.measure().sliding < 1


@pytest.mark.parametrize("name", NAMES)
def test_stress_of_a_state(name, make) -> None:
    """sigma = -1/V sum f (x) d from the stored forces; fabric, coordination and void ratio by hand."""
    packing = make(name)
    packing.drive(gradient_of(packing.dim), packing.time_step, 300)
    reference, m = Reference(packing), packing.measure()
    np.testing.assert_allclose(m.stress, reference.start(), rtol=1e-9, atol=1e-9 * np.abs(m.stress).max())
    contacts = list(reference.pairs())
    assert m.contacts == len(contacts)
    normals = np.array([d / np.linalg.norm(d) for _, _, d, _ in contacts])
    np.testing.assert_allclose(m.fabric, normals.T @ normals / len(contacts), atol=1e-12)
    assert m.coordination == pytest.approx(2 * len(contacts) / packing.count)
    solid = (
        np.sum(np.pi * packing.radius**2) * 0.1
        if packing.dim == 2
        else 4 / 3 * np.pi * np.sum(packing.radius**3)
    )
    assert m.void_ratio == pytest.approx(m.volume / solid - 1, rel=1e-12)


@pytest.mark.parametrize("name", ["disks", "spheres", "disks, Hertz"])
def test_stiffness_is_the_affine_one(name, make) -> None:
    """Eq. 6 against differences: every branch strained alike and no slip, from a packing without sliding."""
    packing = make(name)
    packing.parameters = _without_friction_limit(packing.parameters)
    d = packing.stiffness()
    rows, columns = [0, 1, 2, 0, 1, 0], [0, 1, 2, 1, 2, 2]
    before, h = packing.measure().stress, 1e-7
    for k in range(6):
        i, j = rows[k], columns[k]
        if packing.dim == 2 and 2 in (i, j):
            continue
        gradient = np.zeros((3, 3))
        gradient[i, j] = gradient[j, i] = h if i == j else h / 2
        moved = packing.clone()
        dt = 1e-12  # so short that no grain follows its force
        moved.drive(gradient / dt, dt, 1)
        change = (moved.measure().stress - before) / h
        # Turning of the branches under stress (p / D, a few per mille) is not part of Eq. 6.
        for m in range(6):
            if packing.dim == 2 and 2 in (rows[m], columns[m]):
                continue
            found = 0.5 * (change[rows[m], columns[m]] + change[columns[m], rows[m]])
            assert found == pytest.approx(d[m, k], abs=0.02 * d.max())
    np.testing.assert_allclose(d, d.T, rtol=1e-12, atol=1e-12 * d.max())


def _without_friction_limit(parameters):
    parameters.friction = 1e6
    return parameters


@pytest.mark.parametrize("name", ["disks", "spheres rolling, Hertz"])
def test_same_bits_again_and_in_pieces(name, make) -> None:
    """A run, the same run again, and the run cut in two by a copy of the state."""
    gradient = gradient_of(make(name).dim)
    runs = []
    for pieces in ((600,), (600,), (250, 350)):
        packing = make(name)
        for steps in pieces:
            packing = packing.clone()
            packing.drive(gradient, 1e-6, steps)
        runs.append(packing)
    for other in runs[1:]:
        for key, value in runs[0].state.items():
            np.testing.assert_array_equal(value, other.state[key], err_msg=key)
    assert runs[0].lists_built > 0


def touching(packing) -> int:
    """Pairs that touch, over all pairs at once."""
    x = vectors(packing.state["position"], packing.count, packing.dim)
    d = x[:, None] - x[None]
    d -= np.round(d @ np.linalg.inv(packing.cell).T) @ packing.cell.T
    reach = packing.radius[:, None] + packing.radius[None]
    return int((np.linalg.norm(d, axis=2) < reach).sum() - packing.count) // 2


@pytest.mark.parametrize("name", ["disks", "spheres"])
def test_a_long_run_misses_no_contact(name, make) -> None:
    """After many lists under large strain, the list still holds every pair that touches."""
    packing = make(name)
    gradient = 4 * gradient_of(packing.dim)
    for _ in range(30):
        packing.drive(gradient, packing.time_step, 53)
        assert packing.measure().contacts == touching(packing)
    assert packing.lists_built > 3


@pytest.mark.parametrize("name", ["disks", "spheres"])
def test_a_gas_with_a_thin_skin_misses_no_contact(name, make) -> None:
    """Grains that fly at each other, in an expanded cell: every pair that touches is found, list by list."""
    packing = make(name)
    state, p = packing.state, packing.parameters
    rng = np.random.default_rng(5)
    state["velocity"] = rng.normal(0, 1.0, state["velocity"].shape)
    p.damping, p.skin = 0.0, 0.05
    packing = type(packing)(packing.dim, packing.radius, p, state)
    dt = packing.time_step
    packing.drive(np.diag([1.0, 1.0, 1.0 if packing.dim == 3 else 0.0]) * 0.05 / (200 * dt), dt, 200)
    for _ in range(150):
        packing.drive(gradient_of(packing.dim), dt, 7)
        assert packing.measure().contacts == touching(packing)
    assert packing.lists_built > 20


RUN = """
import hashlib, sys, numpy as np
from pybridge.packing import load
packing = load(sys.argv[1])
packing.drive(np.array([[0.8, 0.5, 0.2], [-0.3, -1.1, 0.4], [0.1, -0.6, 0.5]]) * (packing.dim == 3)
              + np.diag([0.5, -1.0, 0.0]), packing.time_step, 300)
print(hashlib.sha256(b"".join(v.tobytes() for v in packing.state.values())).hexdigest())
"""


@pytest.mark.parametrize("name", ["disks", "spheres rolling, Hertz"])
def test_same_bits_on_every_instruction_set(name, make, tmp_path) -> None:
    save(tmp_path / "p.h5", make(name))
    found = []
    for isa in ("baseline", ""):  # "": the best of this machine
        environment = {**os.environ, "PYBRIDGE_ISA": isa}
        command = [sys.executable, "-c", RUN, str(tmp_path / "p.h5")]
        found.append(
            subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        )
    assert found[0] == found[1]
    still = load(tmp_path / "p.h5").state
    assert found[0].strip() != hashlib.sha256(b"".join(v.tobytes() for v in still.values())).hexdigest()
