// A UMAT that forwards every call to the library in PYBRIDGE_UMAT and appends what went in and came out to
// the file in PYBRIDGE_UMAT_RECORD: for `pybridge verify calculix`, which replays it.
//
// A record: int32 element, point, increment, components, states, 0; then doubles: step time, total time, dt,
// DFGRD0[9], DFGRD1[9], stress before [components] and after, state before [states] and after, PNEWDT after.
#include <mutex>
#include <vector>

#include "forward.h"

PYBRIDGE_EXPORT void umat_(PYBRIDGE_UMAT_PARAMETERS) {
  using namespace pybridge::adapters;
  static const auto umat = reinterpret_cast<Umat>(forwarded("PYBRIDGE_UMAT", "umat_"));
  static const char* const path = std::getenv("PYBRIDGE_UMAT_RECORD");
  static std::FILE* const file = path == nullptr ? nullptr : std::fopen(path, "ab");
  static std::mutex guard;
  if (file == nullptr) give_up("PYBRIDGE_UMAT_RECORD", path);
  std::vector<double> values = {TIME[0], TIME[1], *DTIME};
  const auto add = [&values](const double* from, int count) {
    values.insert(values.end(), from, from + count);
  };
  add(DFGRD0, 9);
  add(DFGRD1, 9);
  add(STRESS, *NTENS);
  const std::vector<double> state_old(STATEV, STATEV + *NSTATV);
  umat(PYBRIDGE_UMAT_ARGUMENTS);
  add(STRESS, *NTENS);
  add(state_old.data(), *NSTATV);
  add(STATEV, *NSTATV);
  add(PNEWDT, 1);
  const int head[6] = {*NOEL, *NPT, *KINC, *NTENS, *NSTATV, 0};
  const std::lock_guard<std::mutex> lock(guard);
  std::fwrite(head, sizeof head, 1, file);
  std::fwrite(values.data(), sizeof(double), values.size(), file);
  std::fflush(file);
}
