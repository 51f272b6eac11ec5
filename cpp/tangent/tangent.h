// The stretch tangent (core/stretch_tangent.h) of any material of the contract.
#pragma once

#include "core/stretch_tangent.h"

namespace pybridge {

// How the strain increment of a block follows from its stretches: by core/kinematics.h, or as their
// difference (geometrically linear analyses).
enum class StrainIncrement { corotational, difference };

// Updates a block of one point (n = stride = 1) and gives its stretch tangent [36]: the material's own
// derivative where it has one, forward differences otherwise. Outputs of the block as after update(); where
// it fails, the tangent is that of the virgin moduli.
template <class Real>
void update_with_stretch_tangent(const Material<Real>& material, const Block<Real>& point,
                                 StrainIncrement from, Real* tangent);

// The same by forward differences, whatever the material offers: all seven points in one block.
template <class Real>
void update_with_numerical_tangent(const Material<Real>& material, const Block<Real>& point,
                                   StrainIncrement from, Real* tangent);

}  // namespace pybridge
