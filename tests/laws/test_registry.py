"""Laws by name: suffixes, numbers of constants, and errors that say what was expected."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge._core import MaterialError, built_in_laws, is_built_in_law, make_law

JC = [124e9, 0.34, 90e6, 292e6, 0.31, 1.09, 1356.0, 294.0, 0.025, 1.0, 383.0, 0.9]
J2 = [117e9, 0.35, 400e6, 0.0, 500e6, 1.0]


def changed(values: list[float], index: int, value: float) -> list[float]:
    return [*values[:index], value, *values[index + 1 :]]


def test_names() -> None:
    names = [law.name for law in built_in_laws()]
    assert {"PYBRIDGE_ELASTIC", "PYBRIDGE_J2", "PYBRIDGE_JOHNSON_COOK"} <= set(names)
    for law in built_in_laws():
        assert law.description
        assert law.constants
    for name in ("PYBRIDGE_J2", "PYBRIDGE_J2_COPPER", "PYBRIDGE_J2-1", "PYBRIDGE_JOHNSON_COOK_2"):
        assert is_built_in_law(name)
    for name in ("PYBRIDGE_J", "PYBRIDGE_J22", "MAGNESIUM", "X_PYBRIDGE_J2", ""):
        assert not is_built_in_law(name)
    with pytest.raises(MaterialError, match=r'unknown law "STEEL".*PYBRIDGE_ELASTIC, PYBRIDGE_J2'):
        make_law("STEEL", [], "float64")


def test_schemas_and_moduli() -> None:
    law = make_law("PYBRIDGE_JOHNSON_COOK_COPPER", JC, "float32")
    assert [(v.name, v.count, v.unit) for v in law.state_schema] == [
        ("equivalent_plastic_strain", 1, "1"),
        ("equivalent_plastic_strain_rate", 1, "1/s"),
        ("temperature_rise", 1, "K"),
    ]
    assert [v.name for v in make_law("PYBRIDGE_J2", J2, "float64").state_schema] == [
        "equivalent_plastic_strain"
    ]
    for name, constants in (("PYBRIDGE_ELASTIC", J2[:2]), ("PYBRIDGE_J2", J2)):
        moduli = make_law(name, constants, "float64").elastic_moduli
        np.testing.assert_allclose(moduli.shear, 117e9 / 2.7, rtol=1e-14)
        np.testing.assert_allclose(moduli.bulk, 117e9 / 0.9, rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "constants", "message"),
    [
        ("PYBRIDGE_ELASTIC", [1.0], r"expected 2 constants \(Young's modulus, Poisson's ratio\), got 1"),
        ("PYBRIDGE_ELASTIC", [0.0, 0.3], r"constant 1, Young's modulus \(stress\), is 0, expected > 0"),
        ("PYBRIDGE_ELASTIC", [1.0, 0.5], "Poisson's ratio, is 0.5, expected between -1 and 0.5"),
        ("PYBRIDGE_ELASTIC", [1.0, -1.0], "Poisson's ratio, is -1"),
        ("PYBRIDGE_ELASTIC", [np.nan, 0.3], "constant 1 is nan, expected a finite number"),
        ("PYBRIDGE_J2", J2[:2], "even number of constants, 4 or more .*got 2"),
        ("PYBRIDGE_J2", J2[:3], "got 3"),
        ("PYBRIDGE_J2", J2[:5], "got 5"),
        ("PYBRIDGE_J2", changed(J2, 0, -1.0), "Young's modulus"),
        ("PYBRIDGE_J2", changed(J2, 2, 0.0), "constant 3, yield stress, is 0, expected > 0"),
        ("PYBRIDGE_J2", changed(J2, 4, -1.0), "constant 5, yield stress, is -1, expected > 0"),
        ("PYBRIDGE_J2", changed(J2, 3, 0.1), "constant 4, plastic strain of the first pair, is 0.1, expected 0"),
        ("PYBRIDGE_J2", changed(J2, 5, 0.0), r"constant 6, plastic strain, is 0, expected more than .* before it \(0\)"),
        ("PYBRIDGE_J2", [*J2, 5e8, 0.5], "constant 8, plastic strain, is 0.5"),
        ("PYBRIDGE_J2", [117e9, 0.35, 400e6, 0.0, 1e6, 1e-3], "softening slope above -3 G = -1.3e.11, got -3.99e.11"),
        ("PYBRIDGE_J2", changed(J2, 5, np.inf), "constant 6 is inf"),
        ("PYBRIDGE_JOHNSON_COOK", JC[:11], "expected 12 constants .*got 11"),
        ("PYBRIDGE_JOHNSON_COOK", changed(JC, 2, 0.0), r"constant 3, A \(stress\), is 0"),
        ("PYBRIDGE_JOHNSON_COOK", changed(JC, 3, -1.0), "constant 4, B"),
        ("PYBRIDGE_JOHNSON_COOK", changed(JC, 4, 0.0), "constant 5, n, is 0, expected > 0"),
        ("PYBRIDGE_JOHNSON_COOK", changed(JC, 4, -0.5), "constant 5, n"),
        ("PYBRIDGE_JOHNSON_COOK", changed(JC, 5, 0.0), "constant 6, m"),
        ("PYBRIDGE_JOHNSON_COOK", changed(JC, 6, 294.0), "constant 7, T_melt .K., is 294, expected more than .* 294"),
        ("PYBRIDGE_JOHNSON_COOK", changed(JC, 8, -0.1), "constant 9, C"),
        ("PYBRIDGE_JOHNSON_COOK", changed(JC, 9, 0.0), "constant 10, rate_0"),
        ("PYBRIDGE_JOHNSON_COOK", changed(JC, 10, -1.0), "constant 11, specific heat"),
        ("PYBRIDGE_JOHNSON_COOK", changed(JC, 11, 1.1), "constant 12, inelastic heat fraction, is 1.1"),
        ("PYBRIDGE_JOHNSON_COOK", changed(JC, 11, -0.1), "inelastic heat fraction"),
    ],
)  # fmt: skip
def test_bad_constants(name: str, constants: list[float], message: str) -> None:
    for precision in ("float64", "float32"):
        with pytest.raises(MaterialError, match=f"{name}: .*{message}"):
            make_law(name, constants, precision)


def test_what_single_precision_cannot_hold() -> None:
    make_law("PYBRIDGE_ELASTIC", [1e39, 0.3], "float64")
    with pytest.raises(
        MaterialError, match=r"constant 1 is 1e.39, expected a finite number that the precision"
    ):
        make_law("PYBRIDGE_ELASTIC", [1e39, 0.3], "float32")
    close = [117e9, 0.35, 4e8, 0.0, 4.1e8, 1.0, 4.2e8, 1.00000001]
    make_law("PYBRIDGE_J2", close, "float64")
    with pytest.raises(MaterialError, match="the same number in this precision"):
        make_law("PYBRIDGE_J2", close, "float32")


def test_a_constant_is_not_needed_where_its_factor_is_zero() -> None:
    make_law("PYBRIDGE_JOHNSON_COOK", changed(changed(JC, 3, 0.0), 4, 0.0), "float64")
    make_law("PYBRIDGE_JOHNSON_COOK", changed(changed(JC, 8, 0.0), 9, 0.0), "float64")
