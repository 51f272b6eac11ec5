// UEXTERNALDB of Abaqus/Standard: models are loaded at the start of the analysis, so that a bad file stops
// the job before its first increment. Hosts that never call it load at the first material call.
#include <exception>

#include "abaqus_names.h"
#include "host_routines.h"
#include "preload.h"

PYBRIDGE_EXPORT void FOR_NAME(uexternaldb, UEXTERNALDB)(const int* LOP, const int* /*LRESTART*/,
                                                        const double* /*TIME*/, const double* /*DTIME*/,
                                                        const int* /*KSTEP*/, const int* /*KINC*/) {
  using namespace pybridge::abaqus;
  constexpr int start_of_analysis = 0, start_of_restart = 4;
  clear_last_error();
  if (*LOP != start_of_analysis && *LOP != start_of_restart) return;
  try {
    preload_models();
  } catch (const std::exception& error) {
    stop(error.what());
  } catch (...) {
    stop("unknown error while loading models");
  }
}
