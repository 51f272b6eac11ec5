// VEXTERNALDB of Abaqus/Explicit: models are loaded at the start of the analysis, so that a bad file stops
// the job before its first increment. Hosts that never call it load at the first material call.
#include <exception>

#include "abaqus_names.h"
#include "host_routines.h"
#include "preload.h"

PYBRIDGE_EXPORT void FOR_NAME(vexternaldb,
                              VEXTERNALDB)(const int* lOp, int* /*i_Array*/, const int* /*niArray*/,
                                           pybridge::abaqus::Real* /*r_Array*/, const int* /*nrArray*/) {
  using namespace pybridge::abaqus;
  constexpr int start_of_analysis = 0;
  clear_last_error();
  if (*lOp != start_of_analysis) return;
  try {
    preload_models();
  } catch (const std::exception& error) {
    stop(error.what());
  } catch (...) {
    stop("unknown error while loading models");
  }
}
