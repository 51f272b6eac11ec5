"""Fields of a frame against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pybridge.solver import output


def frame_of(lab, f, kind, before=None):
    """The frame of a box deformed by F, through `before` (a stretch) where given."""
    points, cells = lab.box(2, 1, 1)
    statics = lab.Statics(lab.model(points, cells, lab.elastic(100e9, 0.3), kind))
    for step in [before] if before is not None else []:
        statics.move(points @ (step - np.eye(3)).T)
    statics.move(points @ (f - np.eye(3)).T)
    return output.frame(statics.run).element


@pytest.mark.parametrize("kind", ["C3D8R", "C3D8"])
def test_stress_is_that_of_the_global_axes(lab, kind) -> None:
    stretch = np.diag([1.01, 0.99, 1.0])
    turn = Rotation.from_euler("z", 30, degrees=True).as_matrix()
    fields = frame_of(lab, turn @ stretch, kind, stretch)
    shear = 100e9 / 2.6
    local = 2 * shear * np.diag([0.01, -0.01, 0.0])
    expected = turn @ local @ turn.T
    rows = expected[[0, 1, 2, 0, 1, 0], [0, 1, 2, 1, 2, 2]]
    # 2 %: logarithm against ln(1.01), and a volume change of 1e-4 with the bulk modulus
    np.testing.assert_allclose(fields["stress"], [rows] * 2, atol=0.02 * np.abs(rows).max())
    assert abs(rows[3]) > 0.5 * np.abs(rows).max()


@pytest.mark.parametrize("kind", ["C3D8R", "C3D8"])
def test_strain_measures_tell_volume_from_shape(lab, kind) -> None:
    volume = frame_of(lab, 1.1 * np.eye(3), kind)
    np.testing.assert_allclose(volume["volumetric_strain"], 1.1**3 - 1, rtol=1e-12)
    assert np.abs(volume["deviatoric_strain"]).max() < 1e-14
    a = 1.2
    shape = frame_of(lab, 1.1 * np.diag([a, a**-0.5, a**-0.5]), kind)
    expected = 0.5 * np.sqrt((a**2 - 1) ** 2 + 2 * (1 / a - 1) ** 2)
    np.testing.assert_allclose(shape["deviatoric_strain"], expected, rtol=1e-12)
    np.testing.assert_allclose(shape["volumetric_strain"], 1.1**3 - 1, rtol=1e-12)


def test_long_state_variables_are_stored_by_their_norm(lab) -> None:
    class Long:
        """Elastic, with a state of 12 numbers that are all 2."""

        def __init__(self):
            self.law = lab.elastic().material
            self.elastic_moduli, self.domain, self.dtype = (
                self.law.elastic_moduli,
                self.law.domain,
                self.law.dtype,
            )
            self.state_size = 12
            self.state_schema = [
                type("S", (), {"name": "many", "count": 12, "unit": "1", "description": "d"})
            ]

        def update(self, *, state_old, state_new, **rest):
            empty = np.zeros((0, state_new.shape[1]))
            self.law.update(state_old=empty, state_new=empty, **rest)
            state_new[:] = 2.0

    from pybridge.solver import SolverMaterial

    points, cells = lab.box(1, 1, 1)
    statics = lab.Statics(lab.model(points, cells, SolverMaterial("LONG", Long(), 1000.0)))
    statics.move(1e-9 * points)
    short, whole = output.frame(statics.run), output.frame(statics.run, all_state=True)
    np.testing.assert_allclose(short.element["many_norm"], 2 * np.sqrt(12))
    assert "many" not in short.element
    assert whole.element["many"].shape == (1, 12)
    assert short.fields["many_norm"].unit == "1"
