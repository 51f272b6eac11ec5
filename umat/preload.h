// Loading models at the start of an analysis.
#pragma once

namespace pybridge::abaqus {

// Loads the model of every material that the job's deck names. Without a job's name or deck: nothing, the
// material call loads. Throws Error.
void preload_models();

}  // namespace pybridge::abaqus
