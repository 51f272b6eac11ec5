"""What every built-in law owes the material contract, run over all of them."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge._core import make_law
from pybridge.conventions import block_to_matrix, matrix_to_block
from pybridge.reference import make_law as make_reference

COPPER = [124e9, 0.34, 90e6, 292e6, 0.31, 1.09, 1356.0, 294.0, 0.025, 1.0, 383.0, 0.9]
LAWS = {
    "PYBRIDGE_ELASTIC": [200e9, 0.3],
    "PYBRIDGE_J2": [117e9, 0.35, 300e6, 0.0, 380e6, 0.002, 400e6, 0.005, 395e6, 0.01, 450e6, 0.03],
    "PYBRIDGE_JOHNSON_COOK": COPPER,
}
cases = pytest.mark.parametrize(("name", "constants"), LAWS.items(), ids=LAWS.keys())


def history(law, rng, advance, n=40, steps=15, size=1.5e-3, dt=2e-7):
    """A random path; yields inputs and answer of each step."""
    stress, state = np.zeros((6, n), law.dtype), np.zeros((law.state_size, n), law.dtype)
    temperature, density = 250 + 400 * rng.random(n), 7000 + 2000 * rng.random(n)
    temperature[::5] = 0
    drift = rng.normal(size=(6, n)) * size
    for _ in range(steps):
        strain = drift + rng.normal(size=(6, n)) * size / 2
        inputs = {"dt": dt, "temperature": temperature, "density": density}
        new = advance(law, strain, stress, state, **inputs)
        yield (strain, stress, state), inputs, new
        stress, state = new.stress, new.state


@cases
def test_agrees_with_the_reference(name, constants, rng, advance) -> None:
    law, reference = make_law(name, constants, "float64"), make_reference(name, constants)
    assert [(v.name, v.count, v.unit) for v in law.state_schema] == [
        (v.name, v.count, v.unit) for v in reference.state_schema
    ]
    np.testing.assert_allclose(law.elastic_moduli.bulk, reference.elastic_moduli.bulk, rtol=1e-15)
    np.testing.assert_allclose(law.elastic_moduli.shear, reference.elastic_moduli.shear, rtol=1e-15)
    for old, inputs, new in history(law, rng, advance):
        expected = advance(reference, *old, **inputs)
        # brentq ends at 1e-14 of dp; the trial stress rounds at 1e-16 of the largest stress
        np.testing.assert_allclose(
            new.stress, expected.stress, rtol=0, atol=1e-11 * np.abs(expected.stress).max()
        )
        for row, row_expected in zip(new.state, expected.state, strict=True):
            np.testing.assert_allclose(
                row, row_expected, rtol=1e-10, atol=1e-13 * max(1, np.abs(row_expected).max())
            )
        np.testing.assert_allclose(new.dissipation, expected.dissipation, rtol=1e-9, atol=1e-3)
        assert (new.dissipation >= 0).all()
        assert np.array_equal(new.status, expected.status)


@cases
def test_single_precision_follows_double(name, constants, rng, advance) -> None:
    """Each step from the same old values: only the rounding of one step may differ."""
    law, single = make_law(name, constants, "float64"), make_law(name, constants, "float32")
    assert single.dtype == np.float32
    for old, inputs, new in history(law, rng, advance):
        found = advance(single, *old, **inputs)
        scale = np.abs(new.stress).max()
        np.testing.assert_allclose(found.stress, new.stress, rtol=0, atol=2e-6 * scale)
        for row, row_expected in zip(found.state, new.state, strict=True):
            # the rate is a small difference of large stresses: their rounding over 3 G dt
            np.testing.assert_allclose(
                row, row_expected, rtol=1e-4, atol=1e-5 * np.abs(row_expected).max() + 1e-7
            )
        np.testing.assert_allclose(found.dissipation, new.dissipation, rtol=1e-3, atol=1e-5 * scale * 1e-2)


@cases
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_every_split_into_blocks_gives_the_same_bits(name, constants, precision, rng, advance) -> None:
    law = make_law(name, constants, precision)
    n = 60
    for old, inputs, new in history(law, rng, advance, n=n, steps=4):
        for size in (1, 2, 3, 7, 16, 59):
            for start in range(0, n, size):
                part = slice(start, min(start + size, n))
                piece = {"dt": inputs["dt"], **{k: inputs[k][part] for k in ("temperature", "density")}}
                found = advance(law, *(array[:, part] for array in old), **piece)
                assert np.array_equal(found.stress, new.stress[:, part])
                assert np.array_equal(found.state, new.state[:, part])
                assert np.array_equal(found.dissipation, new.dissipation[part])


@cases
def test_distance_between_components_and_untouched_neighbours(name, constants, rng, advance) -> None:
    """Points 2..5 of arrays for nine: the answer of four points, and nothing else written."""
    law = make_law(name, constants, "float64")
    (strain, stress, state), inputs, new = list(history(law, rng, advance, n=9, steps=3))[-1]
    part = slice(2, 6)
    out = {"stress_new": np.full((6, 9), 7.0), "state_new": np.full((law.state_size, 9), 7.0)}
    flat = {"dissipation_inc": np.full(9, 7.0), "status": np.full(9, 7, np.int32)}
    before = strain.copy(), stress.copy(), state.copy()
    law.update(
        time_old=0.0, dt=inputs["dt"], strain_inc=strain[:, part], stretch_old=strain[:, part],
        stretch_new=strain[:, part], temperature=inputs["temperature"][part], density=inputs["density"][part],
        stress_old=stress[:, part], state_old=state[:, part],
        **{k: v[:, part] for k, v in out.items()}, **{k: v[part] for k, v in flat.items()},
    )  # fmt: skip
    assert np.array_equal(out["stress_new"][:, part], new.stress[:, part])
    assert np.array_equal(out["state_new"][:, part], new.state[:, part])
    assert np.array_equal(flat["dissipation_inc"][part], new.dissipation[part])
    for array in (*out.values(), *flat.values()):
        assert (np.delete(array, range(2, 6), axis=-1) == 7).all()
    for array, copy in zip((strain, stress, state), before, strict=True):
        assert np.array_equal(array, copy)


@cases
def test_isotropic(name, constants, rng, advance) -> None:
    """Rotated inputs give the rotated answer."""
    law = make_law(name, constants, "float64")
    rotation = np.linalg.qr(rng.normal(size=(40, 3, 3)))[0].transpose(1, 2, 0)

    def turn(tensor):
        matrix = np.einsum("ikn,kln,jln->ijn", rotation, block_to_matrix(tensor), rotation)
        return matrix_to_block(matrix)

    for (strain, stress, state), inputs, new in history(law, rng, advance, steps=6):
        found = advance(law, turn(strain), turn(stress), state, **inputs)
        scale = np.abs(new.stress).max()
        np.testing.assert_allclose(found.stress, turn(new.stress), rtol=0, atol=1e-12 * scale)
        # the rotated stress rounds at 1e-16 of itself, which over 3 G dt is what the rate can differ by
        np.testing.assert_allclose(found.state, new.state, rtol=1e-9, atol=1e-13)


@cases
@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_numbers_are_fatal_and_harm_no_neighbour(name, constants, precision, bad, rng, advance) -> None:
    law = make_law(name, constants, precision)
    (strain, stress, state), inputs, new = list(history(law, rng, advance, n=30, steps=3))[-1]
    strain, stress, state = strain.astype(law.dtype), stress.astype(law.dtype), state.astype(law.dtype)
    inputs["temperature"], inputs["density"] = inputs["temperature"].copy(), inputs["density"].copy()
    sites = [strain[c] for c in range(6)] + [stress[c] for c in range(6)] + list(state)
    if name == "PYBRIDGE_JOHNSON_COOK":
        sites += [inputs["temperature"]]
        if np.isnan(bad):  # an infinite density is only a heat of zero
            sites += [inputs["density"]]
    for point, site in enumerate(sites):
        site[point] = bad
    found = advance(law, strain, stress, state, **inputs)
    hit = np.arange(30) < len(sites)
    assert (found.status[hit] == 3).all()
    assert (found.status[~hit] == 0).all()
    assert np.array_equal(found.stress[:, hit], stress[:, hit], equal_nan=True)
    assert np.array_equal(found.state[:, hit], state[:, hit], equal_nan=True)
    assert (found.dissipation[hit] == 0).all()
    assert np.array_equal(found.stress[:, ~hit], new.stress[:, ~hit])
    assert np.array_equal(found.state[:, ~hit], new.state[:, ~hit])
