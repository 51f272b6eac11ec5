// Which host calls umat_, and what it means by its arguments: told from the material's name.
//
//   Abaqus/Standard   STRESS is the global Cauchy stress, rotated by DROT before the call; DDSDDE belongs to
//                     Jaumann's rate of the Kirchhoff stress over J, in the global basis
//   CalculiX          material "@ABAQUSNL_LIBRARY@NAME": STRESS is R^T sigma R; DDSDDE is pulled back by U^-1
//                     alone, so that it must belong to Lie's rate of the Kirchhoff stress, in the frame of R;
//                     energies are not passed
#pragma once

#include "abaqus_names.h"

namespace pybridge::abaqus {

enum class ImplicitHost { abaqus, calculix };

struct HostMaterial {
  ImplicitHost host;
  const char* name;  // the material's own, name_length characters, blank-padded: CMNAME or `own`
  char own[name_length];
};

// From CMNAME, 80 characters. What stands behind CalculiX's "@ABAQUSNL_LIBRARY@" is the name; since it may
// not hold an underscore there, "PYBRIDGE-J2-COPPER" is read as PYBRIDGE_J2_COPPER. Throws Error for
// CalculiX's small-strain interface "@ABAQUS_", and for a name without a second "@".
void read_host_material(const char* cmname, HostMaterial& material);

}  // namespace pybridge::abaqus
