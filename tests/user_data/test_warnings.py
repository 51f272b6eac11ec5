"""What a user sees whose data are too few, too noisy, one-sided, or in wrong units: each with its figure."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from textbook import DENSITY, DURATION, STEPS, chaboche

from pybridge.commands import main
from training.data_check import coverage, examine, implied_moduli, noise, relative_noise
from training.datasets import DataSet, read_dataset
from training.tensors import IDENTITY, deviator, norm

TIME = np.linspace(0, DURATION, STEPS + 1)
SMALL = ("backstresses=2", "scalars=8", "width=24", "batch=8", "steps=[1.0]", "step_weights=[1.0]",
         "validation_fraction=0.2")  # fmt: skip


def bring(csv: Path, out: Path, *more: str, shear: str = "engineering", unit: str = "MPa") -> int:
    """`pybridge import` of a file of the fixture `write`."""
    words = ["--strain", "log", "--shear", shear, "--stress-unit", unit, "--time-unit", "us"]
    return main(["import", str(csv), *words, "--density", str(DENSITY), *more, "--out", str(out)])


def lines(text: str) -> dict[str, str]:
    """Warnings and errors by check."""
    found = re.findall(r"^(?:warning|error) +([\w ]+): (.*)$", text, re.MULTILINE)
    return dict(found)


def test_good_data_give_no_warning(many, write, tmp_path, capsys) -> None:
    assert bring(write(tmp_path / "h.csv", *many[1:]), tmp_path / "d.h5") == 0
    text = capsys.readouterr().out
    assert lines(text) == {}
    assert "wave speed: 59" in text  # sqrt((170 + 4/3 80) GPa / 7800) = 5956 m/s
    assert text.endswith("d.h5: written\n")


def test_too_few(many, write, tmp_path, capsys) -> None:
    few = [x[:10] for x in many[1:]]
    assert bring(write(tmp_path / "h.csv", *few), tmp_path / "d.h5", "--moduli", "170e3,80e3") == 0
    assert lines(capsys.readouterr().out)["amount"] == f"10 paths of {STEPS} steps"
    settings = [word for key in (*SMALL, "epochs=120", "learning_rate=1e-2") for word in ("--set", key)]
    assert main(["train", str(tmp_path / "d.h5"), "--out", str(tmp_path / "run"), *settings]) == 0
    told = capsys.readouterr().out
    assert "amount" in lines(told)
    result = re.search(
        r"error ([\d.]+) % on paths held back, ([\d.]+) % on the training paths, ([\d.]+) times as much", told
    )
    assert result is not None
    held, trained, ratio = map(float, result.groups())
    assert held / trained == pytest.approx(ratio, abs=0.1)
    assert held > 1.5 * trained
    assert "more paths will help, more epochs will not" in told


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_too_noisy(many, write, tmp_path, capsys, rng, share) -> None:
    strain, stress = many[1:]
    size = share * np.sqrt((norm(deviator(stress)) ** 2).mean())
    # White noise in all components; of its 9 parts (shears count twice) 8 are deviatoric.
    noisy = stress + rng.normal(size=stress.shape) * size / np.sqrt(8)
    noisy[:, 0] = 0
    assert bring(write(tmp_path / "h.csv", strain, noisy), tmp_path / "d.h5") == 0
    told = lines(capsys.readouterr().out)
    figure = re.match(r"([\d.]+) % of the deviatoric stress", told["noise"])
    assert figure is not None
    assert float(figure.group(1)) == pytest.approx(100 * share / np.sqrt(1 + share**2), rel=0.1)
    # Averaged over the paths, the moduli are right in spite of the noise.
    assert "moduli" not in told
    material = read_dataset(tmp_path / "d.h5").provenance["material"]
    assert material["shear"] == pytest.approx(80e9, rel=0.1)
    assert material["bulk"] == pytest.approx(170e9, rel=0.1)


def test_noise_is_not_seen_in_kinks(rng) -> None:
    time = np.linspace(0, 1, 101)
    kinked = np.minimum(time, 0.3)[None, :, None] * np.arange(1, 7)
    assert noise(kinked).max() < 1e-12
    found = noise(np.repeat(kinked, 50, 0) + 0.01 * rng.normal(size=(50, 101, 6)))
    assert found.mean() == pytest.approx(0.01, rel=0.05)
    assert relative_noise(np.zeros((2, 10, 6))) == 0


@pytest.mark.parametrize("sign", [1, -1])
def test_one_sided(write, tmp_path, capsys, rng, sign) -> None:
    """Pulled (or pushed) along axis 1 at different speeds, never unloaded."""
    axial = sign * rng.uniform(0.01, 0.05, 250)[:, None] * np.linspace(0, 1, STEPS + 1)
    strain = axial[..., None] * np.array([1, -0.45, -0.45, 0, 0, 0])
    csv = write(tmp_path / "h.csv", strain, chaboche(strain, DURATION / STEPS))
    assert bring(csv, tmp_path / "d.h5") == 0
    told = lines(capsys.readouterr().out)
    assert told["directions"] == "the strains use 1.0 of 5 independent directions"
    assert told["sides"].startswith("the strains are 100 % one-sided")
    assert told["reversals"] == "0 % of the paths turn back"
    assert "amount" not in told
    assert "noise" not in told


def test_tension_along_every_axis_is_one_sided_too(many, rng) -> None:
    """All directions are there, but never compression: the third invariant tells."""
    axis = rng.normal(size=(300, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    dyad = axis[:, [0, 1, 2, 0, 1, 0]] * axis[:, [0, 1, 2, 1, 2, 2]]
    strain = 0.03 * np.linspace(0, 1, STEPS + 1)[:, None] * (1.5 * dyad - 0.5 * IDENTITY)[:, None]

    def data(strain):
        return DataSet(Path("x"), TIME, strain + IDENTITY, strain, ("x",) * len(strain), {})

    found = coverage(data(strain))
    assert found.directions > 4.8
    assert found.one_sided > 0.95
    assert found.side == "tension"
    assert coverage(data(-strain)).side == "compression"
    both = coverage(data(np.concatenate([strain, -strain])))
    assert both.one_sided < 0.05
    back = strain.copy()
    back[:, STEPS // 2 :] = back[:, STEPS // 2 :: -1][:, : STEPS + 1 - STEPS // 2]
    assert (both.reversals, coverage(data(back)).reversals) == (0, 1)
    walk = coverage(DataSet(Path("x"), TIME, many[0], many[2], ("x",) * len(many[0]), {}))
    assert walk.directions > 4.5
    assert walk.one_sided < 0.2
    assert walk.reversals > 0.8


def test_stress_in_another_unit_than_declared(many, write, tmp_path, capsys) -> None:
    csv = write(tmp_path / "h.csv", *many[1:])
    assert bring(csv, tmp_path / "d.h5", unit="GPa") == 2
    out, error = capsys.readouterr()
    assert lines(out)["wave speed"] == "1.883e+05 m/s, with 7800 kg/m3; expected 100 to 20000"
    assert lines(out)["moduli"].startswith("the first steps give G = 8e+13 Pa, K = 1.7e+14 Pa")
    assert "nothing was written" in error
    assert not (tmp_path / "d.h5").exists()
    assert bring(csv, tmp_path / "d.h5", "--force", unit="GPa") == 0
    assert main(["train", str(tmp_path / "d.h5"), "--out", str(tmp_path / "run")]) == 2
    assert "1.883e+05 m/s" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_engineering_shears_taken_for_tensor_components(many, write, tmp_path, capsys) -> None:
    csv = write(tmp_path / "h.csv", *many[1:])
    assert bring(csv, tmp_path / "d.h5", shear="tensor") == 0
    told = lines(capsys.readouterr().out)
    assert re.match(r"direct strains give (1\.9|2\.0)\d times", told["shears"])


def test_strain_in_per_cent(many, write, tmp_path, capsys) -> None:
    csv = write(tmp_path / "h.csv", 100 * many[1], many[2])
    small = ["import", str(csv), "--strain", "small", "--stress-unit", "MPa", "--time-unit", "us",
             "--out", str(tmp_path / "d.h5")]  # fmt: skip
    assert main(small) == 2
    assert "is it in per cent (--strain-unit %)" in capsys.readouterr().err
    assert bring(csv, tmp_path / "d.h5", "--strain-unit", "%") == 0
    assert lines(capsys.readouterr().out) == {}


def test_stress_of_the_other_sign(many, write, tmp_path, capsys) -> None:
    csv = write(tmp_path / "h.csv", many[1], -many[2])
    assert bring(csv, tmp_path / "d.h5") == 2
    assert "expected positive moduli" in lines(capsys.readouterr().out)["moduli"]


def test_no_change_of_volume(many) -> None:
    """Simple shear of small amplitude, its volume restored."""
    shear = np.zeros_like(many[1])
    shear[..., 3] = many[1][..., 3] * 1e-3
    stretch = (IDENTITY + shear) / np.cbrt(1 - shear[..., 3:4] ** 2)
    provenance = {"material": {"density": DENSITY}}
    data = DataSet(Path("x"), TIME, stretch, 160e9 * shear, ("x",) * len(shear), provenance)
    told = {one.check: one for one in examine(data)}
    assert told["volume"].state == "warning"
    assert told["wave speed"].text == "unknown without density and bulk modulus"


def test_declared_moduli_that_the_data_deny(many) -> None:
    stretch, _, stress = many
    found = implied_moduli(stretch, stress)
    assert found.bulk == pytest.approx(170e9, rel=0.01)
    assert found.shear == pytest.approx(80e9, rel=0.01)
    told = {}
    for shear in (80e9, 8e9):
        provenance = {"material": {"bulk": 170e9, "shear": shear, "density": DENSITY}, "moduli": "declared"}
        data = DataSet(Path("x"), TIME, stretch, stress, ("x",) * len(stretch), provenance)
        told[shear] = [one.text for one in examine(data) if one.check == "declared moduli"]
    assert told[80e9] == []
    assert told[8e9] == ["the first steps give a shear modulus of 8e+10 Pa, declared is 8e+09 Pa"]


def test_steps_too_coarse_to_be_elastic(many) -> None:
    """Every sixth step: the first already flows, and the modulus that it gives is far too small."""
    coarse = [x[:, ::6] for x in (many[0], many[2])]
    data = DataSet(Path("x"), TIME[::6], *coarse, ("x",) * len(many[0]), {"material": {"density": DENSITY}})
    told = {one.check: one for one in examine(data)}
    assert told["first steps"].state == "warning"
    assert implied_moduli(*coarse).shear < 0.5 * 80e9
