// What VUMAT and UMAT say alike where a material has no answer.
#pragma once

#include <string>

#include "core/material.h"
#include "material_cache.h"

namespace pybridge::abaqus {

// A number as people write it.
std::string number(double value);

// Throws Error unless the host has `given` state variables for a material that needs another number.
void check_state_count(int given, const DeckMaterial& material);

// What is known about why a point failed, or was refused as unreliable, in the increment [time_old, time_old
// + dt], s.
std::string reason(double time_old, double dt, const DeckMaterial& material, Status status);

}  // namespace pybridge::abaqus
