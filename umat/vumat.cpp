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

// The same call `repeats` times, from compiled code: for timing without a caller's overhead. `a`: its
// arguments.
PYBRIDGE_EXPORT void pybridge_repeat_vumat(int repeats, void** a) {
  const auto integer = [a](int k) { return static_cast<const int*>(a[k]); };
  const auto real = [a](int k) { return static_cast<Real*>(a[k]); };
  for (int k = 0; k < repeats; ++k) FOR_NAME(vumat, VUMAT)
  (integer(0), integer(1), integer(2), integer(3), integer(4), integer(5), integer(6), real(7), real(8),
   real(9), static_cast<const char*>(a[10]), real(11), real(12), real(13), real(14), real(15), real(16),
   real(17), real(18), real(19), real(20), real(21), real(22), real(23), real(24), real(25), real(26),
   real(27), real(28), real(29), real(30), real(31), real(32));
}

// The material's own update `repeats` times, on the arrays of the same call: what the bridge is measured by.
PYBRIDGE_EXPORT void pybridge_repeat_update(int repeats, void** a) {
  using namespace pybridge::abaqus;
  const auto integer = [a](int k) { return static_cast<const int*>(a[k]); };
  const auto real = [a](int k) { return static_cast<Real*>(a[k]); };
  const Arguments call = {integer(0),
                          *integer(0),
                          *integer(1),
                          *integer(2),
                          *integer(3),
                          *integer(5),
                          integer(6),
                          real(7),
                          real(8),
                          real(9),
                          static_cast<const char*>(a[10]),
                          real(13),
                          real(14),
                          real(15),
                          real(17),
                          real(18),
                          real(21),
                          real(22),
                          real(23),
                          real(24),
                          real(26),
                          real(27),
                          real(29),
                          real(30),
                          real(31),
                          real(32)};
  clear_last_error();
  try {
    repeat_update(call, find_material(call.name, call.props, call.constants), repeats);
  } catch (const std::exception& error) {
    stop(error.what());
  }
}
