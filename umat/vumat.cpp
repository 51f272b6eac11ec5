// VUMAT, the material call of Abaqus/Explicit (docs/vumat.md). Marshals only.
#include <atomic>
#include <cfenv>
#include <cstdlib>
#include <exception>
#include <optional>

#include "arguments.h"
#include "checks.h"
#include "host_routines.h"
#include "increment.h"
#include "material_cache.h"

namespace pybridge::abaqus {

namespace {

// -1: not asked yet.
std::atomic<int> arrays_are_passed{-1};

void answer(const Arguments& call) {
  const DeckMaterial& material = find_material(call.name, call.props, call.constants);
  check_states(call, material);
  const bool data_check = *call.step_time == Real(0) && *call.total_time == Real(0);
  if (data_check) return answer_data_check(call, material);
  check_kinematics(call);
  answer_increment(call, material);
}

}  // namespace

bool array_arguments() {
  const int known = arrays_are_passed.load(std::memory_order_relaxed);
  if (known >= 0) return known == 1;
  const char* value = std::getenv("PYBRIDGE_VUMAT_ARRAYS");
  const int passed = value != nullptr && value[0] == '1' ? 1 : 0;
  arrays_are_passed.store(passed, std::memory_order_relaxed);
  return passed == 1;
}

}  // namespace pybridge::abaqus

PYBRIDGE_EXPORT void pybridge_set_array_arguments(int passed) {
  pybridge::abaqus::arrays_are_passed.store(passed != 0 ? 1 : 0);
}

using pybridge::abaqus::Real;

PYBRIDGE_EXPORT void FOR_NAME(vumat, VUMAT)(
    const int* nblock, const int* ndir, const int* nshr, const int* nstatev, const int* /*nfieldv*/,
    const int* nprops, const int* lanneal, const Real* stepTime, const Real* totalTime, Real* dt,
    const char* cmname, const Real* /*coordMp*/, const Real* /*charLength*/, const Real* props,
    const Real* density, const Real* strainInc, const Real* /*relSpinInc*/, const Real* tempOld,
    const Real* stretchOld, const Real* /*defgradOld*/, const Real* /*fieldOld*/, const Real* stressOld,
    const Real* stateOld, const Real* enerInternOld, const Real* enerInelasOld, const Real* /*tempNew*/,
    const Real* stretchNew, const Real* defgradNew, const Real* /*fieldNew*/, Real* stressNew, Real* stateNew,
    Real* enerInternNew, Real* enerInelasNew) {
  using namespace pybridge::abaqus;
  const Arguments call = {nblock,        *nblock,       *ndir,      *nshr,      *nstatev,  *nprops,
                          lanneal,       stepTime,      totalTime,  dt,         cmname,    props,
                          density,       strainInc,     tempOld,    stretchOld, stressOld, stateOld,
                          enerInternOld, enerInelasOld, stretchNew, defgradNew, stressNew, stateNew,
                          enerInternNew, enerInelasNew};
  clear_last_error();
  // A host that traps floating-point exceptions must not be stopped by those of a padded vector lane.
  std::optional<HeldTraps> held;
  if (fegetexcept() != 0) held.emplace();
  try {
    check_element_type(call);
    check_precision(call);
  } catch (const std::exception& error) {
    return stop(error.what());  // the size of the outputs is in doubt: nothing is written
  }
  try {
    answer(call);
  } catch (const std::exception& error) {
    leave_without_answer(call);
    stop(error.what());
  } catch (...) {
    leave_without_answer(call);
    stop("unknown error in the material call");
  }
}
