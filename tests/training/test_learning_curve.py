"""Error against number of paths: the budget of updates, resumption, one picture of both kinds."""

from __future__ import annotations

import dataclasses
import json

import pytest

from pybridge.errors import ConfigError
from training import learning_curve as module
from training.learning_curve import budgeted, learning_curve, updates_of
from training.yield_surface_config import YieldSurfaceConfig

SURFACE = YieldSurfaceConfig(
    backstresses=1, scalars=1, width=4, steps=(1.0,), step_weights=(1.0,), epochs=2, batch=16
)


@pytest.mark.parametrize(("count", "epochs"), [(10, 40), (16, 40), (17, 20), (160, 4), (6400, 1)])
def test_every_training_makes_the_same_number_of_updates(count, epochs) -> None:
    found = budgeted(SURFACE, count, 40)
    assert found.epochs == epochs
    assert found.validation_fraction == 0
    assert updates_of(SURFACE, None) == 2 * 3200 // 16
    assert budgeted(SURFACE, 3200, None).epochs == 2
    assert budgeted(SURFACE, 320, None).epochs == 20


def test_both_kinds_in_one_table_and_resumed(j2_data, small_config, tmp_path, monkeypatch, capsys) -> None:
    pca = dataclasses.replace(small_config, modes_in=4, modes_out=4, width=8)

    def run(counts, **changes):
        return learning_curve(j2_data, counts, SURFACE, tmp_path, 6, dataclasses.replace(pca, **changes))

    rows = run([40, 20])
    assert [row["paths"] for row in rows] == [20, 40]  # small ones first
    assert list(rows[0]["errors"]) == [
        "yield surface", "PCA + DNN, whole path known", "PCA + DNN, in the solver",
    ]  # fmt: skip
    assert rows[1]["errors"]["yield surface"]["paths"] == 12
    assert rows[1]["updates"] == {"surface": 6, "pca": 6}
    table = (tmp_path / "learning_curve.md").read_text().splitlines()
    assert [line.split("|")[1].strip() for line in table[2:]] == ["20", "40"]
    assert (tmp_path / "learning_curve.png").read_bytes()[:4] == b"\x89PNG"
    assert json.loads((tmp_path / "learning_curve.json").read_text()) == rows
    before = rows[0]["errors"]["yield surface"]["deviatoric"]
    assert f"{100 * before:.3g}" in table[2]

    trained = []
    for name in ("train_surface", "train_pca"):
        real = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *a, real=real, name=name: trained.append((name, len(a[0]))) or real(*a)
        )
    again = run([20, 40, 80])
    assert trained == [("train_surface", 80), ("train_pca", 80)]
    assert again[:2] == rows
    trained.clear()
    with pytest.raises(ConfigError, match="holds another training"):
        run([20], learning_rate=1e-3)  # a finished training of another kind is not taken for this one
    assert [name for name, _ in trained] == ["train_pca"]
    with pytest.raises(ConfigError, match="108 paths to train on; asked for 109"):
        run([109])
    assert "| 80 |" in capsys.readouterr().out
