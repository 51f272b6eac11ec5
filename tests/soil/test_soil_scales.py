"""Data sets whose numbers are not in the units they declare are refused before anything is learned from them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pybridge.commands import main
from pybridge.errors import DataSetError
from training import soil_sets


def scaled(name: str, factor: float, paths=slice(None)):
    def change(file) -> None:
        values = file[name][()]
        values[paths] *= factor
        file[name][...] = values

    return change


def material(**values):
    def change(file) -> None:
        provenance = json.loads(file.attrs["provenance"])
        provenance["material"] |= values
        file.attrs["provenance"] = json.dumps(provenance)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (scaled("stress", 1e-3, slice(2)), r"stress: path 0 starts with 10\d Pa where the median .* are units mixed"),
        (scaled("stiffness", 1e-6, slice(5, 6)), r"stiffness: path 5 starts with \d+\.?\d* Pa where the median"),
        (scaled("stress", 1e-3), r"stress: 0\.000\d+ times its stiffness times the strain"),
        (scaled("stress", -1.0), r"stress: path 0 starts with a mean stress of 1e\+05 Pa; expected compression"),
        (scaled("stiffness", 1e-6), r"stiffness: 1e-06 times K \+ 4 G / 3 .* is it in Pa"),
        (scaled("stiffness", -1.0), r"stiffness: path 0 starts with -\S+ Pa; expected numbers above 0"),
        (material(bulk=1e4, shear=1e4), r"stiffness: \S+ times K \+ 4 G / 3 of its provenance"),
        (material(shear="soft"), r"material.shear: expected a number > 0 .* got 'soft'"),
        (material(density=None), r"material.density: expected a number > 0 .* got None"),
        (lambda file: file.attrs.update(provenance="{}"), r"material.bulk: expected a number > 0 .* got None"),
    ],
)  # fmt: skip
def test_wrong_units_are_found(data, unsealed, change, message, tmp_path) -> None:
    copy = tmp_path / "copy.h5"
    unsealed(data, copy, change)
    with pytest.raises(DataSetError, match=rf"copy.h5: .*{message}"):
        soil_sets.read_samples(copy)


def test_a_set_in_kilopascals_beside_one_in_pascals_is_not_learned_from(
    data, unsealed, tmp_path, capsys
) -> None:
    copy, out = tmp_path / "copy.h5", tmp_path / "soil.pt"
    unsealed(data, copy, scaled("stress", 1e-3))
    assert main(["soil", "train", str(data), str(copy), "--epochs", "2", "--out", str(out)]) == 2
    assert "copy.h5: dataset stress" in capsys.readouterr().err
    assert {file.name for file in tmp_path.iterdir()} == {"copy.h5"}


@pytest.mark.parametrize("factor", [0.2, 5.0])
def test_other_soils_are_taken(data, unsealed, factor, tmp_path) -> None:
    """A fifth or five times the pressure and stiffness of this one, the strain being what it is."""
    copy = tmp_path / "copy.h5"

    def change(file) -> None:
        scaled("stress", factor)(file)
        scaled("stiffness", factor)(file)

    unsealed(data, copy, change)
    samples, _ = soil_sets.read_samples(copy)
    np.testing.assert_allclose(samples.stress[:, 0, :2], -1e5 * factor, rtol=1e-2)
