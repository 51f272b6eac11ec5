"""Meshes of plane strain and of solids, and what is assembled on them.

Components: 11, 22, 12 in plane strain, 11, 22, 33, 12, 23, 13 in a solid; engineering shear. Shape functions, quadrature,
degrees of freedom and facets are scikit-fem's; strains are small, so that the gradients B are computed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import skfem
from numpy.typing import NDArray
from scipy.sparse import csc_matrix
from scipy.spatial import KDTree
from skfem.refdom import RefHex

from pybridge.deck.model import corners_of
from pybridge.errors import SolverError


@dataclass(frozen=True)
class Technology:
    """Element and mesh of scikit-fem, order of integration (0: the centre alone); mean: the volume strain is the element's
    mean, so that flow without change of volume does not lock (in plane strain of the strains in the plane)."""

    element: Any
    mesh: Any
    order: int
    mean: bool = False


# T6 has 3 points, Q4 and Q8 2 x 2 (reduced for Q8, as the papers' 4 an element), H8 2 x 2 x 2. Deck names: as Abaqus.
# CPE3 and CPE4R are of explicit runs, for what happened at their points.
ELEMENTS: dict[str, Technology] = {
    "T6": Technology(skfem.ElementTriP2, skfem.MeshTri, 2),
    "Q4": Technology(skfem.ElementQuad1, skfem.MeshQuad, 3),
    "Q8": Technology(skfem.ElementQuadS2, skfem.MeshQuad, 3),
    "H8": Technology(skfem.ElementHex1, skfem.MeshHex, 3),
    "H20": Technology(skfem.ElementHexS2, skfem.MeshHex, 3),
    "CPE3": Technology(skfem.ElementTriP1, skfem.MeshTri, 0),
    "CPE4R": Technology(skfem.ElementQuad1, skfem.MeshQuad, 0),
    "CPE4": Technology(skfem.ElementQuad1, skfem.MeshQuad, 3, mean=True),
    "CPE6": Technology(skfem.ElementTriP2, skfem.MeshTri, 2),
    "CPE8": Technology(skfem.ElementQuadS2, skfem.MeshQuad, 5),
    "CPE8R": Technology(skfem.ElementQuadS2, skfem.MeshQuad, 3),
    "C3D8": Technology(skfem.ElementHex1, skfem.MeshHex, 3, mean=True),
    "C3D20": Technology(skfem.ElementHexS2, skfem.MeshHex, 5),
    "C3D20R": Technology(skfem.ElementHexS2, skfem.MeshHex, 3),
}
# Abaqus's corners in coordinates 0, 1 of the reference hexahedron; scikit-fem orders its own otherwise.
_HEXAHEDRON = np.array(
    [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]], float
)
_SHEARS = {2: ((0, 1),), 3: ((0, 1), (1, 2), (0, 2))}


@skfem.LinearForm
def _pressure(v: Any, w: Any) -> NDArray:
    return -np.sum([w.n[i] * v[i] for i in range(len(w.n))], axis=0)


@dataclass(frozen=True, eq=False)
class ImplicitMesh:
    """A mesh with its basis; points are numbered element by element. dim 2: per metre of thickness."""

    kind: str
    basis: skfem.Basis

    @property
    def mesh(self) -> Any:
        """The mesh of scikit-fem."""
        return self.basis.mesh

    @property
    def dim(self) -> int:
        """2 in plane strain, 3 in a solid."""
        return int(self.mesh.p.shape[0])

    @property
    def components(self) -> int:
        """Of strain and stress: 3 or 6."""
        return 3 if self.dim == 2 else 6

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
        """(dim, points) of the integration points, m."""
        return np.asarray(self.basis.global_coordinates()).reshape(self.dim, -1)

    @cached_property
    def weights(self) -> NDArray:
        """(points,) area or volume of each integration point."""
        return np.asarray(self.basis.dx).ravel()

    @cached_property
    def _local_gradients(self) -> NDArray:
        """(local degrees of freedom, i, j, elements, points of an element): u_i,j."""
        functions: Any = self.basis.basis
        return np.array([f[0].grad for f in functions])

    @cached_property
    def gradients(self) -> NDArray:
        """B (elements, points of an element, components, local degrees of freedom): strain = B u."""
        grads = self._local_gradients
        rows = [grads[:, i, i] for i in range(self.dim)]
        rows += [grads[:, i, j] + grads[:, j, i] for i, j in _SHEARS[self.dim]]
        out = np.ascontiguousarray(np.array(rows).transpose(2, 3, 0, 1))
        if ELEMENTS[self.kind].mean:
            weight = np.asarray(self.basis.dx)
            volume = out[:, :, : self.dim].sum(axis=2)
            mean = np.einsum("eq,eqb->eb", weight, volume) / weight.sum(axis=1)[:, None]
            out[:, :, : self.dim] += ((mean[:, None] - volume) / self.dim)[:, :, None]
        return out

    @cached_property
    def _pattern(self) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        """Where element matrices go: place of each entry, and the columns' structure."""
        dofs = np.asarray(self.basis.element_dofs).T
        rows = np.repeat(dofs[:, :, None], dofs.shape[1], axis=2).ravel().astype(np.int64)
        columns = np.repeat(dofs[:, None, :], dofs.shape[1], axis=1).ravel().astype(np.int64)
        keys, place = np.unique(columns * self.size + rows, return_inverse=True)
        start = np.searchsorted(keys, np.arange(self.size + 1) * self.size)
        return place.ravel(), keys % self.size, start, dofs

    def strain(self, u: NDArray) -> NDArray:
        """(components, points) of the displacements u."""
        b, local = self.gradients, u[self._pattern[3]]
        flat = b.reshape(len(b), -1, b.shape[3]) @ local[:, :, None]
        return np.ascontiguousarray(flat.reshape(-1, self.components).T)

    def deformation_gradient(self, u: NDArray) -> NDArray:
        """F = I + du/dX (points, dim, dim) of the displacements u."""
        h = np.einsum("bijeq,eb->eqij", self._local_gradients, u[self._pattern[3]])
        return np.eye(self.dim) + h.reshape(-1, self.dim, self.dim)

    def displacement(self, u: NDArray) -> NDArray:
        """(dim, points) of the displacements u, m."""
        field: Any = self.basis.interpolate(u)
        return np.asarray(field).reshape(self.dim, -1)

    def stiffness(self, d: NDArray) -> csc_matrix:
        """K from D (components, components, points), Pa."""
        b, c = self.gradients, self.components
        place, rows, start, _ = self._pattern
        moduli = (d * self.weights).reshape(c, c, *self.basis.dx.shape).transpose(2, 3, 0, 1)
        stress = (moduli @ b).reshape(len(b), -1, b.shape[3])
        elements = b.reshape(len(b), -1, b.shape[3]).transpose(0, 2, 1) @ stress
        data = np.bincount(place, elements.ravel(), len(rows))
        return csc_matrix((data, rows, start), shape=(self.size, self.size))

    def internal(self, stress: NDArray) -> NDArray:
        """Internal forces of stresses (components, points), Pa."""
        b = self.gradients
        weighted = (stress * self.weights).T.reshape(len(b), 1, -1)
        local = weighted @ b.reshape(len(b), -1, b.shape[3])
        return np.bincount(self._pattern[3].ravel(), local.ravel(), self.size)

    def pressure_load(self, side: str | NDArray) -> NDArray:
        """Nodal forces of a unit pressure on a side (its name, or facets), against its first normal (dead load)."""
        facets = self.mesh.boundaries[side] if isinstance(side, str) else side
        basis = skfem.FacetBasis(self.mesh, self.basis.elem, facets=facets, intorder=4)
        return np.asarray(_pressure.assemble(basis))

    def dofs(self, side: str, component: int) -> NDArray:
        """Degrees of freedom of a side, component 0, 1 or 2, nodes between the corners included."""
        found = self.basis.get_dofs(self.mesh.boundaries[side])
        names = [f"u^{component + 1}"]
        return np.asarray(found.all(names))

    @cached_property
    def _places(self) -> tuple[NDArray, NDArray]:
        """Coordinates (n, dim) of the nodes and their degrees of freedom (dim, n): corners, then middles of edges."""
        b = self.basis
        middles = b.facet_dofs if self.dim == 2 else b.edge_dofs
        dofs = np.hstack([np.asarray(b.nodal_dofs), np.asarray(middles).reshape(self.dim, -1)])
        return np.asarray(b.doflocs)[:, dofs[0]].T, dofs

    def node_dofs(self, points: NDArray, labels: NDArray) -> NDArray:
        """(dim, n) degrees of freedom of the nodes at points (n, dim). SolverError where none is there."""
        places, dofs = self._places
        size = float(np.ptp(places, axis=0).max())
        distance, found = KDTree(places).query(points)
        bad = np.flatnonzero(distance > 1e-6 * size)
        if bad.size:
            raise SolverError(
                f"node {labels[bad[0]]} stands {distance[bad[0]]:.3g} away from the middle of its edge; the implicit "
                "solver takes straight edges with their nodes in the middle"
            )
        return dofs[:, found]

    def facets(self, corners: NDArray) -> NDArray:
        """Facets with these corners (m, 2 or 4), vertices of the mesh of scikit-fem."""
        own = {tuple(column): k for k, column in enumerate(np.sort(self.mesh.facets, axis=0).T.tolist())}
        return np.array([own[tuple(row)] for row in np.sort(corners, axis=1).tolist()])


