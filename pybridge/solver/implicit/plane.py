"""Meshes of plane strain and what is assembled on them. Components in the plane: 11, 22, 12 (engineering shear)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import skfem
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from pybridge.errors import SolverError

# Element, mesh, order of integration: 3 points for T6, 2 x 2 for Q4 and Q8 (reduced, as the papers' 4 a element).
ELEMENTS: dict[str, tuple[Any, Any, int]] = {
    "T6": (skfem.ElementTriP2, skfem.MeshTri, 2),
    "Q4": (skfem.ElementQuad1, skfem.MeshQuad, 3),
    "Q8": (skfem.ElementQuadS2, skfem.MeshQuad, 3),
}


def _strain_rows(gradient: NDArray) -> NDArray:
    """(3, ...) of a displacement gradient (2, 2, ...): eps_11, eps_22, gamma_12."""
    return np.stack([gradient[0, 0], gradient[1, 1], gradient[0, 1] + gradient[1, 0]])


@skfem.BilinearForm
def _stiffness(u: Any, v: Any, w: Any) -> NDArray:
    return np.einsum("i...,ij...,j...->...", _strain_rows(v.grad), w["d"], _strain_rows(u.grad))


@skfem.LinearForm
def _internal(v: Any, w: Any) -> NDArray:
    return np.einsum("i...,i...->...", w["s"], _strain_rows(v.grad))


@skfem.LinearForm
def _pressure(v: Any, w: Any) -> NDArray:
    return -(w.n[0] * v[0] + w.n[1] * v[1])


@dataclass(frozen=True)
class PlaneMesh:
    """A mesh with its basis; points are numbered element by element."""

    kind: str
    basis: skfem.Basis

    @property
    def mesh(self) -> Any:
        """The mesh of scikit-fem."""
        return self.basis.mesh

    @property
    def points(self) -> int:
        """Integration points."""
        return int(np.prod(self.basis.dx.shape))

    @property
    def size(self) -> int:
        """Degrees of freedom."""
        return int(self.basis.N)

    @cached_property
    def coordinates(self) -> NDArray:
        """(2, points) of the integration points, m."""
        return np.asarray(self.basis.global_coordinates()).reshape(2, -1)

    @cached_property
    def weights(self) -> NDArray:
        """(points,) area of each integration point, m2."""
        return np.asarray(self.basis.dx).ravel()

    def strain(self, u: NDArray) -> NDArray:
        """(3, points) of the displacements u."""
        field: Any = self.basis.interpolate(u)
        return _strain_rows(np.asarray(field.grad)).reshape(3, -1)

    def displacement(self, u: NDArray) -> NDArray:
        """(2, points) of the displacements u, m."""
        field: Any = self.basis.interpolate(u)
        return np.asarray(field).reshape(2, -1)

    def stiffness(self, d: NDArray) -> csr_matrix:
        """K from D (3, 3, points), Pa; per metre of thickness."""
        return csr_matrix(_stiffness.assemble(self.basis, d=d.reshape(3, 3, *self.basis.dx.shape)))

    def internal(self, stress: NDArray) -> NDArray:
        """Internal forces of stresses (3, points), Pa; N per metre of thickness."""
        return np.asarray(_internal.assemble(self.basis, s=stress.reshape(3, *self.basis.dx.shape)))

    def pressure_load(self, side: str) -> NDArray:
        """Nodal forces of a unit pressure on a side, along its first normal (dead load)."""
        facets = self.mesh.boundaries[side]
        basis = skfem.FacetBasis(self.mesh, self.basis.elem, facets=facets, intorder=4)
        return np.asarray(_pressure.assemble(basis))

    def dofs(self, side: str, component: int) -> NDArray:
        """Degrees of freedom of a side, component 0 or 1, nodes between the corners included."""
        found = self.basis.get_dofs(self.mesh.boundaries[side])
        names = [f"u^{component + 1}"]
        return np.asarray(found.all(names))


def rectangle(kind: str, columns: int, rows: int, width: float, height: float) -> PlaneMesh:
    """A rectangle of columns x rows squares (T6: two triangles each) with sides left, right, bottom, top.

    Raises SolverError for an unknown element or a mesh without elements.
    """
    if kind not in ELEMENTS:
        raise SolverError(f"element {kind!r}: expected one of {', '.join(ELEMENTS)}")
    if columns < 1 or rows < 1 or not (width > 0 and height > 0):
        raise SolverError(
            f"rectangle: got {columns} x {rows} elements of {width:g} x {height:g} m, expected all > 0"
        )
    element, mesh_type, order = ELEMENTS[kind]
    mesh = mesh_type.init_tensor(np.linspace(0, width, columns + 1), np.linspace(0, height, rows + 1))
    near = 1e-9 * max(width, height)
    mesh = mesh.with_boundaries(
        {
            "left": lambda x: np.abs(x[0]) < near,
            "right": lambda x: np.abs(x[0] - width) < near,
            "bottom": lambda x: np.abs(x[1]) < near,
            "top": lambda x: np.abs(x[1] - height) < near,
        }
    )
    return PlaneMesh(kind, skfem.Basis(mesh, skfem.ElementVector(element()), intorder=order))
