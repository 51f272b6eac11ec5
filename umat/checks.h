// What can be seen to be wrong in the arguments of a call. All throw Error.
#pragma once

#include "arguments.h"
#include "material_cache.h"

namespace pybridge::abaqus {

// Counts of the call: three-dimensional (ndir = 3, nshr = 3), plane strain or axisymmetric (3, 1).
void check_element_type(const Arguments& call);

// Refuses a host of the other precision where it can be seen: its stretches, near 1, then read as tiny
// numbers, zeros or noise. Looks only at memory that either precision has. Stretches of zero are let pass in
// the data check.
void check_precision(const Arguments& call);

// DEPVAR against the material's state.
void check_states(const Arguments& call, const DeckMaterial& material);

// Finite deformation gradients, stretches and densities; det F > 0. Before each update, so it is quick.
void check_kinematics(const Arguments& call);

// The same and finite strain increments and stresses, point by point: where something went wrong.
void check_inputs(const Arguments& call);

// " of element 17" where the host tells element numbers, else "".
std::string element_of(const Arguments& call, int point);

}  // namespace pybridge::abaqus
