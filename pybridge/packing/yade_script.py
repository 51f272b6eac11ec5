"""Runs in Yade's own Python (Debian package yade), as a separate process: python3 yade_script.py CASE.npz ANSWER.npz.

The case is one packing without tangential forces, driven by a constant velocity gradient; the answer holds stress
(tension positive) and contact stiffness at every record, and the seconds the steps took. Imports nothing of pybridge.
"""

import math
import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"  # before Yade starts: otherwise slower, and not reproducible
sys.path.insert(1, "/usr/lib/x86_64-linux-gnu/yade-double/py")

import numpy as np


def build(case):
    """Bodies, cell and engines."""
    from yade import (  # type: ignore[import-not-found]
        Bo1_Sphere_Aabb,
        ForceResetter,
        FrictMat,
        Ig2_Sphere_Sphere_ScGeom,
        InsertionSortCollider,
        InteractionLoop,
        Ip2_FrictMat_FrictMat_FrictPhys,
        Ip2_FrictMat_FrictMat_MindlinPhys,
        Law2_ScGeom_FrictPhys_CundallStrack,
        Law2_ScGeom_MindlinPhys_Mindlin,
        Matrix3,
        NewtonIntegrator,
        O,
        utils,
    )

    O.periodic = True
    O.cell.hSize = Matrix3(*[float(v) for v in case["cell"].ravel()])
    hertz = bool(case["hertz"])
    material = FrictMat(
        young=float(case["young"]),
        poisson=float(case["poisson"] if hertz else case["ratio"]),
        frictionAngle=math.atan(float(case["friction"])),
        density=float(case["density"]),
    )
    O.materials.append(material)
    for x, r, mass, inertia in zip(
        case["position"], case["radius"], case["mass"], case["inertia"], strict=True
    ):
        body = utils.sphere([float(v) for v in x], float(r), material=material)
        if int(case["dim"]) == 2:
            body.state.blockedDOFs = "zXY"
            body.state.mass = float(mass)
            body.state.inertia = (float(inertia),) * 3
        O.bodies.append(body)
    pair = Ip2_FrictMat_FrictMat_MindlinPhys() if hertz else Ip2_FrictMat_FrictMat_FrictPhys()
    law = Law2_ScGeom_MindlinPhys_Mindlin() if hertz else Law2_ScGeom_FrictPhys_CundallStrack()
    O.engines = [
        ForceResetter(),
        InsertionSortCollider([Bo1_Sphere_Aabb()]),
        InteractionLoop([Ig2_Sphere_Sphere_ScGeom()], [pair], [law]),
        NewtonIntegrator(damping=float(case["damping"])),
    ]
    O.dt = float(case["dt"])
    O.cell.velGrad = Matrix3(*[float(v) for v in case["gradient"].ravel()])
    return O, utils


def contact_stiffness(omega, case):
    """[QU23A] Eq. 6 from Yade's contacts, both tangents in 3D (Yade's own function counts one), order 11 22 33 12 23 13."""
    rows, columns = [0, 1, 2, 0, 1, 0], [0, 1, 2, 1, 2, 2]
    out, flat = np.zeros((6, 6)), int(case["dim"]) == 2
    for contact in omega.interactions:
        if not contact.isReal:
            continue
        n = np.array(contact.geom.normal)
        length = contact.geom.refR1 + contact.geom.refR2 - contact.geom.penetrationDepth
        kn, kt = contact.phys.kn, contact.phys.ks
        if bool(case["hertz"]):
            kn, kt = 1.5 * contact.phys.kno * contact.geom.penetrationDepth**0.5, contact.phys.ks
        tangent = (np.diag([1.0, 1.0, 0.0]) if flat else np.eye(3)) - np.outer(n, n)
        full = length**2 * np.einsum("ik,j,l->ijkl", kn * np.outer(n, n) + kt * tangent, n, n)
        full = (full + full.transpose(1, 0, 2, 3)) / 2
        full = (full + full.transpose(0, 1, 3, 2)) / 2
        out += full[rows, columns][:, rows, columns]
    return out / omega.cell.volume


def main(case_file, answer_file):
    """Run the case and write the answer."""
    case = np.load(case_file)
    omega, utils = build(case)
    stress, stiffness, seconds = [], [], []
    for _ in range(int(case["records"])):
        begin = time.process_time()
        for _ in range(int(case["steps"])):
            omega.step()
        seconds.append(time.process_time() - begin)
        stress.append(np.array(utils.getStress()).reshape(3, 3))
        stiffness.append(contact_stiffness(omega, case))
    np.savez(answer_file, stress=stress, stiffness=stiffness, seconds=seconds)


if __name__ == "__main__":
    import yade  # type: ignore[import-not-found]  # noqa: F401

    main(sys.argv[1], sys.argv[2])
    sys.stdout.flush()
    os._exit(0)  # Yade's own exit handlers may crash without a display
