"""Export, reload in both engines, evaluation, inspection, the commands, calibration."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import pybridge._core as _core
from pybridge.commands import main
from pybridge.errors import ModelFileError
from training import export as export_module
from training.calibration import calibrate_johnson_cook, uniaxial_histories
from training.commands.inspect import describe
from training.evaluate import projection_errors, protocol_row, source_of
from training.evaluation_report import run_evaluation, table
from training.executor import Serial
from training.export import check_histories, export, load_any
from training.fine_scale import Law, drive, drive_material
from training.tensors import IDENTITY, deviator, norm


@pytest.fixture(scope="session")
def model_file(folder, small_model):
    path = folder / "SMALL.pt"
    export(small_model, path)
    return path


def test_exported_model_answers_as_trained_in_both_engines(model_file, small_model):
    time, stretch = check_histories(small_model, paths=3, steps=25)
    truth = small_model.in_solver(time, stretch - IDENTITY)
    for engine in ("native", "torchscript"):
        material = _core.load_model(str(model_file), engine, "float64")
        answer = drive_material(material, 1e4, time, stretch)
        assert np.abs(answer.stress - truth).max() < 1e-11 * np.abs(truth).max()
        assert material.domain.time_max == pytest.approx(1e-6)
        assert material.elastic_moduli.shear == pytest.approx(25e9)
        assert material.state_size == 6 * 10 + 1


def test_reloaded_model_file_is_the_trained_surrogate(model_file, small_model, j2_data):
    again = load_any(model_file)
    stress = again.in_solver(j2_data.time, j2_data.strain[:2])
    np.testing.assert_allclose(
        stress,
        small_model.in_solver(j2_data.time, j2_data.strain[:2]),
        rtol=0,
        atol=1e-10 * np.abs(stress).max(),
    )
    assert again.card["training"]["data"]["law"]["name"] == "PYBRIDGE_J2"


def test_nothing_is_exported_where_an_engine_differs(tmp_path, small_model, monkeypatch):
    target = tmp_path / "BAD.pt"
    target.write_bytes(b"as it was")
    right = export_module.model_tensors

    def wrong(model, precision):
        tensors = right(model, precision)
        tensors["output_scale"] = tensors["output_scale"] * 1.001
        return tensors

    # the file is compared with the trained surrogate, not with itself
    monkeypatch.setattr(export_module, "model_tensors", wrong)
    with pytest.raises(ModelFileError, match="differs from the trained"):
        export(small_model, target)
    assert target.read_bytes() == b"as it was"
    assert list(tmp_path.iterdir()) == [target]


def test_export_needs_moduli_and_a_pt_name(tmp_path, small_model):
    with pytest.raises(ModelFileError, match=r"ends in \.pt"):
        export(small_model, tmp_path / "x.model")
    with pytest.raises(ModelFileError, match="elastic moduli of the virgin material"):
        export(replace(small_model, card={**small_model.card, "material": None}), tmp_path / "x.pt")


def test_inspect_says_what_files_hold(model_file, folder, j2_data):
    words = "\n".join(describe(model_file))
    for text in (
        "model 'SMALL'",
        "bulk 47.97 GPa",
        "pca_coefficient[60]",
        "polynomial in J - 1",
        "108 paths",
    ):
        assert text in words
    words = "\n".join(describe(folder / "j2.h5"))
    for text in ("120 paths (120 R)", "100 stored steps up to 1e-06 s", "law PYBRIDGE_J2"):
        assert text in words
    assert "trained surrogate 'small'" in "\n".join(describe(folder / "small"))


@pytest.fixture(scope="session")
def evaluated(folder, small_model):
    out = folder / "evaluation"
    return run_evaluation(small_model, source_of(small_model), out, Serial(), paths=6, quiet=True), out


def test_evaluation_covers_every_protocol_and_figure(evaluated):
    result, out = evaluated
    assert list(result["protocols"]) == ["R", "F", "I", "U", "U-iso", "L-U", "L-U-iso", "C"]
    for row in result["protocols"].values():
        for key in ("whole", "held", "linear"):
            assert row[key]["deviatoric"] > 0
        assert row["pca_output"] <= row["whole"]["total"] + 1e-6
    assert list(result["resolution"]) == [50, 100, 200, 250, 500, 1000]
    errors = [row["total"] for row in result["resolution"].values()]
    assert max(errors) < 1.1 * min(errors)  # independent of the resolution, [LIU22] Fig. 1d
    assert result["causality"]["a"]["fine"] == 0
    assert result["isotropy"]["fine"] < 1e-6  # J2 is isotropic
    assert "| R | 6 |" in "\n".join(table(result))
    written = {file.name for file in out.iterdir()}
    assert {"evaluation.json", "evaluation.md", "causality.png", "isotropy.png", "resolution.png"} <= written
    assert json.loads((out / "evaluation.json").read_text())["strain"] == 0.05


def test_isochoric_tests_report_no_volumetric_error(evaluated):
    assert evaluated[0]["protocols"]["I"]["whole"]["volumetric"] is None


def test_evaluation_of_a_perfect_surrogate_is_zero(small_model, j2_data):
    answer = small_model.history(j2_data.time, j2_data.strain)
    row = protocol_row(small_model, replace(j2_data, stress=answer))
    assert row["whole"]["total"] < 1e-12
    assert projection_errors(small_model, replace(j2_data, stress=answer))[1] < 1e-10


def test_commands_lead_from_nothing_to_a_model_file(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    law = ["generate", "law", "PYBRIDGE_J2", "--constants", "63.9e9,0.278,200e6,0", "--processes", "0"]
    assert main([*law, "--paths", "40", "--steps", "200", "--out", "d.h5"]) == 0
    sizes = [text for key in ("modes_in=4", "modes_out=4", "width=8", "epochs=2") for text in ("--set", key)]
    assert main(["train", "d.h5", "--config", "pca_dnn", *sizes, "--out", "run"]) == 0
    assert main(["export", "run", "--out", "NET.pt"]) == 0
    assert "native float64" in capsys.readouterr().out
    assert main(["export", "run", "--out", "NET.pt"]) == 2
    assert "--force to replace" in capsys.readouterr().err
    assert main(["inspect", "NET.pt"]) == 0
    assert main(["evaluate", "NET.pt", "--data", "d.h5"]) == 0
    assert "held: total" in capsys.readouterr().out
    assert main(["train", "d.h5", "--config", "pca_dnn", "--set", "widht=3"]) == 2
    assert "did you mean width?" in capsys.readouterr().err
    assert main(["train", "d.h5", "--front"]) == 2
    assert "--config pca_dnn" in capsys.readouterr().err
    assert main(["generate", "law", "--out", "x.h5"]) == 2
    assert main(["generate", "taylor", "--protocol", "R:x", "--out", "x.h5"]) == 2
    assert main([*law[:-3], "1,a", "--out", "x.h5"]) == 2
    assert main(["inspect", "none.pt"]) == 2
    assert main(["inspect", "x.txt"]) == 2


def test_drive_reports_a_failed_path_as_not_a_number():
    time = np.linspace(0, 1e-6, 4)
    stretch = np.tile(IDENTITY, (2, 4, 1))
    stretch[1, 2:, 0] = np.nan
    answer = drive(Law("PYBRIDGE_J2", (63.9e9, 0.278, 200e6, 0.0)), time, stretch)
    assert answer.status[0] == 0
    assert answer.status[1] >= 2
    assert np.isfinite(answer.stress[0]).all()
    assert np.isnan(answer.stress[1, 2:]).all()


def test_calibration_recovers_johnson_cook():
    constants = (63.9e9, 0.278, 150e6, 300e6, 0.4, 1.0, 923.0, 293.0, 0.03, 1e4, 0.0, 0.0)
    law = Law("PYBRIDGE_JOHNSON_COOK", constants)
    fit = calibrate_johnson_cook(law, strain=0.2)
    assert fit.error < 2e-3
    found = (fit.a, fit.b, fit.n, fit.c)
    # Flow stresses, not parameters, are what the histories tell: A, B and n trade off a little.
    np.testing.assert_allclose(found, (150e6, 300e6, 0.4, 0.03), rtol=0.03)
    again = Law("PYBRIDGE_JOHNSON_COOK", tuple(fit.constants()))
    a, strain = uniaxial_histories(law, 0.2, 3e5)
    b, _ = uniaxial_histories(again, 0.2, 3e5)
    late = strain > 0.01
    np.testing.assert_allclose(b[:, late], a[:, late], rtol=5e-3)


def test_uniaxial_histories_are_isochoric_and_isotropic_for_an_isotropic_law():
    law = Law("PYBRIDGE_J2", (63.9e9, 0.278, 200e6, 0.0))
    mises, strain = uniaxial_histories(law, 0.1, 1e5)
    np.testing.assert_allclose(mises[:, strain > 0.02], 200e6, rtol=1e-9)
    assert norm(deviator(IDENTITY)) == 0