def mesh_of(kind: str, corners: NDArray, cells: NDArray) -> ImplicitMesh:
    """From vertices (n, dim) and cells (m, corners) in Abaqus's order. Raises SolverError for an unknown element."""
    technology = _technology(kind)
    if technology.mesh is skfem.MeshHex:
        cells = cells[:, _hexahedron_order()]
    mesh = technology.mesh(np.ascontiguousarray(corners.T), np.ascontiguousarray(cells.T))
    return _with_points(kind, mesh)


def block_mesh(
    kind: str, coordinates: NDArray, labels: NDArray, cells: NDArray
) -> tuple[ImplicitMesh, NDArray, NDArray]:
    """A block of elements in Abaqus's order: cells (m, nodes of an element) index the nodes' coordinates (n, 3) and labels.
    The mesh, the nodes it uses, and their degrees of freedom (dim, used). Raises SolverError."""
    dim = 3 if kind.startswith("C3D") else 2
    corners = cells[:, : corners_of(kind)]
    used, numbered = np.unique(corners, return_inverse=True)
    mesh = mesh_of(kind, coordinates[used, :dim], numbered.reshape(corners.shape))
    nodes = np.unique(cells)
    return mesh, nodes, mesh.node_dofs(coordinates[nodes, :dim], labels[nodes])


