// From a call's arguments to a block of the material contract and back.
#pragma once

#include "arguments.h"
#include "material_cache.h"

namespace pybridge::abaqus {

// The answer to Abaqus's data check: elastic from the virgin moduli, and nothing remembered.
void answer_data_check(const Arguments& call, const DeckMaterial& material);

// One increment: stress, state, energies, effective moduli. Throws Error where a point has no answer.
void answer_increment(const Arguments& call, const DeckMaterial& material);

// The material's own update alone, `repeats` times, with the points of a call: what the bridge is measured
// by.
void repeat_update(const Arguments& call, const DeckMaterial& material, int repeats);

// Leaves a failed call: the old state and energies, and a stress that no host can take for an answer (NaN).
void leave_without_answer(const Arguments& call) noexcept;

}  // namespace pybridge::abaqus
