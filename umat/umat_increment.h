// From one call of UMAT to a point of the material contract and back.
#pragma once

#include "umat_arguments.h"
#include "umat_host.h"

namespace pybridge::abaqus {

// NDI, NSHR, NTENS: three-dimensional (3, 3), plane strain or axisymmetric (3, 1). Throws Error.
void check_element_type(const UmatArguments& call);

// Stress, state, tangent, energies. True where there is an answer; false where a smaller increment may give
// one: nothing is then changed but the tangent, which is the elastic one. Throws Error where no increment
// would help.
bool answer_increment(const UmatArguments& call, const HostMaterial& asked);

}  // namespace pybridge::abaqus