def _with_points(kind: str, mesh: Any) -> ImplicitMesh:
    """A mesh of scikit-fem with the element's shape functions and integration points."""
    technology = ELEMENTS[kind]
    element = skfem.ElementVector(technology.element())
    if technology.order > 0:
        return ImplicitMesh(kind, skfem.Basis(mesh, element, intorder=technology.order))
    centre, area = (1 / 3, 0.5) if technology.mesh is skfem.MeshTri else (0.5, 1.0)
    return ImplicitMesh(
        kind, skfem.Basis(mesh, element, quadrature=(np.full((2, 1), centre), np.array([area])))
    )


def _technology(kind: str) -> Technology:
    if kind not in ELEMENTS:
        raise SolverError(f"element {kind!r}: expected one of {', '.join(ELEMENTS)}")
    return ELEMENTS[kind]


def _hexahedron_order() -> list[int]:
    """Abaqus's corner at each of scikit-fem's."""
    places = np.asarray(RefHex.p).T
    return [int(np.abs(_HEXAHEDRON - place).sum(axis=1).argmin()) for place in places]


def rectangle(kind: str, columns: int, rows: int, width: float, height: float) -> ImplicitMesh:
    """A rectangle of columns x rows squares (T6: two triangles each) with sides left, right, bottom, top.

    Raises SolverError for an unknown element or a mesh without elements.
    """
    technology = _technology(kind)
    if columns < 1 or rows < 1 or not (width > 0 and height > 0):
        raise SolverError(
            f"rectangle: got {columns} x {rows} elements of {width:g} x {height:g} m, expected all > 0"
        )
    mesh = technology.mesh.init_tensor(np.linspace(0, width, columns + 1), np.linspace(0, height, rows + 1))
    near = 1e-9 * max(width, height)
    mesh = mesh.with_boundaries(
        {
            "left": lambda x: np.abs(x[0]) < near,
            "right": lambda x: np.abs(x[0] - width) < near,
            "bottom": lambda x: np.abs(x[1]) < near,
            "top": lambda x: np.abs(x[1] - height) < near,
        }
    )
    return _with_points(kind, mesh)
