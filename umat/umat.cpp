// UMAT, the material call of Abaqus/Standard and of CalculiX (docs/umat.md). Marshals only.
#include <algorithm>
#include <cfenv>
#include <exception>
#include <limits>
#include <optional>
#include <vector>

#include "abaqus_names.h"
#include "host_routines.h"
#include "umat_arguments.h"
#include "umat_host.h"
#include "umat_increment.h"

namespace pybridge::abaqus {

namespace {

// What is asked of the host where the increment has no answer: a quarter of it.
constexpr double smaller = 0.25;

// A failed call leaves a stress and a stiffness that no host can take for an answer; the state is the old
// one.
void leave_without_answer(const UmatArguments& call) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  if (call.components < 1 || call.components > 6) return;  // the size of the outputs is in doubt
  std::fill_n(call.stress, call.components, none);
  if (call.tangent != nullptr) std::fill_n(call.tangent, call.components * call.components, none);
}

}  // namespace

}  // namespace pybridge::abaqus

PYBRIDGE_EXPORT void FOR_NAME(umat, UMAT)(
    double* STRESS, double* STATEV, double* DDSDDE, double* SSE, double* SPD, double* SCD, double* /*RPL*/,
    double* /*DDSDDT*/, double* /*DRPLDE*/, double* /*DRPLDT*/, const double* STRAN, const double* DSTRAN,
    const double* TIME, const double* DTIME, const double* TEMP, const double* /*DTEMP*/,
    const double* /*PREDEF*/, const double* /*DPRED*/, const char* CMNAME, const int* NDI, const int* NSHR,
    const int* NTENS, const int* NSTATV, const double* PROPS, const int* NPROPS, const double* /*COORDS*/,
    const double* DROT, double* PNEWDT, const double* /*CELENT*/, const double* DFGRD0, const double* DFGRD1,
    const int* NOEL, const int* NPT, const int* /*LAYER*/, const int* /*KSPT*/, const int* /*JSTEP*/,
    const int* /*KINC*/) {
  using namespace pybridge::abaqus;
  const UmatArguments call = {STRESS,  STATEV, DDSDDE, SSE,    SPD,    SCD,    STRAN,  DSTRAN,
                              TIME,    DTIME,  TEMP,   CMNAME, *NDI,   *NSHR,  *NTENS, *NSTATV,
                              *NPROPS, PROPS,  DROT,   PNEWDT, DFGRD0, DFGRD1, *NOEL,  *NPT};
  clear_last_error();
  // A host that traps floating-point exceptions must not be stopped by those of a padded vector lane.
  std::optional<HeldTraps> held;
  if (fegetexcept() != 0) held.emplace();
  try {
    check_element_type(call);
    HostMaterial material;
    read_host_material(CMNAME, material);
    if (!answer_increment(call, material)) *PNEWDT = smaller;
  } catch (const std::exception& error) {
    leave_without_answer(call);
    stop(error.what());
  } catch (...) {
    leave_without_answer(call);
    stop("unknown error in the material call");
  }
}

// The same call `repeats` times, from compiled code: for timing without a caller's overhead. `a`: its
// arguments. The host's stress and state are put back before each.
PYBRIDGE_EXPORT void pybridge_repeat_umat(int repeats, void** a) {
  const auto integer = [a](int k) { return static_cast<const int*>(a[k]); };
  const auto real = [a](int k) { return static_cast<double*>(a[k]); };
  const int components = *integer(21), states = *integer(22);
  double stress[6];
  for (int c = 0; c < components; ++c) stress[c] = real(0)[c];
  const std::vector<double> state(real(1), real(1) + states);
  for (int k = 0; k < repeats; ++k) {
    for (int c = 0; c < components; ++c) real(0)[c] = stress[c];
    for (int c = 0; c < states; ++c) real(1)[c] = state[static_cast<std::size_t>(c)];
    FOR_NAME(umat, UMAT)
    (real(0), real(1), real(2), real(3), real(4), real(5), real(6), real(7), real(8), real(9), real(10),
     real(11), real(12), real(13), real(14), real(15), real(16), real(17), static_cast<const char*>(a[18]),
     integer(19), integer(20), integer(21), integer(22), real(23), integer(24), real(25), real(26), real(27),
     real(28), real(29), real(30), integer(31), integer(32), integer(33), integer(34), integer(35),
     integer(36));
  }
}
