// Materials by name and constants: made once for a process, then read without a lock.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "abaqus_names.h"
#include "core/material.h"
#include "core/stretch_tangent.h"

namespace pybridge::abaqus {

// One *MATERIAL of the deck. Stress unit in Pa and time unit in s of the deck: 1 for built-in laws, whose
// constants are in the deck's units.
struct DeckMaterial {
  std::string name;
  std::vector<Real> props;
  std::shared_ptr<const Material<Real>> material;
  const HasStretchTangent<Real>* joint = nullptr;  // the material, where it gives its tangent with the stress
  int states = 0;
  double stress_unit = 1;
  double time_unit = 1;
  bool stop_when_unreliable = false;
  bool needs_density = false;
  double density = 0;  // of the virgin material, for hosts that pass none; 0: not given
  const DeckMaterial* next = nullptr;

  // In the deck's units.
  ElasticModuli moduli() const {
    const ElasticModuli si = material->elastic_moduli();
    return {si.bulk / stress_unit, si.shear / stress_unit};
  }
};

// The material of a name (80 characters, blank-padded) and its constants. Any number of threads may ask at
// once: the first loads, the others wait; later calls take no lock. Throws Error; a failure is not
// remembered.
const DeckMaterial& find_material(const char* name, const Real* props, int constants);

// Loads the surrogate of that name if there is a file for it, so that a bad file is noticed at the start.
void preload(const std::string& name);

// Later calls load again. What was handed out stays valid.
void forget_materials();

}  // namespace pybridge::abaqus
